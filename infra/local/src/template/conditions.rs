//! The `Conditions` section, and the functions that only conditions are made of.

use super::{
    error::TemplateError,
    field::Place,
    node::{Kind, Node},
    resolve::Resolver,
};

const EXPECTED: &str = "must be a condition: Equals, Not, And, Or or Condition";

impl Resolver<'_> {
    /// Whether a condition holds that is named in `Conditions`.
    pub(super) fn named_condition(&self, name: &Node, place: &Place) -> Result<bool, TemplateError> {
        let text = name.as_text().ok_or_else(|| place.error(name.at, "must name a condition"))?;
        let conditions = self.document.get("Conditions");
        let condition = conditions
            .and_then(|conditions| conditions.get(text))
            .ok_or_else(|| place.error(name.at, format!("there is no condition {text}")))?;
        self.holds(condition, &Place::of("Conditions").then(text))
    }

    /// Whether a condition holds.
    pub(super) fn holds(&self, node: &Node, place: &Place) -> Result<bool, TemplateError> {
        self.nested(node.at, place, || self.judge(node, place))
    }

    fn judge(&self, node: &Node, place: &Place) -> Result<bool, TemplateError> {
        let at = node.at;
        let (name, argument) = match &node.kind {
            Kind::Call(name, argument) => (name.as_str(), &**argument),
            // The long form of `!Condition`, within And, Or and Not.
            Kind::Map(entries) => match &**entries {
                [(name, argument)] if name == "Condition" => ("Condition", argument),
                _ => return Err(place.error(at, EXPECTED)),
            },
            _ => return Err(place.error(at, EXPECTED)),
        };
        match name {
            "Condition" => self.named_condition(argument, place),
            "Fn::Equals" => {
                let [left, right] = self.arguments(argument, place, "Equals")?;
                let sides = (self.resolve(left, place)?, self.resolve(right, place)?);
                Ok(match sides {
                    (Some(left), Some(right)) => match (left.as_text(), right.as_text()) {
                        (Some(left), Some(right)) => left == right,
                        _ => left.to_json() == right.to_json(),
                    },
                    (left, right) => left.is_none() && right.is_none(),
                })
            }
            "Fn::Not" => {
                let [of] = self.arguments(argument, place, "Not")?;
                Ok(!self.holds(of, place)?)
            }
            "Fn::And" | "Fn::Or" => {
                let Kind::List(parts) = &argument.kind else {
                    return Err(place.error(at, "And and Or take a list of conditions"));
                };
                let parts = parts.iter().map(|part| self.holds(part, place));
                let parts = parts.collect::<Result<Vec<_>, _>>()?;
                let holds = |part: &bool| *part;
                Ok(if name == "Fn::And" { parts.iter().all(holds) } else { parts.iter().any(holds) })
            }
            _ => Err(place.error(at, EXPECTED)),
        }
    }
}
