//! Intrinsic functions: what `!Ref`, `!Sub`, `!If` and the others stand for.

use std::{cell::Cell, collections::BTreeMap};

use super::{
    error::TemplateError,
    field::{Field, Place},
    names, parameters,
    yaml::{Kind, Node, Position},
};

const SUPPORTED: &str =
    "Ref, GetAtt, Sub, Join, If, Equals, Not, And, Or, Condition, FindInMap, Select and Split";
/// Deeper than any template nests; a parameter or condition that leads back to itself ends here.
const MAX_DEPTH: usize = 64;

/// A document and its parameters.
pub(super) struct Resolver<'t> {
    document: &'t Node,
    parameters: BTreeMap<String, Node>,
    depth: Cell<usize>,
}

type Resolved = Result<Option<Node>, TemplateError>;

impl<'t> Resolver<'t> {
    pub(super) fn new(
        document: &'t Node,
        overrides: &BTreeMap<String, String>,
    ) -> Result<Resolver<'t>, TemplateError> {
        let parameters = parameters::read(document, overrides)?;
        Ok(Resolver { document, parameters, depth: Cell::new(0) })
    }

    /// The resources whose condition holds, in the order of the file.
    pub(super) fn resources(&self) -> Result<Vec<(&'t str, &'t Node)>, TemplateError> {
        let mut present = Vec::new();
        for (id, node) in self.document.get("Resources").map_or(&[][..], Node::entries) {
            if self.is_present(id, node)? {
                present.push((id.as_str(), node));
            }
        }
        Ok(present)
    }

    /// A resource by logical id, if the template has it and its condition holds.
    pub(super) fn resource(&self, id: &str) -> Result<Option<&'t Node>, TemplateError> {
        let Some(node) = self.document.get("Resources").and_then(|resources| resources.get(id)) else {
            return Ok(None);
        };
        Ok(self.is_present(id, node)?.then_some(node))
    }

    fn is_present(&self, id: &str, node: &Node) -> Result<bool, TemplateError> {
        match node.get("Condition") {
            None => Ok(true),
            Some(condition) => self.named_condition(condition, &Place::of(id).then("Condition")),
        }
    }

    /// The globals for one kind of resource.
    pub(super) fn globals(&self, section: &str) -> Option<&'t Node> {
        self.document.get("Globals")?.get(section)
    }

    /// A property with everything in it resolved; none if it is `AWS::NoValue` or null.
    pub(super) fn field(&self, node: &Node, place: Place) -> Result<Option<Field>, TemplateError> {
        let node = self.resolve(node, &place)?;
        Ok(node.filter(|node| !node.is_null()).map(|node| Field { node, place }))
    }

    pub(super) fn resolve(&self, node: &Node, place: &Place) -> Resolved {
        if self.depth.get() >= MAX_DEPTH {
            return Err(place.error(node.at, "nests too deeply, or refers to itself"));
        }
        self.depth.set(self.depth.get() + 1);
        let resolved = self.resolve_within(node, place);
        self.depth.set(self.depth.get() - 1);
        resolved
    }

    fn resolve_within(&self, node: &Node, place: &Place) -> Resolved {
        let kind = match &node.kind {
            Kind::Scalar { .. } => node.kind.clone(),
            Kind::List(items) => {
                let mut resolved = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    resolved.extend(self.resolve(item, &place.then(index))?);
                }
                Kind::List(resolved)
            }
            Kind::Map(entries) => {
                let mut resolved = Vec::new();
                for (key, value) in entries {
                    let value = self.resolve(value, &place.then(key))?;
                    resolved.extend(value.map(|value| (key.clone(), value)));
                }
                Kind::Map(resolved)
            }
            Kind::Call(name, argument) => return self.call(name, argument, node.at, place),
        };
        Ok(Some(Node { kind, at: node.at }))
    }

    fn call(&self, name: &str, argument: &Node, at: Position, place: &Place) -> Resolved {
        let text = |text: String| Ok(Some(Node::text(text, at)));
        match name {
            "Ref" => {
                let target = argument
                    .as_text()
                    .ok_or_else(|| place.error(at, "Ref takes the name of a parameter or resource"))?;
                self.reference(target, at, place)
            }
            "Fn::GetAtt" => {
                let parts = self.texts(argument, place)?;
                match &*parts {
                    [resource, attribute @ ..] if !attribute.is_empty() => {
                        text(names::attribute(self, resource, &attribute.join("."), at, place)?)
                    }
                    _ => Err(place.error(at, "GetAtt takes a resource and an attribute")),
                }
            }
            "Fn::Sub" => text(self.substitute(argument, at, place)?),
            "Fn::Join" => match self.arguments(argument, at, place, "Join", 2)? {
                [separator, items] => {
                    let separator = self.one_text(separator, place)?;
                    text(self.texts(items, place)?.join(&separator))
                }
                _ => Ok(None),
            },
            "Fn::Split" => match self.arguments(argument, at, place, "Split", 2)? {
                [separator, whole] => {
                    let separator = self.one_text(separator, place)?;
                    let whole = self.one_text(whole, place)?;
                    let parts = whole.split(&*separator).map(|part| Node::text(part, at)).collect();
                    Ok(Some(Node { kind: Kind::List(parts), at }))
                }
                _ => Ok(None),
            },
            "Fn::Select" => match self.arguments(argument, at, place, "Select", 2)? {
                [index, items] => {
                    let index = self.one_text(index, place)?;
                    let items = self.texts(items, place)?;
                    let item = index.parse::<usize>().ok().and_then(|index| items.get(index).cloned());
                    text(item.ok_or_else(|| {
                        place.error(at, format!("Select: there is no item {index} among {}", items.len()))
                    })?)
                }
                _ => Ok(None),
            },
            "Fn::If" => match self.arguments(argument, at, place, "If", 3)? {
                [condition, yes, no] => {
                    let holds = self.named_condition(condition, place)?;
                    self.resolve(if holds { yes } else { no }, place)
                }
                _ => Ok(None),
            },
            "Fn::FindInMap" => {
                let keys = self.texts(argument, place)?;
                let mut found = self.document.get("Mappings");
                for key in &keys {
                    found = found.and_then(|map| map.get(key));
                }
                let found = found.filter(|_| keys.len() == 3).ok_or_else(|| {
                    place.error(at, format!("FindInMap: Mappings has no {}", keys.join(".")))
                })?;
                self.resolve(found, place)
            }
            "Condition" | "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" => {
                let call = Node { kind: Kind::Call(name.to_owned(), Box::new(argument.clone())), at };
                text(self.holds(&call, place)?.to_string())
            }
            other => {
                let short = other.trim_start_matches("Fn::");
                Err(place.error(at, format!("{short} is not supported by the local stack; supported are {SUPPORTED}")))
            }
        }
    }

    fn reference(&self, target: &str, at: Position, place: &Place) -> Resolved {
        if target == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self.parameters.get(target) {
            return Ok(Some(Node { kind: value.kind.clone(), at }));
        }
        let value = match names::pseudo_parameter(target) {
            Some(value) => value.to_owned(),
            None => names::reference(self, target, at, place)?,
        };
        Ok(Some(Node::text(value, at)))
    }

    /// `Sub`: a template text, alone or with values of its own.
    fn substitute(&self, argument: &Node, at: Position, place: &Place) -> Result<String, TemplateError> {
        let (pattern, own) = match &argument.kind {
            Kind::List(items) => match &**items {
                [pattern, own] => (pattern.as_text(), own.entries()),
                _ => (None, &[][..]),
            },
            _ => (argument.as_text(), &[][..]),
        };
        let pattern = pattern
            .ok_or_else(|| place.error(at, "Sub takes a string, or a list of a string and a mapping"))?;
        let mut text = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let (name, after) = after.split_once('}').ok_or_else(|| place.error(at, "Sub: a ${ without its }"))?;
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                text.push_str(&format!("${{{literal}}}"));
            } else if let Some((_, value)) = own.iter().find(|(key, _)| key == name) {
                text.push_str(&self.one_text(value, place)?);
            } else if let Some((resource, attribute)) = name.split_once('.') {
                text.push_str(&names::attribute(self, resource, attribute, at, place)?);
            } else {
                let value = self.reference(name, at, place)?;
                let value = value.as_ref().and_then(Node::as_text);
                text.push_str(value.ok_or_else(|| place.error(at, format!("Sub: {name} is no string")))?);
            }
        }
        text.push_str(rest);
        Ok(text)
    }

    /// Whether a condition holds that is named in `Conditions`.
    fn named_condition(&self, name: &Node, place: &Place) -> Result<bool, TemplateError> {
        let call = Node { kind: Kind::Call("Condition".to_owned(), Box::new(name.clone())), at: name.at };
        self.holds(&call, place)
    }

    fn holds(&self, node: &Node, place: &Place) -> Result<bool, TemplateError> {
        let at = node.at;
        if self.depth.get() >= MAX_DEPTH {
            return Err(place.error(at, "a condition refers to itself"));
        }
        let (name, argument) = match &node.kind {
            Kind::Call(name, argument) => (name.as_str(), &**argument),
            // The long form of `!Condition`, within And, Or and Not.
            Kind::Map(entries) if entries.len() == 1 && entries[0].0 == "Condition" => ("Condition", &entries[0].1),
            _ => return Err(place.error(at, "must be a condition: Equals, Not, And, Or or Condition")),
        };
        self.depth.set(self.depth.get() + 1);
        let result = match (name, argument) {
            ("Condition", named) => {
                let named = named.as_text().ok_or_else(|| place.error(at, "must name a condition"))?;
                let conditions = self.document.get("Conditions");
                let condition = conditions.and_then(|conditions| conditions.get(named));
                let condition = condition.ok_or_else(|| place.error(at, format!("there is no condition {named}")))?;
                self.holds(condition, &Place::of("Conditions").then(named))
            }
            ("Fn::Equals", sides) => match self.arguments(sides, at, place, "Equals", 2)? {
                [left, right] => {
                    let sides = (self.resolve(left, place)?, self.resolve(right, place)?);
                    Ok(match sides {
                        (Some(left), Some(right)) => match (left.as_text(), right.as_text()) {
                            (Some(left), Some(right)) => left == right,
                            _ => left.to_json() == right.to_json(),
                        },
                        (left, right) => left.is_none() && right.is_none(),
                    })
                }
                _ => Ok(false),
            },
            ("Fn::Not", of) => match self.arguments(of, at, place, "Not", 1)? {
                [of] => self.holds(of, place).map(|holds| !holds),
                _ => Ok(false),
            },
            ("Fn::And" | "Fn::Or", Node { kind: Kind::List(parts), .. }) => {
                let parts = parts.iter().map(|part| self.holds(part, place)).collect::<Result<Vec<_>, _>>()?;
                Ok(if name == "Fn::And" { parts.iter().all(|part| *part) } else { parts.iter().any(|part| *part) })
            }
            _ => Err(place.error(at, "must be a condition: Equals, Not, And, Or or Condition")),
        };
        self.depth.set(self.depth.get() - 1);
        result
    }

    fn arguments<'a>(
        &self,
        argument: &'a Node,
        at: Position,
        place: &Place,
        name: &str,
        count: usize,
    ) -> Result<&'a [Node], TemplateError> {
        match &argument.kind {
            Kind::List(items) if items.len() == count => Ok(items),
            _ => Err(place.error(at, format!("{name} takes a list of {count}"))),
        }
    }

    fn one_text(&self, node: &Node, place: &Place) -> Result<String, TemplateError> {
        let resolved = self.resolve(node, place)?;
        let text = resolved.as_ref().and_then(Node::as_text).map(str::to_owned);
        text.ok_or_else(|| place.error(node.at, "must be a string"))
    }

    fn texts(&self, node: &Node, place: &Place) -> Result<Vec<String>, TemplateError> {
        match self.resolve(node, place)?.map(|node| node.kind) {
            Some(Kind::List(items)) => {
                let texts = items.iter().map(|item| item.as_text().map(str::to_owned));
                texts.collect::<Option<_>>().ok_or_else(|| place.error(node.at, "must be a list of strings"))
            }
            _ => Err(place.error(node.at, "must be a list")),
        }
    }
}
