//! Counting: one statement per measure, whatever the groups and steps.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};

use super::rows::Columns;
use super::select::{Selection, value};
use super::text::Values;
use crate::catalogue::{Field, Measure, Shape};
use crate::domain::figure::Tally;

/// The values of a group, one per dimension.
pub type Group = Vec<Option<String>>;

/// What was counted, by group and the number of the step.
pub type Tallies = BTreeMap<Group, BTreeMap<usize, Tally>>;

/// Percentiles by nearest rank: the amount at place `ceil(n * p / 100)`, in whole numbers.
const RANKS: [i64; 3] = [50, 90, 95];

/// Counts `measure` over the facts of `selection`, by `group_by` and by the steps between the inner
/// `edges`. No more than `most` rows are read: one more than that says that there are more.
///
/// # Errors
/// The database's.
pub async fn tallies(
    conn: &impl ConnectionTrait,
    measure: &Measure,
    selection: &Selection,
    group_by: &[Field],
    edges: &[Timestamp],
    most: usize,
) -> Result<Tallies, DbErr> {
    let statement = statement(Values::new(conn), measure, selection, group_by, edges, most);
    let mut tallies = Tallies::new();
    for row in conn.query_all_raw(statement).await? {
        let (group, step, tally) = read(&row, group_by)?;
        tallies.entry(group).or_default().insert(step, tally);
    }
    Ok(tallies)
}

fn statement(
    mut values: Values,
    measure: &Measure,
    selection: &Selection,
    group_by: &[Field],
    edges: &[Timestamp],
    most: usize,
) -> Statement {
    let mut columns: Vec<String> = group_by
        .iter()
        .enumerate()
        .map(|(at, field)| format!("{} AS d{at}", value(field, measure.source)))
        .collect();
    let mut flag = |name, formula| {
        let formula = selection.fill(formula, &mut values);
        columns.push(format!("CASE WHEN {formula} THEN 1 ELSE 0 END AS {name}"));
    };
    flag("seen", measure.observed);
    flag("hit", measure.counts);
    flag("unsettled", measure.unsettled);
    columns.push(format!("{} AS owner", measure.owner.unwrap_or("NULL")));
    let amount = measure.amount.unwrap_or("NULL");
    columns.push(format!("CAST({amount} AS BIGINT) AS amount"));

    let tag = group_by.iter().any(|field| field.shape == Shape::List);
    let facts = selection.facts(measure, &columns, tag, &mut values);
    let step = step_of(edges, 0, &mut values);
    let period = selection.period(&mut values);
    let group: Vec<String> = (0..group_by.len())
        .map(|at| format!("d{at}"))
        .chain(["step".to_owned()])
        .collect();
    let group = group.join(", ");
    let ranks = match measure.amount {
        // Only what was seen is ranked, so that it stands in places 1 to n.
        Some(_) => format!(
            "ROW_NUMBER() OVER (PARTITION BY {group}, seen ORDER BY amount) AS place, \
             COUNT(*) OVER (PARTITION BY {group}, seen) AS places"
        ),
        None => "0 AS place, 0 AS places".to_owned(),
    };
    let rank = |percent: i64| {
        format!(
            "MIN(CASE WHEN seen = 1 AND place = (places * {percent} + 99) / 100 THEN amount END)"
        )
    };
    let sql = format!(
        "WITH facts AS ({facts}), \
         placed AS (SELECT facts.*, {step} AS step FROM facts WHERE {period}), \
         ranked AS (SELECT placed.*, {ranks} FROM placed) \
         SELECT {group}, COUNT(*), SUM(seen), SUM(hit), SUM(seen * unsettled), \
         COUNT(DISTINCT CASE WHEN seen = 1 THEN owner END), \
         CAST(SUM(CASE WHEN seen = 1 THEN amount END) AS BIGINT), \
         SUM(CASE WHEN seen = 1 THEN CAST(amount AS DOUBLE PRECISION) * amount END), \
         {}, {}, {} FROM ranked GROUP BY {group} LIMIT {}",
        rank(RANKS[0]),
        rank(RANKS[1]),
        rank(RANKS[2]),
        most + 1
    );
    values.statement(sql)
}

/// The number of the step an instant is in, by halving: `edges` lie between the steps.
fn step_of(edges: &[Timestamp], first: usize, values: &mut Values) -> String {
    let middle = edges.len() / 2;
    let Some(edge) = edges.get(middle) else {
        return format!("CAST({first} AS BIGINT)");
    };
    let edge = values.push(edge.as_millis());
    let before = step_of(&edges[..middle], first, values);
    let after = step_of(&edges[middle + 1..], first + middle + 1, values);
    format!("CASE WHEN instant < {edge} THEN {before} ELSE {after} END")
}

fn read(row: &QueryResult, group_by: &[Field]) -> Result<(Group, usize, Tally), DbErr> {
    let mut row = Columns::new(row);
    let mut group = Group::with_capacity(group_by.len());
    for field in group_by {
        let stored: Option<String> = row.next()?;
        group.push(stored.map(|stored| field.shown(stored)));
    }
    let step: i64 = row.next()?;
    let tally = Tally {
        eligible: row.next()?,
        n: row.next()?,
        hits: row.next()?,
        unsettled: row.next()?,
        owners: row.next()?,
        sum: row.next()?,
        squares: row.next()?,
        ranks: [row.next()?, row.next()?, row.next()?],
    };
    Ok((group, usize::try_from(step).unwrap_or(0), tally))
}

/// When the first ticket was created.
///
/// # Errors
/// The database's.
pub async fn first_creation(conn: &impl ConnectionTrait) -> Result<Option<Timestamp>, DbErr> {
    let sql = "SELECT MIN(created_at) FROM insight_tickets".to_owned();
    let row = conn.query_one_raw(Values::new(conn).statement(sql)).await?;
    let first: Option<i64> = match row {
        Some(row) => row.try_get_by(0)?,
        None => None,
    };
    Ok(first.map(Timestamp::from_millis))
}
