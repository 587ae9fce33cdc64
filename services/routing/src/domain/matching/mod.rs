//! Who gets what when several items and several agents are free together.
//!
//! Served one after another, an item takes the agent who is best for it, also one whom the next
//! item needs more. Here all pairs are looked at together: [`cost`] says what a pair costs, and
//! [`assign`] finds the cheapest way to pair.

pub(crate) mod cost;

use cost::Cost;

/// Most rows, and most columns, of one table: with the square of the rows times the columns as
/// its steps, a full one takes about a millisecond.
pub(crate) const MOST: usize = 64;

/// What pairing each row (an item, in queue order) with each column (room of an agent) costs.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    rows: usize,
    columns: usize,
    /// Row by row; none where the pair is forbidden.
    costs: Vec<Option<Cost>>,
}

impl Table {
    /// Asks `cost` for every pair of a row and a column.
    pub(crate) fn new(
        rows: usize,
        columns: usize,
        cost: impl Fn(usize, usize) -> Option<Cost>,
    ) -> Self {
        let pairs = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        Self {
            rows,
            columns,
            costs: pairs.map(|(row, column)| cost(row, column)).collect(),
        }
    }

    fn at(&self, row: usize, column: usize) -> Option<Cost> {
        self.costs[row * self.columns + column]
    }
}

/// A way from a row to a free column, found so far.
struct Search {
    /// By column: the least reduced cost of a step to it, and the column whose row takes that step.
    nearest: Vec<Option<(Cost, Option<usize>)>>,
    reached: Vec<bool>,
}

/// The column of each row.
///
/// As many rows get one as possible, and an earlier row is never left out for a later one: the rows
/// served are the first, in the order of the rows, of all sets that can be served together. Among
/// the ways to serve exactly those the total cost is least.
///
/// The Hungarian method by shortest augmenting paths (Jonker and Volgenant, 1987; Kuhn, 1955), one
/// row after another with potentials that keep all reduced costs at or above zero. An augmenting
/// path only moves rows that have a column to other columns, so a row once served stays served; and
/// a row without a path can have none later, as the sets of rows that can be served form a
/// transversal matroid (Edmonds and Fulkerson, 1965), where taking greedily in order is right.
pub(crate) fn assign(table: &Table) -> Vec<Option<usize>> {
    let mut row_potential = vec![0; table.rows];
    let mut column_potential = vec![0; table.columns];
    let mut row_of: Vec<Option<usize>> = vec![None; table.columns];
    for row in 0..table.rows {
        let mut search = Search {
            nearest: vec![None; table.columns],
            reached: vec![false; table.columns],
        };
        let (mut from, mut at) = (None, row);
        let end = loop {
            for column in (0..table.columns).filter(|column| !search.reached[*column]) {
                let Some(cost) = table.at(at, column) else {
                    continue;
                };
                let reduced = cost - row_potential[at] - column_potential[column];
                if search.nearest[column].is_none_or(|(known, _)| reduced < known) {
                    search.nearest[column] = Some((reduced, from));
                }
            }
            let unreached = (0..table.columns).filter(|column| !search.reached[*column]);
            let nearest = unreached
                .filter_map(|column| Some((search.nearest[column]?.0, column)))
                .min();
            let Some((step, column)) = nearest else {
                break None;
            };
            row_potential[row] += step;
            for other in 0..table.columns {
                if search.reached[other] {
                    column_potential[other] -= step;
                    if let Some(taken) = row_of[other] {
                        row_potential[taken] += step;
                    }
                } else if let Some((known, _)) = &mut search.nearest[other] {
                    *known -= step;
                }
            }
            search.reached[column] = true;
            match row_of[column] {
                None => break Some(column),
                Some(taken) => (from, at) = (Some(column), taken),
            }
        };
        // Back along the path every row takes the next column.
        let mut next = end;
        while let Some(column) = next {
            let before = search.nearest[column].and_then(|(_, before)| before);
            row_of[column] = before.map_or(Some(row), |before| row_of[before]);
            next = before;
        }
    }
    let mut columns = vec![None; table.rows];
    for (column, row) in row_of.iter().enumerate() {
        if let Some(row) = row {
            columns[*row] = Some(column);
        }
    }
    columns
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
