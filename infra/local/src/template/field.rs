//! A resolved property and where it stands, so that every complaint about it names the place.

use std::{fmt::Display, ops::RangeInclusive};

use super::{
    error::TemplateError,
    node::{Kind, Node, Position},
};

/// Which resource, and the path of a property within it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) resource: String,
    pub(super) property: String,
}

impl Place {
    pub(super) fn of(resource: &str) -> Place {
        Place { resource: resource.to_owned(), property: String::new() }
    }

    pub(super) fn then(&self, step: impl Display) -> Place {
        let property = match &*self.property {
            "" => step.to_string(),
            path => format!("{path}.{step}"),
        };
        Place { resource: self.resource.clone(), property }
    }

    pub(super) fn error(&self, at: Position, message: impl Into<String>) -> TemplateError {
        TemplateError::Property {
            resource: self.resource.clone(),
            property: match &*self.property {
                "" => "definition".to_owned(),
                path => path.to_owned(),
            },
            line: at.line,
            column: at.column,
            message: message.into(),
        }
    }
}

/// A property with nothing left to resolve.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) node: Node,
    pub(super) place: Place,
}

impl Field {
    pub(super) fn error(&self, message: impl Into<String>) -> TemplateError {
        self.place.error(self.node.at, message)
    }

    /// An entry of a mapping, unless it is missing or null.
    pub(super) fn get(&self, key: &str) -> Option<Field> {
        let node = self.node.get(key).filter(|node| !node.is_null())?;
        Some(Field { node: node.clone(), place: self.place.then(key) })
    }

    pub(super) fn require(&self, key: &str) -> Result<Field, TemplateError> {
        self.get(key).ok_or_else(|| self.place.then(key).error(self.node.at, "is missing, and has no default"))
    }

    pub(super) fn text(&self) -> Result<String, TemplateError> {
        self.node.as_text().map(str::to_owned).ok_or_else(|| self.error("must be a string"))
    }

    pub(super) fn boolean(&self) -> Result<bool, TemplateError> {
        match self.node.as_text().map(str::to_ascii_lowercase).as_deref() {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            _ => Err(self.error("must be true or false")),
        }
    }

    pub(super) fn number(&self, range: RangeInclusive<i64>) -> Result<i64, TemplateError> {
        let number = self.node.as_text().and_then(|text| text.parse::<i64>().ok());
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let found = self.node.as_text().unwrap_or("a collection");
            self.error(format!("must be a whole number from {} to {}, not {found}", range.start(), range.end()))
        })
    }

    /// A number that cannot be negative.
    pub(super) fn count(&self, range: RangeInclusive<i64>) -> Result<u64, TemplateError> {
        let number = self.number(range)?;
        u64::try_from(number).map_err(|_| self.error("must not be negative"))
    }

    pub(super) fn items(&self) -> Result<Vec<Field>, TemplateError> {
        let Kind::List(items) = &self.node.kind else {
            return Err(self.error("must be a list"));
        };
        let fields =
            items.iter().enumerate().map(|(index, node)| Field { node: node.clone(), place: self.place.then(index) });
        Ok(fields.collect())
    }

    pub(super) fn entries(&self) -> Result<Vec<(String, Field)>, TemplateError> {
        let Kind::Map(entries) = &self.node.kind else {
            return Err(self.error("must be a mapping"));
        };
        let fields =
            entries.iter().map(|(key, node)| (key.clone(), Field { node: node.clone(), place: self.place.then(key) }));
        Ok(fields.collect())
    }

    /// Refuses entries that would silently do nothing here.
    pub(super) fn only(&self, supported: &[&str]) -> Result<(), TemplateError> {
        for (key, field) in self.entries()? {
            if !supported.contains(&&*key) {
                let list = supported.join(", ");
                return Err(field.error(format!("is not supported by the local stack; supported are {list}")));
            }
        }
        Ok(())
    }

    /// Refuses a value that is none of these.
    pub(super) fn one_of(&self, allowed: &[&str]) -> Result<String, TemplateError> {
        let text = self.text()?;
        if allowed.contains(&&*text) {
            return Ok(text);
        }
        Err(self.error(format!("{text} is not supported; supported are {}", allowed.join(", "))))
    }

    pub(super) fn json(&self) -> Result<serde_json::Value, TemplateError> {
        serde_json::from_str(&self.text()?).map_err(|error| self.error(format!("is no JSON: {error}")))
    }
}
