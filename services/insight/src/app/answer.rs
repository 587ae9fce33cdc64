//! Answering a question.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_errors::{Error as Refusal, Violations};

use super::Insight;
use super::question::{Query, Question, until};
use crate::catalogue::{Formula, Measure, Metric, Part};
use crate::domain::figure::{Figure, Tally};
use crate::domain::steps::{self, Grain, Period};
use crate::error::Error;
use crate::store::{self, Group, Selection, Tallies};

/// The most figures of one answer.
const MOST_FIGURES: usize = 100_000;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Per metric, part and group.
    pub series: Vec<Series>,
    /// When it was computed.
    pub computed_at: Timestamp,
}

/// One part of a metric for one group.
#[derive(Debug)]
pub struct Series {
    /// The metric.
    pub metric: &'static Metric,
    /// The part.
    pub part: &'static Part,
    /// Dimension and value.
    pub group: Vec<(String, Option<String>)>,
    /// In the order of time.
    pub points: Vec<Point>,
}

/// A figure and the time it is about.
#[derive(Debug)]
pub struct Point {
    /// The step, or the whole period.
    pub period: Period,
    /// The figure.
    pub figure: Figure,
}

/// The figures of a part: for each group one per step.
type Figures = BTreeMap<Group, Vec<Figure>>;

/// Where the steps of a question lie.
struct Steps {
    /// From the first to the last.
    whole: Period,
    /// Where they touch.
    inner: Vec<Timestamp>,
    /// Each one.
    each: Vec<Period>,
}

impl Insight {
    /// Answers a question about metrics.
    ///
    /// # Errors
    /// INVALID_ARGUMENT with everything that is wrong with the question, or the database's.
    pub async fn query(&self, query: &Query) -> Result<Answer, Error> {
        let mut wrong = Violations::new();
        let question = query.read(&mut wrong);
        let question = wrong.finish_with(question)?;
        let now = self.clock.now();
        let steps = self.steps(&question, now).await?;
        let selection = Selection {
            start: steps.whole.start,
            end: steps.whole.end,
            condition: question.condition.clone(),
            now,
        };
        let mut series = Vec::new();
        let mut figures = 0;
        for metric in &question.metrics {
            for part in metric.parts {
                let found = self.part(part, &question, &selection, &steps).await?;
                figures += found.len() * steps.each.len();
                if figures > MOST_FIGURES {
                    return Err(too_many().into());
                }
                series.extend(found.into_iter().map(|(group, figures)| {
                    let names = question.group_by.iter().map(|field| field.name.clone());
                    let points = steps.each.iter().zip(figures);
                    Series {
                        metric,
                        part,
                        group: names.zip(group).collect(),
                        points: points
                            .map(|(period, figure)| Point {
                                period: *period,
                                figure,
                            })
                            .collect(),
                    }
                }));
            }
        }
        Ok(Answer {
            series,
            computed_at: now,
        })
    }

    async fn part(
        &self,
        part: &Part,
        question: &Question,
        selection: &Selection,
        steps: &Steps,
    ) -> Result<Figures, Error> {
        let count = |measure, selection| self.tallies(measure, selection, question, steps);
        Ok(match &part.formula {
            Formula::One(measure) => {
                let tallies = count(measure, selection).await?;
                one(measure, &tallies, steps.each.len())
            }
            Formula::Difference(first, second) => {
                let first = count(first, selection).await?;
                let second = count(second, selection).await?;
                difference(&first, &second, steps.each.len())
            }
            Formula::Standing {
                came,
                left,
                standing: _,
            } => {
                let Period { start, end } = until(selection.end);
                let before = Selection {
                    start,
                    end,
                    ..selection.clone()
                };
                let came = count(came, &before).await?;
                let left = count(left, &before).await?;
                standing(&came, &left, steps.each.len())
            }
        })
    }

    async fn tallies(
        &self,
        measure: &Measure,
        selection: &Selection,
        question: &Question,
        steps: &Steps,
    ) -> Result<Tallies, Error> {
        let (conn, group_by) = (self.db.reader(), &question.group_by);
        let tallies = store::tallies(
            conn,
            measure,
            selection,
            group_by,
            &steps.inner,
            MOST_FIGURES,
        );
        let mut tallies = tallies.await?;
        if tallies.values().map(BTreeMap::len).sum::<usize>() > MOST_FIGURES {
            return Err(too_many().into());
        }
        // Without dimensions there is always one group, with or without facts.
        if group_by.is_empty() {
            tallies.entry(Group::new()).or_default();
        }
        Ok(tallies)
    }

