//! Intrinsic functions: what `!Ref`, `!Sub`, `!If` and the others stand for.

use std::{cell::Cell, collections::BTreeMap};

use super::{
    error::TemplateError,
    field::{Field, Place},
    names,
    node::{Kind, Node, Position},
    parameters,
};

const SUPPORTED: &str = "Ref, GetAtt, Sub, Join, If, Equals, Not, And, Or, Condition, FindInMap, Select and Split";
/// Deeper than any template nests; a parameter or condition that leads back to itself ends here.
const MAX_DEPTH: usize = 64;

/// A document and its parameters.
pub(super) struct Resolver<'t> {
    pub(super) document: &'t Node,
    parameters: BTreeMap<String, Node>,
    depth: Cell<usize>,
}

type Resolved = Result<Option<Node>, TemplateError>;

impl<'t> Resolver<'t> {
    pub(super) fn new(document: &'t Node, overrides: &BTreeMap<String, String>) -> Result<Resolver<'t>, TemplateError> {
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
        self.nested(node.at, place, || {
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
                Kind::Call(name, argument) => return self.call(name, argument, node, place),
            };
            Ok(Some(Node { kind, at: node.at }))
        })
    }

    /// Goes one level down, but not without end.
    pub(super) fn nested<T>(
        &self,
        at: Position,
        place: &Place,
        step: impl FnOnce() -> Result<T, TemplateError>,
    ) -> Result<T, TemplateError> {
        if self.depth.get() >= MAX_DEPTH {
            return Err(place.error(at, "nests too deeply, or refers to itself"));
        }
        self.depth.set(self.depth.get() + 1);
        let result = step();
        self.depth.set(self.depth.get() - 1);
        result
    }

    fn call(&self, name: &str, argument: &Node, whole: &Node, place: &Place) -> Resolved {
        let at = whole.at;
        let text = match name {
            "Ref" => {
                let target = argument
                    .as_text()
                    .ok_or_else(|| place.error(at, "Ref takes the name of a parameter or resource"))?;
                return self.reference(target, at, place);
            }
            "Fn::If" => {
                let [condition, yes, no] = self.arguments(argument, place, "If")?;
                let holds = self.named_condition(condition, place)?;
                return self.resolve(if holds { yes } else { no }, place);
            }
            "Fn::FindInMap" => return self.resolve(self.find_in_map(argument, place)?, place),
            "Fn::Split" => {
                let [separator, joined] = self.arguments(argument, place, "Split")?;
                let separator = self.one_text(separator, place)?;
                let joined = self.one_text(joined, place)?;
                let parts = joined.split(&*separator).map(|part| Node::text(part, at));
                return Ok(Some(Node { kind: Kind::List(parts.collect()), at }));
            }
            "Fn::Join" => {
                let [separator, items] = self.arguments(argument, place, "Join")?;
                let separator = self.one_text(separator, place)?;
                self.texts(items, place)?.join(&separator)
            }
            "Fn::Select" => {
                let [index, items] = self.arguments(argument, place, "Select")?;
                let index = self.one_text(index, place)?;
                let items = self.texts(items, place)?;
                let item = index.parse::<usize>().ok().and_then(|index| items.get(index).cloned());
                item.ok_or_else(|| {
                    let message = format!("Select: there is no item {index} among {}", items.len());
                    place.error(at, message)
                })?
            }
            "Fn::GetAtt" => match &*self.texts(argument, place)? {
                [resource, attribute @ ..] if !attribute.is_empty() => {
                    names::attribute(self, resource, &attribute.join("."), at, place)?
                }
                _ => return Err(place.error(at, "GetAtt takes a resource and an attribute")),
            },
            "Fn::Sub" => self.substitute(argument, place)?,
            "Condition" | "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" => self.holds(whole, place)?.to_string(),
            other => {
                let short = other.trim_start_matches("Fn::");
                let message = format!("{short} is not supported by the local stack; supported are {SUPPORTED}");
                return Err(place.error(at, message));
            }
        };
        Ok(Some(Node::text(text, at)))
    }

    fn find_in_map(&self, argument: &Node, place: &Place) -> Result<&'t Node, TemplateError> {
        let keys = self.texts(argument, place)?;
        let mut found = self.document.get("Mappings");
        for key in &keys {
            found = found.and_then(|map| map.get(key));
        }
        found.filter(|_| keys.len() == 3).ok_or_else(|| {
            let message = format!("FindInMap: Mappings has no {}", keys.join("."));
            place.error(argument.at, message)
        })
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
    fn substitute(&self, argument: &Node, place: &Place) -> Result<String, TemplateError> {
        let at = argument.at;
        let (pattern, own) = match &argument.kind {
            Kind::List(items) => match &**items {
                [pattern, own] => (pattern.as_text(), own.entries()),
                _ => (None, &[][..]),
            },
            _ => (argument.as_text(), &[][..]),
        };
        let pattern =
            pattern.ok_or_else(|| place.error(at, "Sub takes a string, or a list of a string and a mapping"))?;
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

    pub(super) fn arguments<'a, const N: usize>(
        &self,
        argument: &'a Node,
        place: &Place,
        name: &str,
    ) -> Result<&'a [Node; N], TemplateError> {
        let items = match &argument.kind {
            Kind::List(items) => items.as_slice().try_into().ok(),
            _ => None,
        };
        items.ok_or_else(|| place.error(argument.at, format!("{name} takes a list of {N}")))
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
