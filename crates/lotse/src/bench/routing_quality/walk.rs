//! Through the log day by day: what each policy answers to each ticket, knowing what was known.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_routing::learning::{Model, Settings};

use super::baselines::{Frequencies, Load, in_turn, shuffled};
use super::dice::Dice;
use super::history::{Story, examples};

/// From when to when, and how often models are fitted anew.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) split: Timestamp,
    pub(super) until: Timestamp,
    /// In milliseconds.
    pub(super) refit: i64,
}

/// What a policy answered to one ticket.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// Its groups, the best first.
    pub(super) groups: Vec<String>,
    /// The chance it gave the first, if it gives chances.
    pub(super) chance: Option<f64>,
}

/// The answers of all policies, ticket by ticket.
pub(super) struct Walked {
    /// How many tickets were resolved before the split.
    pub(super) trained: u64,
    /// The tickets asked about, in the order of their opening.
    pub(super) asked: Vec<Story>,
    /// By policy, an answer for each of them.
    pub(super) answers: BTreeMap<&'static str, Vec<Answer>>,
}

/// Walks. Asked are the tickets opened within the span whose first and last group are known.
pub(super) fn walk(stories: &[Story], span: Span, settings: &Settings) -> Walked {
    let asked: Vec<Story> = stories
        .iter()
        .filter(|story| (span.split..span.until).contains(&story.opened_at))
        .filter(|story| story.truth().is_some())
        .cloned()
        .collect();
    let frequencies = Frequencies::before(stories, span.split);
    let mut answers = simple(stories, &asked, &frequencies);
    let once = Span {
        refit: i64::MAX,
        ..span
    };
    for (name, span, reroute) in [
        ("learned_once", once, false),
        ("learned_refit", span, false),
        ("rerouter_refit", span, true),
    ] {
        answers.insert(name, learned(stories, &asked, span, reroute, settings));
    }
    Walked {
        trained: frequencies.total(),
        asked,
        answers,
    }
}

/// The rules that need no model.
fn simple(
    stories: &[Story],
    asked: &[Story],
    frequencies: &Frequencies,
) -> BTreeMap<&'static str, Vec<Answer>> {
    let groups = frequencies.groups();
    let (mut dice, mut load) = (Dice(1), Load::new(stories));
    let mut answers: BTreeMap<&'static str, Vec<Answer>> = BTreeMap::new();
    for (turn, story) in asked.iter().enumerate() {
        let one = |group: Option<&str>| group.map(str::to_owned).into_iter().collect();
        for (name, groups) in [
            ("random", shuffled(&groups, &mut dice)),
            ("round_robin", in_turn(&groups, turn)),
            ("least_loaded", load.least(&groups, story.opened_at)),
            ("largest_group", frequencies.largest()),
            ("per_category", frequencies.per("category", &story.intake)),
            (
                "per_subcategory",
                frequencies.per("subcategory", &story.intake),
            ),
            ("people", one(story.first_group.as_deref())),
            ("oracle", one(story.truth())),
        ] {
            let answer = Answer {
                groups,
                chance: None,
            };
            answers.entry(name).or_default().push(answer);
        }
    }
    answers
}

/// A model fitted at the split and anew on schedule; each ticket is answered by the latest fit
/// before it was opened.
fn learned(
    stories: &[Story],
    asked: &[Story],
    span: Span,
    reroute: bool,
    settings: &Settings,
) -> Vec<Answer> {
    let mut fitted: Option<(i64, Model)> = None;
    let mut answers = Vec::with_capacity(asked.len());
    for story in asked {
        let since_split = story.opened_at.millis_since(span.split);
        let due = since_split - since_split.rem_euclid(span.refit);
        let model = match fitted.take() {
            Some((at, model)) if at == due => model,
            _ => {
                let now = Timestamp::from_millis(span.split.as_millis() + due);
                Model::fit(&examples(stories, now, reroute), settings.clone(), now)
            }
        };
        let ranking = model.rank(&story.case(reroute));
        answers.push(Answer {
            chance: ranking.best().map(|best| best.probability),
            groups: ranking
                .groups
                .into_iter()
                .map(|ranked| ranked.group)
                .collect(),
        });
        fitted = Some((due, model));
    }
    answers
}
