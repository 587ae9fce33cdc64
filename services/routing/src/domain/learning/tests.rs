use lotse_clock::Timestamp;
use proptest::prelude::*;

use super::{Case, Example, Lexicon, Model, Ranking, Settings};

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
        at: day_at(day),
        settled: true,
    }
}

fn day_at(day: i64) -> Timestamp {
    Timestamp::from_millis(day * DAY)
}

fn best_for_printers(model: &Model) -> String {
    let ranking = model.rank(&case(&[("category", "printer")]));
    ranking.best().unwrap().group.clone()
}

fn chance(ranking: &Ranking, group: &str) -> f64 {
    let found = ranking.groups.iter().find(|ranked| ranked.group == group);
    found.map_or(0.0, |ranked| ranked.probability)
}

/// Printers go to hardware, passwords to accounts, invoices to billing, whatever else differs.
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
            let fields = [("category", category), ("location", location.as_str())];
            example(number as i64 / 10, &fields, group)
        })
        .collect()
}

fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 20
}

/// One example in four went elsewhere for no reason that its many fields tell; the fields are so
/// many that the noise can be learnt by heart.
fn noise(from: u64, many: u64) -> Vec<Example> {
    let examples = (from..from + many).map(|number| {
        let dice = mixed(number);
        let category = if dice.is_multiple_of(2) {
            "printer"
        } else {
            "password"
        };
        let usual = if dice.is_multiple_of(2) {
            "hardware"
        } else {
            "accounts"
        };
        let group = if (dice / 7).is_multiple_of(4) {
            "elsewhere"
        } else {
            usual
        };
        let (caller, room) = (format!("{}", dice % 911), format!("{}", dice % 613));
        let fields = [
            ("category", category),
            ("requester", caller.as_str()),
            ("location", room.as_str()),
        ];
        example(number as i64 / 40, &fields, group)
    });
    examples.collect()
}

#[test]
fn a_rule_in_the_data_is_learnt_and_explained() {
    let model = Model::fit(&rule(), Settings::default(), day_at(30));
    let asked = case(&[("category", "password"), ("location", "a new one")]);
    let best = model.rank(&asked).best().cloned().unwrap();
    assert_eq!(best.group, "accounts");
    assert!(best.probability > 0.9, "{best:?}");
    let strongest = &model.explain(&asked, "accounts")[0];
    assert_eq!(strongest.feature, "category = password");
    assert!(strongest.weight > 0.0);
    assert!(
        model
            .explain(&asked, "accounts")
            .iter()
            .any(|it| it.feature == "base rate")
    );
}

#[test]
fn a_rule_of_two_fields_together_is_learnt() {
    let settings = Settings {
        crosses: vec![vec!["category".to_owned(), "location".to_owned()]],
        ..Settings::default()
    };
    // Neither field for itself says anything.
    let examples: Vec<_> = (0..200)
        .map(|number| {
            let (category, location) = (["a", "b"][number / 2 % 2], ["x", "y"][number % 2]);
            let group = if (category == "a") == (location == "x") {
                "one"
            } else {
                "other"
            };
            example(0, &[("category", category), ("location", location)], group)
        })
        .collect();
    let model = Model::fit(&examples, settings, day_at(1));
    let asked = case(&[("category", "b"), ("location", "y")]);
    assert!(chance(&model.rank(&asked), "one") > 0.9);
    assert_eq!(
        model.explain(&asked, "one")[0].feature,
        "category = b × location = y"
    );
}

#[test]
fn calibration_makes_unseen_answers_likelier() {
    let (examples, unseen) = (noise(0, 1200), noise(5000, 600));
    let loss = |held_out| {
        let settings = Settings {
            held_out,
            l2: 0.01,
            ..Settings::default()
        };
        let model = Model::fit(&examples, settings, day_at(30));
        let losses = unseen.iter().map(|example| {
            -chance(&model.rank(&example.case), &example.group)
                .max(1e-9)
                .ln()
        });
        losses.sum::<f64>() / unseen.len() as f64
    };
    let (uncalibrated, calibrated) = (loss(0.0), loss(0.2));
    assert!(
        calibrated < uncalibrated - 0.02,
        "{calibrated} against {uncalibrated}"
    );
}

#[test]
fn recent_examples_outweigh_old_ones() {
    let mut examples: Vec<_> = (0..80)
        .map(|_| example(0, &[("category", "printer")], "before the move"))
        .collect();
    examples.extend((0..20).map(|_| example(60, &[("category", "printer")], "after the move")));
    let best = |half_life_days| {
        let settings = Settings {
            half_life_days,
            ..Settings::default()
        };
        best_for_printers(&Model::fit(&examples, settings, day_at(61)))
    };
    assert_eq!(best(10.0), "after the move");
    assert_eq!(best(10_000.0), "before the move");
}

