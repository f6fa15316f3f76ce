//! Asking a mapping for its fields: presence, type, unknown names.

use super::{Checker, Fields};
use crate::playbook::document::{Node, Place, Value};

impl<'n> Fields<'n> {
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(key, _)| *key == name).map(|(_, node)| *node)
    }
}

impl Checker {
    /// The fields of a mapping; those that it may not have are complained about.
    pub(super) fn fields<'n>(&mut self, what: &'static str, node: &'n Node, known: &[&str]) -> Option<Fields<'n>> {
        let Value::Map(map) = &node.value else {
            let message = format!("here stands {}; a {what} is a mapping with {}", node.value.kind(), known.join(", "));
            self.tell(node.place, message);
            return None;
        };
        let mut fields = Fields { what, place: node.place, entries: Vec::new() };
        for (place, key, value) in map {
            if !known.contains(&key.as_str()) {
                let meant = known.iter().find(|name| strsim::damerau_levenshtein(name, key) <= 2);
                let advice = meant
                    .map_or_else(|| format!("fields are {}", known.join(", ")), |it| format!("did you mean {it}?"));
                let article = if what.starts_with('o') { "an" } else { "a" };
                self.tell(*place, format!("{article} {what} has no field \"{key}\"; {advice}"));
            } else {
                fields.entries.push((key, value));
            }
        }
        Some(fields)
    }

    /// Reads each mapping of a list and complains about ids that repeat.
    pub(super) fn each<T: HasId>(
        &mut self,
        fields: &Fields<'_>,
        name: &'static str,
        mut read: impl FnMut(&mut Self, &Fields<'_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(node) = self.required(fields, name) else { return Vec::new() };
        let Value::List(list) = &node.value else {
            self.tell(
                node.place,
                format!("{name} is {}; it must be a list, each entry beginning with - id:", node.value.kind()),
            );
            return Vec::new();
        };
        if list.is_empty() {
            self.tell(node.place, format!("{name} is empty; list at least one"));
        }
        let mut seen: Vec<(String, u64)> = Vec::new();
        let mut items = Vec::new();
        for node in list {
            let Some(entry) = self.fields(T::WHAT, node, T::FIELDS) else { continue };
            let id = entry.get("id").and_then(|id| id.value.text().map(|text| (id.place, text.to_owned())));
            if let Some((place, id)) = id {
                match seen.iter().find(|(known, _)| *known == id) {
                    Some((_, line)) => {
                        let message =
                            format!("the id \"{id}\" is taken by the {} on line {line}; ids are unique", T::WHAT);
                        self.tell(place, message);
                    }
                    None => seen.push((id, place.line)),
                }
            }
            items.extend(read(self, &entry));
        }
        items
    }

    pub(super) fn required<'n>(&mut self, fields: &Fields<'n>, name: &str) -> Option<&'n Node> {
        let node = fields.get(name);
        if node.is_none() {
            self.tell(fields.place, format!("the {} has no {name}; add {name}:", fields.what));
        }
        node
    }

    pub(super) fn required_text(&mut self, fields: &Fields<'_>, name: &str) -> Option<(Place, String)> {
        self.required(fields, name)?;
        self.optional_text(fields, name)
    }

    pub(super) fn text_or_empty(&mut self, fields: &Fields<'_>, name: &str) -> String {
        self.optional_text(fields, name).map(|(_, text)| text).unwrap_or_default()
    }

    /// The text of a field; an empty one or another type is complained about.
    pub(super) fn optional_text(&mut self, fields: &Fields<'_>, name: &str) -> Option<(Place, String)> {
        let node = fields.get(name)?;
        self.text(name, node)
    }

    fn text(&mut self, name: &str, node: &Node) -> Option<(Place, String)> {
        match &node.value {
            Value::Text(text) if !text.trim().is_empty() => Some((node.place, text.trim().to_owned())),
            Value::Text(_) | Value::Null => {
                self.tell(node.place, format!("{name} is empty; fill it in or remove it"));
                None
            }
            Value::Bool(_) | Value::Number(_) => {
                self.tell(node.place, format!("{name} is {}; put it into quotes to make it text", node.value.kind()));
                None
            }
            Value::List(_) | Value::Map(_) => {
                self.tell(node.place, format!("{name} is {}; it must be text", node.value.kind()));
                None
            }
        }
    }

    /// The texts of a list field; none where it is absent.
    pub(super) fn texts(&mut self, fields: &Fields<'_>, name: &str) -> Vec<(Place, String)> {
        fields.get(name).map(|node| self.text_list(name, node)).unwrap_or_default()
    }

    pub(super) fn text_list(&mut self, name: &str, node: &Node) -> Vec<(Place, String)> {
        let Value::List(list) = &node.value else {
            self.tell(
                node.place,
                format!("{name} is {}; it must be a list of texts, each beginning with -", node.value.kind()),
            );
            return Vec::new();
        };
        list.iter().filter_map(|entry| self.text(&format!("an entry of {name}"), entry)).collect()
    }

    /// The id of a landmark or objection.
    pub(super) fn id(&mut self, fields: &Fields<'_>) -> Option<String> {
        let (place, id) = self.required_text(fields, "id")?;
        let valid = id.len() <= 64
            && id.starts_with(|c: char| c.is_ascii_lowercase())
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        if !valid {
            let message =
                format!("the id \"{id}\" is not valid; use up to 64 of a-z, 0-9, _ and -, beginning with a letter");
            self.tell(place, message);
            return None;
        }
        Some(id)
    }
}

/// What stands in a list of the playbook under an id.
pub(super) trait HasId {
    /// What it is, for complaints.
    const WHAT: &'static str;
    /// The fields it may have.
    const FIELDS: &'static [&'static str];
}

impl HasId for crate::playbook::Landmark {
    const WHAT: &'static str = "landmark";
    const FIELDS: &'static [&'static str] = super::LANDMARK_FIELDS;
}

impl HasId for crate::playbook::Objection {
    const WHAT: &'static str = "objection";
    const FIELDS: &'static [&'static str] = super::OBJECTION_FIELDS;
}
