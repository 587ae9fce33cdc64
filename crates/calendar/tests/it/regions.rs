//! Public holidays by country and subdivision, against what their laws say.

use lotse_calendar::{Region, Source, UnknownRegion, countries};

fn region(country: &str, subdivision: &str) -> Region {
    Region {
        country: country.to_owned(),
        subdivision: subdivision.to_owned(),
    }
}

/// The holidays of a year: month, day and name.
fn year(country: &str, subdivision: &str, year: i16) -> Vec<String> {
    let holidays = region(country, subdivision).holidays().unwrap();
    let of_year = holidays.into_iter().filter(|day| day.date.year() == year);
    of_year
        .map(|day| format!("{} {}", day.date.strftime("%m-%d"), day.name))
        .collect()
}

#[test]
fn germany_has_nine_and_bavaria_twelve_for_everybody() {
    let expected = [
        "01-01 New Year's Day",
        "04-03 Good Friday",
        "04-06 Easter Monday",
        "05-01 Labor Day",
        "05-14 Ascension Day",
        "05-25 Pentecost Monday",
        "10-03 German Unity Day",
        "12-25 Christmas Day",
        "12-26 Second Day of Christmas",
    ];
    assert_eq!(year("DE", "", 2026), expected);
    let bavaria = year("DE", "BY", 2026);
    assert_eq!(bavaria.len(), 12);
    for own in [
        "01-06 Epiphany",
        "06-04 Corpus Christi",
        "11-01 All Saints' Day",
    ] {
        assert!(bavaria.iter().any(|day| day == own), "{own}: {bavaria:?}");
    }
    let saxony = year("DE", "SN", 2026);
    assert!(saxony.contains(&"11-18 Repentance and Prayer Day".to_owned()));
}

#[test]
fn a_subdivision_may_lack_what_its_country_has() {
    let country = year("US", "", 2026);
    assert!(country.contains(&"10-12 Columbus Day".to_owned()));
    let alaska = year("US", "AK", 2026);
    assert!(
        !alaska.iter().any(|day| day.contains("Columbus Day")),
        "{alaska:?}"
    );
    assert!(
        alaska.contains(&"03-30 Seward's Day".to_owned()),
        "{alaska:?}"
    );
}

#[test]
fn substitute_days_count() {
    // 26 December 2026 is a Saturday: the bank holiday is on Monday.
    let england = year("GB", "ENG", 2026);
    assert!(
        england
            .iter()
            .any(|day| day.starts_with("12-28 Boxing Day")),
        "{england:?}"
    );
    let scotland = year("GB", "SCT", 2026);
    assert!(
        scotland.iter().any(|day| day.starts_with("11-30 ")),
        "{scotland:?}"
    );
}

#[test]
fn every_year_of_the_table_has_new_year_in_almost_every_country() {
    let has = |country: &str, wanted: i16| {
        let days = year(country, "", wanted);
        days.iter().any(|day| day.starts_with("01-01"))
    };
    let all: Vec<&str> = countries().map(|(code, _)| code).collect();
    for wanted in [2020, 2027, 2035] {
        let with = all.iter().filter(|country| has(country, wanted)).count();
        assert!(
            with * 10 > all.len() * 8,
            "{wanted}: {with} of {}",
            all.len()
        );
    }
}

#[test]
fn a_holiday_says_whose_it_is() {
    let holidays = region("DE", "BY").holidays().unwrap();
    let source = Source::Region("DE-BY".to_owned());
    assert!(holidays.iter().all(|day| day.source == source));
}

#[test]
fn an_unknown_region_is_refused_with_what_is_known() {
    for country in ["XX", "", "de", "DE-BY"] {
        let refused = region(country, "").holidays().unwrap_err();
        assert_eq!(refused, UnknownRegion::Country, "{country}");
        assert!(refused.to_string().contains(" DE, "), "{refused}");
    }
    let refused = region("DE", "XX").holidays().unwrap_err();
    assert!(refused.to_string().contains(", BY, "), "{refused}");
    let refused = region("VA", "X").holidays().unwrap_err();
    assert!(refused.to_string().ends_with("it has none"), "{refused}");
}
