//! YAML as CloudFormation writes it, read into a tree. Nothing is resolved here.

use std::collections::HashMap;

use super::{
    error::TemplateError,
    node::{Kind, Node, Position},
};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

/// Reads the one document of a file.
pub(super) fn parse(text: &str) -> Result<Node, TemplateError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text).keep_tags(true) {
        let (event, span) = event.map_err(|error| scan_error(&error))?;
        builder.take(event, span)?;
    }
    builder.document.ok_or_else(|| TemplateError::Yaml {
        line: 1,
        column: 1,
        message: "the template is empty".to_owned(),
    })
}

fn scan_error(error: &ScanError) -> TemplateError {
    TemplateError::Yaml {
        line: error.marker().line(),
        column: error.marker().col() + 1,
        message: error.info().to_owned(),
    }
}

/// A collection whose end was not reached yet.
struct Open {
    at: Position,
    tag: Option<String>,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<(String, Node)>, key: Option<String> },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    document: Option<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), TemplateError> {
        let at = Position { line: span.start.line(), column: span.start.col() + 1 };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let node = Node { kind: Kind::Scalar { text: text.into_owned(), plain }, at };
                self.complete(node, custom(tag.as_deref()), anchor)
            }
            Event::SequenceStart(anchor, tag, ..) => {
                let tag = custom(tag.as_deref());
                self.open.push(Open { at, tag, anchor, content: Content::List(Vec::new()) });
                Ok(())
            }
            Event::MappingStart(anchor, tag, ..) => {
                let tag = custom(tag.as_deref());
                let content = Content::Map { entries: Vec::new(), key: None };
                self.open.push(Open { at, tag, anchor, content });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let kind = match open.content {
                    Content::List(items) => Kind::List(items),
                    Content::Map { entries, .. } => call_of(entries),
                };
                self.complete(Node { kind, at: open.at }, open.tag, open.anchor)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned().ok_or_else(|| error(at, "unknown alias"))?;
                self.complete(node, None, 0)
            }
            _ => Ok(()),
        }
    }

    /// Puts a finished node where it belongs.
    fn complete(&mut self, node: Node, tag: Option<String>, anchor: usize) -> Result<(), TemplateError> {
        let node = match tag {
            None => node,
            Some(tag) => Node { at: node.at, kind: short_call(&tag, node) },
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            if self.document.is_some() {
                return Err(error(node.at, "a template is one document"));
            }
            self.document = Some(node);
            return Ok(());
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, key } => match key.take() {
                Some(name) => entries.push((name, node)),
                None => {
                    let name = node.as_text().ok_or_else(|| error(node.at, "a key must be a string"))?;
                    if entries.iter().any(|(present, _)| present == name) {
                        return Err(error(node.at, &format!("{name} stands here twice")));
                    }
                    *key = Some(name.to_owned());
                }
            },
        }
        Ok(())
    }
}

fn error(at: Position, message: &str) -> TemplateError {
    TemplateError::Yaml { line: at.line, column: at.column, message: message.to_owned() }
}

/// The name of a tag that is no type of YAML's own.
fn custom(tag: Option<&Tag>) -> Option<String> {
    tag.filter(|tag| !tag.is_yaml_core_schema()).map(|tag| tag.suffix.clone())
}

/// `!Sub` and its kind.
fn short_call(tag: &str, argument: Node) -> Kind {
    let name = match tag {
        "Ref" | "Condition" => tag.to_owned(),
        other => format!("Fn::{other}"),
    };
    let argument = match (&*name, argument.as_text()) {
        // The short form names resource and attribute in one string.
        ("Fn::GetAtt", Some(text)) => {
            let (resource, attribute) = text.split_once('.').unwrap_or((text, ""));
            let parts = [resource, attribute].map(|part| Node::text(part, argument.at));
            Node { kind: Kind::List(parts.to_vec()), at: argument.at }
        }
        _ => argument,
    };
    Kind::Call(name, Box::new(argument))
}

/// A mapping, or the call that a mapping with the one key `Ref` or `Fn::…` stands for.
fn call_of(mut entries: Vec<(String, Node)>) -> Kind {
    let is_call = matches!(&*entries, [(key, _)] if key == "Ref" || key.starts_with("Fn::"));
    match entries.pop() {
        Some((name, argument)) if is_call => match name.strip_prefix("Fn::") {
            Some(short) => short_call(short, argument),
            None => Kind::Call(name, Box::new(argument)),
        },
        Some(last) => {
            entries.push(last);
            Kind::Map(entries)
        }
        None => Kind::Map(entries),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Value) {
        assert_eq!(parse(text).unwrap().to_json(), expected);
    }

    #[test]
    fn short_and_long_forms_are_the_same_call() {
        for text in ["!Ref A", "Ref: A", "{Ref: A}"] {
            assert!(matches!(parse(text).unwrap().kind, Kind::Call(name, _) if name == "Ref"));
        }
        let short = parse("!GetAtt A.Arn").unwrap();
        let long = parse("Fn::GetAtt: [A, Arn]").unwrap();
        assert_eq!(short.to_json(), long.to_json());
        assert_eq!(parse("Fn::GetAtt: A.Arn").unwrap().to_json(), long.to_json());
        check("!Sub ['${A}', {A: 1}]", serde_json::json!({"Fn::Sub": ["${A}", {"A": 1}]}));
    }

    #[test]
    fn scalars_keep_their_kind() {
        check(
            "[1, '1', 1.5, true, 'true', ~, x, 010, 2012-10-17, -1]",
            serde_json::json!([1, "1", 1.5, true, "true", null, "x", "010", "2012-10-17", -1]),
        );
        check("a: &x {b: 1}\nc: *x", serde_json::json!({"a": {"b": 1}, "c": {"b": 1}}));
    }

    #[test]
    fn positions_count_from_one() {
        let node = parse("a: 1\nb:\n  c: !Ref X\n").unwrap();
        let inner = node.get("b").unwrap().get("c").unwrap();
        assert_eq!((inner.at.line, inner.at.column > 1), (3, true));
    }

    #[test]
    fn broken_yaml_names_the_line() {
        for (text, line) in [("a: [1", 1), ("a: 1\na: 2", 2), ("", 1), ("a: 1\n  b: 2\n", 2)] {
            let Err(TemplateError::Yaml { line: found, .. }) = parse(text) else {
                panic!("{text:?} was accepted");
            };
            assert!(found >= line, "{text:?}: {found}");
        }
    }
}