    async fn steps(&self, question: &Question, now: Timestamp) -> Result<Steps, Error> {
        let Question {
            grain,
            zone,
            period,
            ..
        } = question;
        if *grain == Grain::None {
            return Ok(Steps {
                whole: *period,
                inner: Vec::new(),
                each: vec![*period],
            });
        }
        let refused = |error: steps::StepsError| Refusal::invalid("period", error.to_string());
        let start = match period.start {
            Some(start) => start,
            None => {
                let first = store::first_creation(self.db.reader()).await?;
                steps::floor(first.unwrap_or(now), *grain, zone).map_err(refused)?
            }
        };
        let end = match period.end {
            Some(end) => end,
            None => {
                let next = steps::next(now.max(start), *grain, zone).map_err(refused)?;
                next.unwrap_or(now)
            }
        };
        let edges = steps::edges(start, end, *grain, zone).map_err(refused)?;
        let each = edges.windows(2).map(|pair| Period {
            start: Some(pair[0]),
            end: Some(pair[1]),
        });
        Ok(Steps {
            whole: Period {
                start: Some(start),
                end: Some(end),
            },
            inner: edges[1..edges.len() - 1].to_vec(),
            each: each.collect(),
        })
    }
}

fn too_many() -> Refusal {
    Refusal::invalid(
        "group_by",
        "gives more than 100,000 figures; filter, or take fewer dimensions or a coarser grain",
    )
}

/// What was counted for a group in a step; nothing where there is nothing.
fn at(tallies: &Tallies, group: &Group, step: usize) -> Tally {
    let steps = tallies.get(group);
    steps
        .and_then(|steps| steps.get(&step))
        .copied()
        .unwrap_or_default()
}

fn one(measure: &Measure, tallies: &Tallies, steps: usize) -> Figures {
    let figures = |group: &Group| {
        let tallies = (0..steps).map(|step| at(tallies, group, step));
        tallies
            .map(|tally| Figure::of(measure.kind, &tally))
            .collect()
    };
    tallies
        .keys()
        .map(|group| (group.clone(), figures(group)))
        .collect()
}

fn either<'a>(first: &'a Tallies, second: &'a Tallies) -> impl Iterator<Item = &'a Group> {
    first.keys().chain(second.keys())
}

fn difference(first: &Tallies, second: &Tallies, steps: usize) -> Figures {
    let figures = |group: &Group| {
        let pairs = (0..steps).map(|step| (at(first, group, step), at(second, group, step)));
        pairs
            .map(|(first, second)| {
                let n = first.n + second.n;
                Figure {
                    value: (n > 0).then_some((first.n - second.n) as f64),
                    n,
                    coverage: (n > 0).then_some(1.0),
                    ..Figure::default()
                }
            })
            .collect()
    };
    either(first, second)
        .map(|group| (group.clone(), figures(group)))
        .collect()
}

/// What stands at the end of each step. The first step also holds all that lies before it.
fn standing(came: &Tallies, left: &Tallies, steps: usize) -> Figures {
    let figures = |group: &Group| {
        let (mut known, mut here) = (0, 0);
        (0..steps)
            .map(|step| {
                let (came, left) = (at(came, group, step), at(left, group, step));
                known += came.n;
                here += came.eligible - left.eligible;
                Figure {
                    value: (known > 0).then_some(here as f64),
                    n: known,
                    numerator: (known > 0).then_some(here),
                    ..Figure::default()
                }
            })
            .collect()
    };
    either(came, left)
        .map(|group| (group.clone(), figures(group)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tallies(steps: &[(usize, i64, i64)]) -> Tallies {
        let tally = |(step, n, eligible): &(usize, i64, i64)| {
            (
                *step,
                Tally {
                    n: *n,
                    eligible: *eligible,
                    ..Tally::default()
                },
            )
        };
        Tallies::from([(Group::new(), steps.iter().map(tally).collect())])
    }

    #[test]
    fn what_stands_adds_up_over_the_steps_and_an_empty_backlog_is_zero() {
        let came = tallies(&[(1, 2, 2), (3, 0, 1)]);
        let left = tallies(&[(2, 2, 2)]);
        let figures = &standing(&came, &left, 4)[&Group::new()];
        let values: Vec<_> = figures
            .iter()
            .map(|figure| (figure.value, figure.n))
            .collect();
        assert_eq!(
            values,
            [(None, 0), (Some(2.0), 2), (Some(0.0), 2), (Some(1.0), 2)]
        );
    }

    #[test]
    fn a_difference_of_nothing_and_nothing_is_absent() {
        let created = tallies(&[(0, 3, 3), (1, 1, 1)]);
        let solved = tallies(&[(1, 1, 1)]);
        let figures = &difference(&created, &solved, 3)[&Group::new()];
        let values: Vec<_> = figures.iter().map(|figure| figure.value).collect();
        assert_eq!(values, [Some(3.0), Some(0.0), None]);
    }
}
