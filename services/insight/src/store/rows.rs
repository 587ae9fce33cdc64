//! Loading and writing rows by the batch.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, TryGetable, Value};

use super::text::Values;

/// The most rows of one statement.
const MOST: usize = 256;

/// A row of a table as a fact in memory.
pub(super) trait Row: Sized {
    /// The table.
    const TABLE: &'static str;
    /// How many of the columns, from the first, are the primary key.
    const KEYS: usize;
    /// The columns, in the order of the values.
    const COLUMNS: &'static [&'static str];

    /// The values, one per column.
    fn values(&self) -> Vec<Value>;
}

/// A row that is read back.
pub(super) trait ReadRow: Row {
    /// Reads the columns in their order.
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr>;
}

/// The columns of a row, one after the other.
pub(super) struct Columns<'a> {
    row: &'a QueryResult,
    next: usize,
}

impl<'a> Columns<'a> {
    /// From the first column on.
    pub(super) fn new(row: &'a QueryResult) -> Self {
        Self { row, next: 0 }
    }

    /// The next one.
    pub(super) fn next<T: TryGetable>(&mut self) -> Result<T, DbErr> {
        let value = self.row.try_get_by(self.next);
        self.next += 1;
        value
    }
}

/// Cuts `rows` into runs whose lengths are powers of two: there are so few different statements
/// that each stays prepared.
fn runs<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = match rows.len() {
            0 => return None,
            MOST.. => MOST,
            length => 1 << length.ilog2(),
        };
        let (run, rest) = rows.split_at(length);
        rows = rest;
        Some(run)
    })
}

/// The rows of these ids, in no order; ids without a row are left out.
pub(super) async fn load<R: ReadRow>(
    conn: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = String>,
) -> Result<Vec<R>, DbErr> {
    let ids: Vec<String> = ids.into_iter().collect();
    let mut rows = Vec::with_capacity(ids.len());
    for run in runs(&ids) {
        let mut values = Values::new(conn);
        let places: Vec<String> = run.iter().map(|id| values.push(id.as_str())).collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {} IN ({})",
            R::COLUMNS.join(", "),
            R::TABLE,
            R::COLUMNS[0],
            places.join(", ")
        );
        for row in conn.query_all_raw(values.statement(sql)).await? {
            rows.push(R::read(&mut Columns::new(&row))?);
        }
    }
    Ok(rows)
}

/// Inserts rows, or overwrites those of the same key. No key may stand twice in `rows`.
pub(super) async fn save<R: Row>(conn: &impl ConnectionTrait, rows: &[R]) -> Result<(), DbErr> {
    let (keys, others) = R::COLUMNS.split_at(R::KEYS);
    let others: Vec<String> = others
        .iter()
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    for run in runs(rows) {
        let mut values = Values::new(conn);
        let tuples: Vec<String> = run
            .iter()
            .map(|row| {
                let places = row.values().into_iter().map(|value| values.push(value));
                format!("({})", places.collect::<Vec<_>>().join(", "))
            })
            .collect();
        let sql = format!(
            "INSERT INTO {} ({}) VALUES {} ON CONFLICT ({}) DO UPDATE SET {}",
            R::TABLE,
            R::COLUMNS.join(", "),
            tuples.join(", "),
            keys.join(", "),
            others.join(", ")
        );
        conn.execute_raw(values.statement(sql)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_powers_of_two_and_lose_nothing() {
        for length in [0, 1, 2, 3, 255, 256, 300, 1_025] {
            let rows: Vec<usize> = (0..length).collect();
            let lengths: Vec<usize> = runs(&rows).map(<[usize]>::len).collect();
            assert!(
                lengths
                    .iter()
                    .all(|length| length.is_power_of_two() && *length <= MOST)
            );
            assert_eq!(runs(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        }
    }
}
