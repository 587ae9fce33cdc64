//! What a model says about a ticket: the likeliest groups, how sure it is, and why.

use std::collections::BTreeMap;

use lotse_ids::GroupId;
use serde::{Deserialize, Serialize};

use super::codes::{Certainty, TextUse};
use super::group::Group;
use super::learning::{Case, Model};

/// Groups that advice names at most.
const GROUPS: usize = 5;

/// Features that a group's place is explained by at most.
const FEATURES: usize = 5;

/// Advice on one ticket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Advice {
    /// The model's version; 0 when there was none.
    pub(crate) model: u32,
    /// How sure it was.
    pub(crate) certainty: Certainty,
    /// The probability from which on it counts as sure.
    pub(crate) threshold: f64,
    /// Whether it was told the words of the ticket's text.
    pub(crate) text: TextUse,
    /// The likeliest groups, the first one first.
    pub(crate) ranked: Vec<Suggestion>,
}

/// One group of an advice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Suggestion {
    /// The group.
    pub(crate) group: GroupId,
    /// The chance that the ticket belongs there.
    pub(crate) probability: f64,
    /// What says most for or against it, the strongest first.
    pub(crate) features: Vec<Feature>,
}

/// What one thing known of a ticket says for or against a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Feature {
    /// Such as `category = vpn`, `subcategory = … × symptom = …`, `word #…`.
    pub(crate) name: String,
    /// For (positive) or against, in log odds beside the mean group.
    pub(crate) weight: f64,
}

/// What is asked of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// What is known of the ticket.
    pub(crate) case: &'a Case,
    /// Whether the case has the words of its text.
    pub(crate) text: TextUse,
    /// The groups of this installation: what else a model knows are labels of the past.
    pub(crate) groups: &'a BTreeMap<GroupId, Group>,
    /// A group that no ticket belongs to: that of triage.
    pub(crate) except: Option<&'a GroupId>,
    /// From which probability on it is sure.
    pub(crate) threshold: f64,
}

impl Advice {
    /// When there is no model to ask.
    pub(crate) fn without_model(question: &Question<'_>) -> Self {
        Self {
            model: 0,
            certainty: Certainty::NoModel,
            threshold: question.threshold,
            text: TextUse::Unused,
            ranked: Vec::new(),
        }
    }

    /// When no model is asked: where it was to lead, the steps do.
    pub(crate) const fn nothing() -> Self {
        Self {
            model: 0,
            certainty: Certainty::NoModel,
            threshold: 1.0,
            text: TextUse::Unused,
            ranked: Vec::new(),
        }
    }

    /// What `model` says. Probabilities are those given that the ticket belongs to one of the
    /// groups that there are.
    pub(crate) fn of(model: &Model, version: u32, question: &Question<'_>) -> Self {
        let known = |name: &str| {
            let group = name.parse().ok()?;
            let is_there = question.groups.contains_key(&group) && question.except != Some(&group);
            is_there.then_some(group)
        };
        let ranking = model.rank(question.case);
        let mut ranked: Vec<(GroupId, f64)> = ranking
            .groups
            .iter()
            .filter_map(|ranked| Some((known(&ranked.group)?, ranked.probability)))
            .collect();
        let sum: f64 = ranked.iter().map(|(_, probability)| probability).sum();
        ranked.truncate(GROUPS);
        let ranked: Vec<Suggestion> = ranked
            .into_iter()
            .map(|(group, probability)| Suggestion {
                features: features(model, question.case, &group),
                probability: probability / sum.max(f64::MIN_POSITIVE),
                group,
            })
            .collect();
        let certainty = match ranked.first() {
            None => Certainty::NoModel,
            Some(best) if best.probability >= question.threshold => Certainty::Confident,
            Some(_) => Certainty::Unsure,
        };
        Self {
            model: version,
            certainty,
            threshold: question.threshold,
            text: question.text,
            ranked,
        }
    }

    /// The likeliest group.
    pub(crate) fn best(&self) -> Option<&Suggestion> {
        self.ranked.first()
    }

    /// The group that it is sure of.
    pub(crate) fn sure_of(&self) -> Option<&GroupId> {
        let sure = self.certainty == Certainty::Confident;
        self.best().filter(|_| sure).map(|best| &best.group)
    }

    /// The model's version, where it is the model that chose `group`.
    pub(crate) fn chose(&self, group: Option<&GroupId>) -> Option<u32> {
        let chose = self.sure_of().is_some_and(|best| Some(best) == group);
        chose.then_some(self.model)
    }

    /// Puts words in place of their hashes, as far as `told` knows what to say.
    pub(crate) fn spell(&mut self, told: impl Fn(&str) -> Option<String>) {
        let features = self.ranked.iter_mut().flat_map(|one| &mut one.features);
        for feature in features {
            if let Some(found) = feature.name.strip_prefix("word #").and_then(&told) {
                feature.name = found;
            }
        }
    }

    /// Whether a word stands in it by its hash.
    pub(crate) fn has_words(&self) -> bool {
        let mut features = self.ranked.iter().flat_map(|one| &one.features);
        features.any(|feature| feature.name.starts_with("word #"))
    }

