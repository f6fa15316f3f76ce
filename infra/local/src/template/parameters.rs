//! The `Parameters` section: defaults, values handed in, and the constraints on both.

use std::collections::BTreeMap;

use super::{
    error::TemplateError,
    node::{Kind, Node},
};

/// The name of each parameter.
pub(super) fn names(document: &Node) -> Result<Vec<String>, TemplateError> {
    let declared = document.get("Parameters").map_or(&[][..], Node::entries);
    Ok(declared.iter().map(|(name, _)| name.clone()).collect())
}

/// The value of each parameter.
pub(super) fn read(
    document: &Node,
    overrides: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Node>, TemplateError> {
    let declared = document.get("Parameters").map_or(&[][..], Node::entries);
    for name in overrides.keys() {
        if !declared.iter().any(|(declared, _)| declared == name) {
            let known: Vec<_> = declared.iter().map(|(name, _)| name.as_str()).collect();
            return Err(wrong(name, format!("the template has none of that name; it has {}", known.join(", "))));
        }
    }
    let mut values = BTreeMap::new();
    for (name, declaration) in declared {
        let given = overrides.get(name).map(String::as_str);
        values.insert(name.clone(), value(name, declaration, given)?);
    }
    Ok(values)
}

fn wrong(name: &str, message: impl Into<String>) -> TemplateError {
    TemplateError::Parameter { name: name.to_owned(), message: message.into() }
}

fn value(name: &str, declaration: &Node, given: Option<&str>) -> Result<Node, TemplateError> {
    let default = declaration.get("Default").and_then(Node::as_text);
    let text = given.or(default).ok_or_else(|| {
        let line = declaration.at.line;
        wrong(name, format!("has no Default and was not given (declared before line {line})"))
    })?;
    let kind = declaration.get("Type").and_then(Node::as_text).unwrap_or("String");
    match kind {
        "CommaDelimitedList" | "List<Number>" => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            let items = items.map(|item| checked(name, declaration, kind, item));
            Ok(Node { kind: Kind::List(items.collect::<Result<_, _>>()?), at: declaration.at })
        }
        "String" | "Number" => checked(name, declaration, kind, text),
        // SSM and AWS-specific types: on one machine their value can only be handed in or stand as the default.
        _ if kind.starts_with("AWS::SSM::") && given.is_none() => {
            Err(wrong(name, format!("is of type {kind}, which cannot be looked up here: give it a value")))
        }
        _ => checked(name, declaration, "String", text),
    }
}

/// One value, held against the declaration's constraints.
fn checked(name: &str, declaration: &Node, kind: &str, text: &str) -> Result<Node, TemplateError> {
    let limit = |key: &str| declaration.get(key).and_then(Node::as_text)?.parse::<f64>().ok();
    if let Some(Kind::List(allowed)) = declaration.get("AllowedValues").map(|node| &node.kind) {
        let allowed: Vec<_> = allowed.iter().filter_map(Node::as_text).collect();
        if !allowed.contains(&text) {
            return Err(wrong(name, format!("{text:?} is not allowed; allowed are {}", allowed.join(", "))));
        }
    }
    let is_number = matches!(kind, "Number" | "List<Number>");
    let measured = if is_number {
        text.parse::<f64>().map_err(|_| wrong(name, format!("must be a number, not {text:?}")))?
    } else {
        text.chars().count() as f64
    };
    let (least, most) = if is_number { ("MinValue", "MaxValue") } else { ("MinLength", "MaxLength") };
    if limit(least).is_some_and(|limit| measured < limit) || limit(most).is_some_and(|limit| measured > limit) {
        let limits: Vec<_> = [least, most]
            .into_iter()
            .filter_map(|key| Some(format!("{key} {}", declaration.get(key)?.as_text()?)))
            .collect();
        return Err(wrong(name, format!("{text:?} is outside {}", limits.join(", "))));
    }
    Ok(Node { kind: Kind::Scalar { text: text.to_owned(), plain: is_number }, at: declaration.at })
}
