//! What may be edited on a ticket, and which edits change something.

use std::collections::BTreeMap;

use super::language::Language;
use super::ticket::Ticket;
use super::words::Priority;

/// One edit.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Another subject.
    Subject(String),
    /// Another priority.
    Priority(Priority),
    /// Another category; empty for none.
    Category(String),
    /// Other labels, sorted, each once.
    Tags(Vec<String>),
    /// Another language.
    Language(Language),
    /// Other facts altogether.
    Attributes(BTreeMap<String, String>),
    /// Another value of one fact; empty to remove it.
    Attribute(String, String),
}

impl Ticket {
    /// Makes the edits and returns the names of the fields that differ afterwards, sorted.
    pub fn edit(&mut self, edits: Vec<Edit>) -> Vec<&'static str> {
        let before = self.clone();
        for edit in edits {
            match edit {
                Edit::Subject(subject) => self.subject = subject,
                Edit::Priority(priority) => self.priority = priority,
                Edit::Category(category) => self.category = category,
                Edit::Tags(tags) => self.tags = tags,
                Edit::Language(language) => self.language = language,
                Edit::Attributes(attributes) => self.attributes = attributes,
                Edit::Attribute(key, value) if value.is_empty() => {
                    self.attributes.remove(&key);
                }
                Edit::Attribute(key, value) => {
                    self.attributes.insert(key, value);
                }
            }
        }
        [
            ("attributes", self.attributes != before.attributes),
            ("category", self.category != before.category),
            ("language", self.language != before.language),
            ("priority", self.priority != before.priority),
            ("subject", self.subject != before.subject),
            ("tags", self.tags != before.tags),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}