#[test]
fn where_an_open_ticket_stands_counts_less_than_where_one_ended() {
    let mut examples: Vec<_> = (0..60)
        .map(|_| example(0, &[("category", "printer")], "front desk"))
        .collect();
    examples
        .iter_mut()
        .for_each(|example| example.settled = false);
    examples.extend((0..50).map(|_| example(0, &[("category", "printer")], "hardware")));
    let best = |open_weight| {
        let settings = Settings {
            open_weight,
            ..Settings::default()
        };
        best_for_printers(&Model::fit(&examples, settings, day_at(1)))
    };
    assert_eq!(best(0.3), "hardware");
    assert_eq!(best(1.0), "front desk");
}

#[test]
fn the_first_group_tells_the_re_router_more() {
    // The front desk keeps passwords; whoever of the field team gets one hands it to accounts.
    let examples: Vec<_> = (0..200)
        .map(|number| {
            let (first, last) =
                [("front desk", "front desk"), ("field team", "accounts")][number % 2];
            let mut example = example(0, &[("category", "password")], last);
            example.case.first_group = Some(first.to_owned());
            example
        })
        .collect();
    let model = Model::fit(&examples, Settings::default(), day_at(1));
    let asked = Case {
        first_group: Some("field team".to_owned()),
        ..case(&[("category", "password")])
    };
    assert!(chance(&model.rank(&asked), "accounts") > 0.9);
    assert!(chance(&model.rank(&case(&[("category", "password")])), "accounts") < 0.9);
}

#[test]
fn a_group_never_seen_before_is_learnt_between_fits() {
    let mut model = Model::fit(&rule(), Settings::default(), day_at(30));
    let asked = case(&[("category", "travel")]);
    assert!(model.explain(&asked, "a new group").is_empty());
    assert_eq!(model.score(&asked, "a new group"), None);
    for _ in 0..20 {
        model.learn(&example(31, &[("category", "travel")], "a new group"));
    }
    assert_eq!(model.rank(&asked).best().unwrap().group, "a new group");
    assert_eq!(model.examples(), 320);
    let best = model
        .rank(&case(&[("category", "printer")]))
        .best()
        .cloned()
        .unwrap();
    assert_eq!(best.group, "hardware");
}

#[test]
fn a_case_of_which_nothing_is_known_gets_the_base_rates() {
    let mut examples = rule();
    examples.extend((0..300).map(|_| example(30, &[("category", "printer")], "hardware")));
    let model = Model::fit(&examples, Settings::default(), day_at(30));
    let unknown = model.rank(&case(&[("category", "never heard of")]));
    assert_eq!(unknown, model.rank(&Case::default()));
    assert_eq!(unknown.best().unwrap().group, "hardware");
}

#[test]
fn nothing_learnt_ranks_nothing() {
    let mut model = Model::fit(&[], Settings::default(), day_at(0));
    assert_eq!(model.rank(&case(&[("category", "printer")])).best(), None);
    model.learn(&example(0, &[("category", "printer")], "hardware"));
    assert_eq!(
        model.rank(&Case::default()).best().unwrap().group,
        "hardware"
    );
}

#[test]
fn a_model_survives_its_bytes() {
    let model = Model::fit(&rule(), Settings::default(), day_at(30));
    let bytes = model.to_bytes();
    let read = Model::from_bytes(&bytes).unwrap();
    assert_eq!(read, model);
    assert_eq!(read.to_bytes(), bytes);
}

