//! The tickets behind a figure.

use sea_orm::{ConnectionTrait, DbErr};

use super::select::Selection;
use super::text::Values;
use crate::catalogue::Measure;

/// Which page of the tickets, by id.
#[derive(Clone, Debug)]
pub struct Page {
    /// The last ticket of the page before; empty for the first page.
    pub after: String,
    /// At most this many.
    pub size: u32,
}

/// The tickets that `measure` observes in `selection`, or only those that count; each once.
///
/// # Errors
/// The database's.
pub async fn tickets(
    conn: &impl ConnectionTrait,
    measure: &Measure,
    counting: bool,
    selection: &Selection,
    page: &Page,
) -> Result<Vec<String>, DbErr> {
    let mut values = Values::new(conn);
    let wanted = if counting {
        measure.counts
    } else {
        measure.observed
    };
    let wanted = selection.fill(wanted, &mut values);
    let columns = [
        format!("{} AS ticket", measure.source.ticket()),
        format!("CASE WHEN {wanted} THEN 1 ELSE 0 END AS wanted"),
    ];
    let facts = selection.facts(measure, &columns, false, &mut values);
    let period = selection.period(&mut values);
    let after = values.push(page.after.as_str());
    let sql = format!(
        "WITH facts AS ({facts}) SELECT DISTINCT ticket FROM facts \
         WHERE wanted = 1 AND ticket > {after} AND {period} ORDER BY ticket LIMIT {}",
        page.size
    );
    let rows = conn.query_all_raw(values.statement(sql)).await?;
    rows.iter().map(|row| row.try_get_by(0)).collect()
}
