//! What both ends of a workflow's messages do alike.

use crate::routing::v1::{AttributeValues, WorkflowConditions, WorkflowRule};

impl WorkflowRule {
    /// A rule that asks these conditions and says nothing else yet. An attribute of which one value
    /// is meant stands where older programs look for it.
    #[must_use]
    pub fn under(when: WorkflowConditions) -> Self {
        let WorkflowConditions {
            categories,
            channels,
            priorities,
            languages,
            tags,
            skills,
            organisations,
            attributes,
        } = when;
        let mut rule = Self {
            categories,
            channels,
            priorities,
            languages,
            tags,
            skills,
            organisations,
            ..Self::default()
        };
        for (key, given) in attributes {
            match <[String; 1]>::try_from(given.values) {
                Ok([value]) => {
                    rule.attributes.insert(key, value);
                }
                Err(values) => {
                    rule.attributes_in.insert(key, AttributeValues { values });
                }
            }
        }
        rule
    }
}
