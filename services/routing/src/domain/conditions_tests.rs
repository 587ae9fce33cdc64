use super::*;
use crate::domain::samples;

fn texts(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn all_conditions_must_hold_and_within_one_any_value() {
    let mut item = samples::item(1);
    item.facts.category = "network".to_owned();
    item.facts.tags = texts(&["vip"]);
    item.facts
        .attributes
        .insert("site".to_owned(), "north".to_owned());
    item.facts.required_skills = texts(&["vpn"]);
    item.facts.organisation = organisation::key("Harbour Ltd");
    let narrow = Conditions {
        categories: texts(&["network"]),
        priorities: BTreeSet::from([Priority::Normal]),
        tags: texts(&["vip", "gold"]),
        skills: texts(&["vpn"]),
        organisations: texts(&["Pier Inc", "harbour ltd"]),
        attributes: BTreeMap::from([("site".to_owned(), AnyOf(texts(&["north", "east"])))]),
        ..Conditions::default()
    };
    assert!(narrow.fit(&item));
    let fits = |change: &dyn Fn(&mut Item)| {
        let mut other = item.clone();
        change(&mut other);
        narrow.fit(&other)
    };
    assert!(!fits(&|item| item.priority = Priority::Low));
    assert!(!fits(&|item| item.facts.category.clear()));
    assert!(!fits(&|item| item.facts.tags.clear()));
    assert!(!fits(&|item| item.facts.required_skills.clear()));
    assert!(!fits(&|item| item.facts.organisation.clear()));
    assert!(!fits(&|item| item.facts.attributes.clear()));
    assert!(fits(&|item| {
        item.facts
            .attributes
            .insert("site".to_owned(), "east".to_owned());
    }));
}

#[test]
fn a_guessed_language_fits_no_language() {
    let mut item = samples::item(1);
    let german = Conditions {
        languages: Language::parse("de").into_iter().collect(),
        ..Conditions::default()
    };
    item.facts.language = Language::parse("de-AT");
    assert!(!german.fit(&item));
    item.facts.language_is_certain = true;
    assert!(german.fit(&item));
}

#[test]
fn conditions_of_old_are_read_and_written_as_they_were() {
    let old = r#"{"categories":["network"],"channels":["email"],"priorities":[],"languages":[],"tags":[],"skills":[],"attributes":{"site":"north"}}"#;
    let read: Conditions = serde_json::from_str(old).unwrap();
    assert_eq!(read.attributes["site"], AnyOf(texts(&["north"])));
    assert_eq!(serde_json::to_string(&read).unwrap(), old);
    let mut several = read;
    several
        .attributes
        .insert("site".to_owned(), AnyOf(texts(&["north", "east"])));
    let stored = serde_json::to_string(&several).unwrap();
    assert_eq!(
        serde_json::from_str::<Conditions>(&stored).unwrap(),
        several
    );
}
