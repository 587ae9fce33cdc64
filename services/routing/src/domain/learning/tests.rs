use lotse_clock::Timestamp;

use super::{Case, Example, Model, Settings};

const DAY: i64 = 86_400_000;

fn case(fields: &[(&str, &str)]) -> Case {
    let fields = fields
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    Case {
        fields: fields.collect(),
        ..Case::default()
    }
}

fn example(day: i64, fields: &[(&str, &str)], group: &str) -> Example {
    Example {
        case: case(fields),
        group: group.to_owned(),
        at: Timestamp::from_millis(day * DAY),
        settled: true,
    }
}

/// Printers go to hardware, passwords to accounts, whatever else differs.
fn rule() -> Vec<Example> {
    let subjects = [
        ("printer", "hardware"),
        ("password", "accounts"),
        ("invoice", "billing"),
    ];
    (0..300)
        .map(|number| {
            let (category, group) = subjects[number % 3];
            let location = format!("room {}", number % 7);
            example(
                number as i64 / 10,
                &[("category", category), ("location", &location)],
                group,
            )
        })
        .collect()
}

#[test]
fn a_rule_in_the_data_is_learnt() {
    let model = Model::fit(
        &rule(),
        Settings::default(),
        Timestamp::from_millis(30 * DAY),
    );
    let ranking = model.rank(&case(&[
        ("category", "password"),
        ("location", "a new one"),
    ]));
    let best = ranking.best().unwrap();
    assert_eq!(best.group, "accounts");
    assert!(best.probability > 0.9, "{best:?}");
    let sum: f64 = ranking.groups.iter().map(|ranked| ranked.probability).sum();
    assert!((sum - 1.0).abs() < 1e-9);
    let strongest = &model.explain(&case(&[("category", "password")]), "accounts")[0];
    assert_eq!(strongest.feature, "category = password");
}

#[test]
fn a_model_survives_its_bytes() {
    let mut model = Model::fit(
        &rule(),
        Settings::default(),
        Timestamp::from_millis(30 * DAY),
    );
    model.learn(&example(31, &[("category", "travel")], "a new group"));
    let bytes = model.to_bytes();
    let read = Model::from_bytes(&bytes).unwrap();
    assert_eq!(read, model);
    assert_eq!(read.to_bytes(), bytes);
    assert!(Model::from_bytes(&bytes[..bytes.len() - 1]).is_err());
}