    /// In words, one sentence each; `name` says what people call a group.
    pub(crate) fn tell(&self, name: impl Fn(&GroupId) -> String) -> Vec<String> {
        let mut words = Vec::new();
        let (version, asked) = (self.model, self.threshold);
        match (self.certainty, self.best()) {
            (Certainty::Confident, Some(best)) => words.push(format!(
                "Model {version} gives {} {:.2}{}; {asked:.2} is enough.",
                name(&best.group),
                best.probability,
                because(best)
            )),
            (Certainty::Unsure, Some(best)) => {
                words.push(format!(
                    "Model {version} is not sure: {asked:.2} is asked for, and it gives {} {:.2}{}.",
                    name(&best.group),
                    best.probability,
                    because(best)
                ));
                let others: Vec<String> = self.ranked[1..]
                    .iter()
                    .map(|one| format!("{} {:.2}", name(&one.group), one.probability))
                    .collect();
                if !others.is_empty() {
                    words.push(format!("Next come {}.", others.join(", ")));
                }
            }
            _ => words
                .push("No model has been learnt yet that could say where it belongs.".to_owned()),
        }
        if self.text == TextUse::Away {
            words
                .push("Intake did not answer, so the words of its text were not asked.".to_owned());
        }
        words
    }
}

fn features(model: &Model, case: &Case, group: &GroupId) -> Vec<Feature> {
    let influences = model.explain(case, group.as_str()).into_iter();
    influences
        .filter(|influence| influence.weight.abs() >= 0.005)
        .take(FEATURES)
        .map(|influence| Feature {
            name: influence.feature,
            weight: influence.weight,
        })
        .collect()
}

fn because(suggestion: &Suggestion) -> String {
    let told: Vec<String> = suggestion
        .features
        .iter()
        .map(|feature| format!("{} ({:+.1})", feature.name, feature.weight))
        .collect();
    if told.is_empty() {
        return String::new();
    }
    format!(" because {}", told.join(", "))
}

#[cfg(test)]
mod tests {
    use lotse_clock::Timestamp;

    use super::*;
    use crate::domain::learning::{Example, Settings};
    use crate::domain::samples;

    fn case(category: &str) -> Case {
        Case {
            fields: BTreeMap::from([("category".to_owned(), category.to_owned())]),
            ..Case::default()
        }
    }

    /// VPN goes to group 1, toner to group 2, paper to a group that is no more.
    fn model() -> Model {
        let subjects = ["vpn", "toner", "paper"];
        let examples: Vec<Example> = (0..300)
            .map(|n: usize| Example {
                case: case(subjects[n % 3]),
                group: samples::group(n % 3 + 1).to_string(),
                at: Timestamp::EPOCH,
                settled: true,
            })
            .collect();
        Model::fit(&examples, Settings::default(), Timestamp::EPOCH)
    }

    fn advice(category: &str, except: Option<&GroupId>) -> Advice {
        let groups = [1, 2].map(|n| {
            let group = Group {
                id: samples::group(n),
                ..samples::team(1).group
            };
            (group.id.clone(), group)
        });
        let question = Question {
            case: &case(category),
            text: TextUse::Unused,
            groups: &BTreeMap::from(groups),
            except,
            threshold: 0.8,
        };
        Advice::of(&model(), 7, &question)
    }

    #[test]
    fn what_is_sure_names_its_group_and_why() {
        let advice = advice("vpn", None);
        assert_eq!(advice.sure_of(), Some(&samples::group(1)));
        let words = advice.tell(|_| "network".to_owned());
        let [sentence] = words.as_slice() else {
            panic!("{words:?}")
        };
        assert!(
            sentence.starts_with("Model 7 gives network 0.9"),
            "{sentence}"
        );
        assert!(
            sentence.contains(" because category = vpn (+"),
            "{sentence}"
        );
    }

    #[test]
    fn a_group_that_is_no_more_is_never_advised() {
        let advice = advice("paper", None);
        assert_eq!(advice.sure_of(), None);
        assert_eq!(advice.ranked.len(), 2);
        let sum: f64 = advice.ranked.iter().map(|one| one.probability).sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }

    #[test]
    fn triage_is_no_place_where_a_ticket_belongs() {
        let advice = advice("vpn", Some(&samples::group(1)));
        assert_eq!(
            advice.best().map(|best| &best.group),
            Some(&samples::group(2))
        );
    }

    #[test]
    fn words_are_spelt_where_they_are_known() {
        let mut advice = advice("vpn", None);
        let names = ["word #00ff", "word #0001"];
        advice.ranked[0].features = names
            .map(|name| Feature {
                name: name.to_owned(),
                weight: 1.0,
            })
            .into();
        assert!(advice.has_words());
        advice.spell(|hash| (hash == "00ff").then(|| "word \"tunnel\"".to_owned()));
        let spelt: Vec<&str> = advice.ranked[0]
            .features
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(spelt, ["word \"tunnel\"", "word #0001"]);
    }
}