#[test]
fn what_is_not_a_whole_model_is_refused() {
    let bytes = Model::fit(&rule(), Settings::default(), day_at(30)).to_bytes();
    for length in 0..bytes.len() {
        assert!(
            Model::from_bytes(&bytes[..length]).is_err(),
            "{length} bytes"
        );
    }
    assert!(Model::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    let mut other = bytes;
    other[4] += 1;
    assert_eq!(Model::from_bytes(&other), Err(super::Unreadable::Form));
}

/// Subjects in five languages, two groups: half to learn from, half to be asked about.
const SUBJECTS: [(&str, &str); 24] = [
    ("Der Drucker im Flur druckt nicht", "hardware"),
    ("Rechnung für März ist falsch", "billing"),
    ("The printer on floor two is jammed", "hardware"),
    ("Wrong amount on my invoice", "billing"),
    ("L'imprimante ne répond plus", "hardware"),
    ("Je ne trouve pas ma facture", "billing"),
    ("La impresora no imprime en color", "hardware"),
    ("Error en la factura de abril", "billing"),
    ("La stampante è rotta", "hardware"),
    ("Manca una fattura", "billing"),
    ("Monitor flickers since this morning", "hardware"),
    ("Please refund the double payment", "billing"),
    ("Drucker zeigt Papierstau", "hardware"),
    ("Bitte die Rechnung noch einmal schicken", "billing"),
    ("Our printer needs a new toner", "hardware"),
    ("Copy of invoice 4711 needed", "billing"),
    ("Imprimante hors ligne", "hardware"),
    ("Montant de la facture incorrect", "billing"),
    ("Impresora sin papel", "hardware"),
    ("Necesito la factura otra vez", "billing"),
    ("Stampante senza carta", "hardware"),
    ("Fattura pagata due volte", "billing"),
    ("Second monitor stays black", "hardware"),
    ("Payment was charged twice", "billing"),
];

#[test]
fn words_of_the_subject_help() {
    let lexicon = Lexicon::new(b"a secret of the test");
    let asked = |subject: &str| Case {
        words: lexicon
            .read(subject)
            .into_iter()
            .map(|(_, word)| word)
            .collect(),
        ..case(&[("category", "other")])
    };
    let (learnt, unseen) = SUBJECTS.split_at(12);
    let right = |with_text: bool| {
        let case_of = |subject| {
            if with_text {
                asked(subject)
            } else {
                case(&[("category", "other")])
            }
        };
        let examples: Vec<_> = learnt
            .iter()
            .map(|(subject, group)| Example {
                case: case_of(subject),
                ..example(0, &[], group)
            })
            .collect();
        let model = Model::fit(&examples, Settings::default(), day_at(1));
        let hits = unseen.iter().filter(|(subject, group)| {
            model
                .rank(&case_of(subject))
                .best()
                .is_some_and(|best| best.group == *group)
        });
        hits.count()
    };
    assert_eq!(right(false), 6, "without text it is tossing a coin");
    assert!(right(true) >= 11, "{} of 12", right(true));
}

#[test]
fn a_lexicon_tells_words_only_to_who_has_the_secret() {
    let (ours, theirs) = (Lexicon::new(b"ours"), Lexicon::new(b"theirs"));
    let words = ours.read("Drucker, DRUCKER und Toner 4711: kaputt!");
    let texts: Vec<_> = words.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(texts, ["drucker", "und", "toner", "kaputt"]);
    assert_eq!(ours.read("drucker")[0].1, words[0].1);
    assert_ne!(theirs.read("drucker")[0].1, words[0].1);
}

fn examples() -> impl Strategy<Value = Vec<Example>> {
    let value = |values: &'static [&'static str]| proptest::sample::select(values);
    let one = (
        value(&["printer", "password", "invoice"]),
        value(&["here", "there"]),
        value(&["hardware", "accounts", "billing"]),
        proptest::option::of(value(&["hardware", "front desk"])),
        0..30_i64,
        any::<bool>(),
        proptest::collection::vec(0..9_u64, 0..4),
    );
    let one = one.prop_map(|(category, location, group, first, day, settled, words)| {
        let mut example = example(
            day,
            &[("category", category), ("location", location)],
            group,
        );
        example.settled = settled;
        example.case.first_group = first.map(str::to_owned);
        example.case.words = words.into_iter().map(super::Word).collect();
        example
    });
    proptest::collection::vec(one, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn chances_add_up_to_one_and_weights_to_the_score(examples in examples()) {
        let model = Model::fit(&examples, Settings::default(), day_at(30));
        for example in &examples {
            let ranking = model.rank(&example.case);
            let sum: f64 = ranking.groups.iter().map(|ranked| ranked.probability).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9);
            prop_assert_eq!(ranking.groups.len(), model.groups().len());
            for pair in ranking.groups.windows(2) {
                prop_assert!(pair[0].probability >= pair[1].probability);
                // The scores are log odds: they differ as the logarithms of the chances do.
                let score = |at: usize| model.score(&example.case, &pair[at].group).unwrap();
                let odds = pair[0].probability.ln() - pair[1].probability.ln();
                prop_assert!((score(0) - score(1) - odds).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn the_same_examples_in_any_order_give_the_same_bytes(
        (examples, shuffled) in examples().prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle()))
    ) {
        let fit = |examples: &[Example]| Model::fit(examples, Settings::default(), day_at(30)).to_bytes();
        let bytes = fit(&examples);
        prop_assert_eq!(&bytes, &fit(&shuffled));
        prop_assert_eq!(Model::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    }

    #[test]
    fn a_model_that_went_on_learning_answers_alike_from_its_bytes(examples in examples()) {
        let (first, rest) = examples.split_at(examples.len() / 2);
        let mut model = Model::fit(first, Settings::default(), day_at(30));
        rest.iter().for_each(|example| model.learn(example));
        let read = Model::from_bytes(&model.to_bytes()).unwrap();
        for example in &examples {
            let (one, other) = (model.rank(&example.case), read.rank(&example.case));
            for ranked in &one.groups {
                prop_assert!((ranked.probability - chance(&other, &ranked.group)).abs() < 1e-3);
            }
        }
    }
}
