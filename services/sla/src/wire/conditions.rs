//! A policy's conditions, as callers write and read them.

use std::collections::BTreeMap;

use lotse_errors::{Text, Violations};
use lotse_ids::GroupId;
use lotse_proto::sla::v1 as proto;

use super::enums;
use crate::domain::Conditions;

/// Reads the conditions of a Put; what is wrong with them goes to `wrong`, under `policy.conditions`.
pub(super) fn read(given: &proto::PolicyConditions, wrong: &mut Violations) -> Conditions {
    let proto::PolicyConditions {
        priorities,
        channels,
        categories,
        tags,
        languages,
        attributes,
        group_ids,
        organisations,
    } = given;
    let mut inner = Violations::new();
    let conditions = Conditions {
        priorities: codes("priorities", priorities, enums::priority, &mut inner),
        channels: codes("channels", channels, enums::channel, &mut inner),
        categories: texts("categories", categories, 1..=128, &mut inner),
        tags: texts("tags", tags, 1..=64, &mut inner),
        languages: checked(
            "languages",
            languages,
            is_range,
            "must be BCP 47",
            &mut inner,
        ),
        attributes: read_attributes(attributes, &mut inner),
        organisations: texts("organisations", organisations, 1..=256, &mut inner),
        groups: checked(
            "group_ids",
            group_ids,
            is_group,
            "must be `grp_…`",
            &mut inner,
        ),
    };
    wrong.nest("policy.conditions", inner);
    conditions
}

fn read_attributes(
    given: &[proto::AttributeCondition],
    wrong: &mut Violations,
) -> BTreeMap<String, Vec<String>> {
    wrong.require("attributes", given.len() <= 64, "must be at most 64");
    let mut attributes = BTreeMap::new();
    for (index, proto::AttributeCondition { key, values }) in given.iter().take(64).enumerate() {
        let field = format!("attributes[{index}]");
        if !is_key(key) {
            wrong.add(format!("{field}.key"), "must be [a-z0-9_]{1,64}");
        }
        if values.is_empty() {
            wrong.add(format!("{field}.values"), "must not be empty");
        }
        let values = texts(&format!("{field}.values"), values, 0..=256, wrong);
        if attributes.insert(key.clone(), values).is_some() {
            wrong.add(format!("{field}.key"), "is given twice");
        }
    }
    attributes
}

/// Most values of one condition.
const VALUES: usize = 256;

fn few<'a, T>(field: &str, given: &'a [T], wrong: &mut Violations) -> &'a [T] {
    wrong.require(field, given.len() <= VALUES, "must be at most 256");
    &given[..given.len().min(VALUES)]
}

fn codes<T: Ord>(
    field: &str,
    given: &[i32],
    read: fn(i32) -> Option<T>,
    wrong: &mut Violations,
) -> Vec<T> {
    let values = few(field, given, wrong).iter().enumerate();
    let value = |(index, given): (usize, &i32)| {
        wrong.take(
            format!("{field}[{index}]").as_str(),
            read(*given).ok_or("must be known"),
        )
    };
    sorted(values.filter_map(value).collect())
}

fn texts(
    field: &str,
    given: &[String],
    bytes: std::ops::RangeInclusive<usize>,
    wrong: &mut Violations,
) -> Vec<String> {
    let limits = Text::line(bytes);
    let values = few(field, given, wrong).iter().enumerate();
    let text = |(index, given): (usize, &String)| {
        wrong.text(&format!("{field}[{index}]"), given, limits.clone())
    };
    sorted(values.map(text).collect())
}

fn checked(
    field: &str,
    given: &[String],
    is_right: fn(&str) -> bool,
    must: &str,
    wrong: &mut Violations,
) -> Vec<String> {
    for (index, value) in few(field, given, wrong).iter().enumerate() {
        if !is_right(value) {
            wrong.add(format!("{field}[{index}]"), must);
        }
    }
    sorted(given.to_vec())
}

fn is_key(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=64).contains(&key.len()) && key.bytes().all(allowed)
}

/// Shape of a language range: RFC 4647, section 2.1, without the wildcard.
fn is_range(range: &str) -> bool {
    let mut parts = range.split('-');
    let language = parts.next().unwrap_or_default();
    (1..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

fn is_group(id: &str) -> bool {
    id.parse::<GroupId>().is_ok()
}

/// In an order of their own, each once: the same conditions in another order are no change.
pub(super) fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values.dedup();
    values
}

/// Conditions as callers see them.
pub(super) fn write(conditions: &Conditions) -> proto::PolicyConditions {
    let Conditions {
        priorities,
        channels,
        categories,
        tags,
        languages,
        attributes,
        groups,
        organisations,
    } = conditions;
    let attribute = |(key, values): (&String, &Vec<String>)| proto::AttributeCondition {
        key: key.clone(),
        values: values.clone(),
    };
    proto::PolicyConditions {
        priorities: priorities
            .iter()
            .map(|one| enums::to_priority(*one).into())
            .collect(),
        channels: channels
            .iter()
            .map(|one| enums::to_channel(*one).into())
            .collect(),
        categories: categories.clone(),
        tags: tags.clone(),
        languages: languages.clone(),
        attributes: attributes.iter().map(attribute).collect(),
        group_ids: groups.clone(),
        organisations: organisations.clone(),
    }
}
