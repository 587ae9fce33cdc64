use super::*;
use proptest::prelude::*;

fn table(costs: &[Vec<Option<Cost>>]) -> Table {
    let columns = costs.first().map_or(0, Vec::len);
    Table::new(costs.len(), columns, |row, column| costs[row][column])
}

/// Which rows are served, in the order of preference between outcomes: earlier rows first, then the
/// total cost.
type Outcome = (Vec<bool>, Cost);

fn outcome(table: &Table, columns: &[Option<usize>]) -> Outcome {
    let mut taken = vec![false; table.columns];
    let mut total = 0;
    for (row, column) in columns.iter().enumerate() {
        if let Some(column) = column {
            assert!(
                !std::mem::replace(&mut taken[*column], true),
                "column {column} twice"
            );
            total += table.at(row, *column).expect("a forbidden pair");
        }
    }
    (columns.iter().map(Option::is_none).collect(), total)
}

/// Tries everything.
fn brute(table: &Table, row: usize, taken: &mut Vec<bool>) -> Outcome {
    if row == table.rows {
        return (Vec::new(), 0);
    }
    let mut best: Option<Outcome> = None;
    for column in (0..table.columns).map(Some).chain([None]) {
        let cost = match column {
            None => 0,
            Some(column) if taken[column] => continue,
            Some(column) => match table.at(row, column) {
                None => continue,
                Some(cost) => cost,
            },
        };
        if let Some(column) = column {
            taken[column] = true;
        }
        let (mut left_out, total) = brute(table, row + 1, taken);
        if let Some(column) = column {
            taken[column] = false;
        }
        left_out.insert(0, column.is_none());
        let found = (left_out, total + cost);
        if best.as_ref().is_none_or(|best| found < *best) {
            best = Some(found);
        }
    }
    best.expect("leaving everybody out is possible")
}

/// Another algorithm: row after row, the cheapest augmenting path by Bellman and Ford on the
/// residual graph, without potentials.
fn by_bellman_and_ford(table: &Table) -> Vec<Option<usize>> {
    let mut column_of: Vec<Option<usize>> = vec![None; table.rows];
    for row in 0..table.rows {
        // The cheapest known way from `row` to each column, and the row before it.
        let mut way: Vec<Option<(Cost, usize)>> = (0..table.columns)
            .map(|column| Some((table.at(row, column)?, row)))
            .collect();
        loop {
            let mut better = false;
            for (other, held) in column_of.iter().enumerate() {
                let Some((length, held)) = held.and_then(|held| Some((way[held]?.0, held))) else {
                    continue;
                };
                let back = table.at(other, held).expect("a forbidden pair");
                for (column, known) in way.iter_mut().enumerate() {
                    let Some(cost) = table.at(other, column) else {
                        continue;
                    };
                    let length = length - back + cost;
                    if known.is_none_or(|(known, _)| length < known) {
                        *known = Some((length, other));
                        better = true;
                    }
                }
            }
            if !better {
                break;
            }
        }
        let free = (0..table.columns).filter(|column| !column_of.contains(&Some(*column)));
        let end = free
            .filter_map(|column| Some((way[column]?.0, column)))
            .min();
        let mut next = end.map(|(_, column)| column);
        while let Some(column) = next {
            let (_, before) = way[column].expect("a way");
            next = column_of[before].replace(column);
        }
    }
    column_of
}

fn tables(
    rows: usize,
    columns: usize,
    greatest: Cost,
) -> impl Strategy<Value = Vec<Vec<Option<Cost>>>> {
    let pair = prop_oneof![1 => Just(None), 2 => (0..greatest).prop_map(Some)];
    (0..=rows, 1..=columns).prop_flat_map(move |(rows, columns)| {
        prop::collection::vec(prop::collection::vec(pair.clone(), columns), rows)
    })
}

proptest! {
    #[test]
    fn nothing_better_is_found_by_trying_everything(costs in tables(7, 6, 12)) {
        let table = table(&costs);
        let mut taken = vec![false; table.columns];
        let best = brute(&table, 0, &mut taken);
        prop_assert_eq!(outcome(&table, &assign(&table)), best);
    }

    #[test]
    fn another_algorithm_finds_nothing_better_in_large_tables(
        costs in tables(MOST, MOST, 1 << 90),
    ) {
        let table = table(&costs);
        let other = by_bellman_and_ford(&table);
        prop_assert_eq!(outcome(&table, &assign(&table)), outcome(&table, &other));
    }
}

#[test]
fn an_item_takes_its_second_choice_when_another_needs_its_first() {
    let costs = [vec![Some(1), Some(2)], vec![Some(1), None]];
    assert_eq!(assign(&table(&costs)), [Some(1), Some(0)]);
}

#[test]
fn an_earlier_item_is_not_left_out_to_save_cost() {
    let costs = [vec![Some(1_000)], vec![Some(1)]];
    assert_eq!(assign(&table(&costs)), [Some(0), None]);
}
