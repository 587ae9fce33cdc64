//! Which facts a question is about, as SQL.

use lotse_clock::Timestamp;
use sea_orm::DbBackend;

use super::text::Values;
use crate::catalogue::{Field, Measure, Shape, Source};
use crate::domain::filter::Operator;

const DAY: i64 = 86_400_000;

/// Which facts a question is about.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The first instant.
    pub start: Option<Timestamp>,
    /// The first instant after it.
    pub end: Option<Timestamp>,
    /// What else must hold.
    pub condition: Condition,
    /// The present.
    pub now: Timestamp,
}

/// A filter whose fields are known.
#[derive(Clone, Debug)]
pub enum Condition {
    /// All of these.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// One field compared with a stored value; `None` stands for any value.
    Test(Field, Operator, Option<String>),
}

impl Selection {
    /// The facts of `measure` in FROM, WHERE and `instant`, with what `columns` adds:
    /// `SELECT {columns}, … AS instant FROM … WHERE …`. The period is not applied yet.
    pub(super) fn facts(
        &self,
        measure: &Measure,
        columns: &[String],
        tag: bool,
        values: &mut Values,
    ) -> String {
        let source = measure.source;
        let each = if tag {
            format!(
                " LEFT JOIN {} ON TRUE",
                elements("t.tags", "tag", true, values.backend())
            )
        } else {
            String::new()
        };
        format!(
            "SELECT {}, {} AS instant FROM {}{each} WHERE ({}) AND {}",
            columns.join(", "),
            self.fill(measure.at, values),
            source.tables(),
            self.fill(measure.among, values),
            condition(&self.condition, source, values),
        )
    }

    /// The period as a condition on `instant`.
    pub(super) fn period(&self, values: &mut Values) -> String {
        let mut limits = vec!["instant IS NOT NULL".to_owned()];
        if let Some(start) = self.start {
            limits.push(format!("instant >= {}", values.push(start.as_millis())));
        }
        if let Some(end) = self.end {
            limits.push(format!("instant < {}", values.push(end.as_millis())));
        }
        limits.join(" AND ")
    }

    /// Puts values where a formula names them.
    pub(super) fn fill(&self, formula: &str, values: &mut Values) -> String {
        let mut text = formula.replace(":day", &DAY.to_string());
        if text.contains(":now") {
            text = text.replace(":now", &values.push(self.now.as_millis()));
        }
        if text.contains(":end") {
            let end = self.end.unwrap_or(Timestamp::MAX);
            text = text.replace(":end", &values.push(end.as_millis()));
        }
        text
    }
}

/// The value of a field as text, for grouping; a list's is joined as `tag`.
pub(super) fn value(field: &Field, source: Source) -> String {
    let column = field.column(source).unwrap_or("NULL");
    match (field.shape, &field.key) {
        (Shape::Number, _) => format!("CAST({column} AS TEXT)"),
        (Shape::Fact, _) => format!("CASE WHEN {column} THEN 'true' ELSE 'false' END"),
        (Shape::Map, Some(key)) => format!("({column} ->> '{key}')"),
        (Shape::List, _) => "tag.value".to_owned(),
        _ => column.to_owned(),
    }
}

/// The elements of a JSON list, as a table with the column `value`.
fn elements(list: &str, name: &str, lateral: bool, backend: DbBackend) -> String {
    let lateral = if lateral { "LATERAL " } else { "" };
    match backend {
        DbBackend::Postgres => {
            format!("{lateral}jsonb_array_elements_text({list}) AS {name}(value)")
        }
        _ => format!("json_each({list}) AS {name}"),
    }
}

/// A condition that is true or false, never unknown: what has no value differs from every value.
fn condition(what: &Condition, source: Source, values: &mut Values) -> String {
    match what {
        Condition::All(parts) if parts.is_empty() => "TRUE".to_owned(),
        Condition::All(parts) => several(parts, " AND ", source, values),
        Condition::Any(parts) => several(parts, " OR ", source, values),
        Condition::Not(part) => format!("NOT {}", condition(part, source, values)),
        Condition::Test(field, Operator::Differs, wanted) => {
            format!("NOT {}", test(field, wanted.as_deref(), source, values))
        }
        Condition::Test(field, Operator::Equals | Operator::Has, wanted) => {
            test(field, wanted.as_deref(), source, values)
        }
    }
}

fn several(parts: &[Condition], word: &str, source: Source, values: &mut Values) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|part| condition(part, source, values))
        .collect();
    format!("({})", parts.join(word))
}

fn test(field: &Field, wanted: Option<&str>, source: Source, values: &mut Values) -> String {
    if field.shape == Shape::List {
        let column = field.column(source).unwrap_or("NULL");
        let each = elements(column, "one", false, values.backend());
        let equal = wanted.map(|wanted| format!(" WHERE one.value = {}", values.push(wanted)));
        return format!("EXISTS (SELECT 1 FROM {each}{})", equal.unwrap_or_default());
    }
    let value = value(field, source);
    match wanted {
        Some(wanted) => format!("({value} IS NOT DISTINCT FROM {})", values.push(wanted)),
        None => format!("({value} IS NOT NULL)"),
    }
}
