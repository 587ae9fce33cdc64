//! The first minutes after the start: set down by hand, so that whoever opens the console sees
//! within a minute what it is for. Tickets that nobody touches turn from amber to red, alerts tell
//! one after the other until somebody takes care; a transfer,
//! an escalation, a reopening, good and bad answers follow, over four channels in three languages.

use std::collections::VecDeque;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_proto::common::v1::{Channel, SurveyKind, TransferReason};

use super::case::{Case, Customer, Ending, Opinion, Request, Step, Turn};
use super::company::CSAT_DELAY;
use super::dice::{Dice, minutes};
use super::people::Team;
use super::story::Hearing;
use super::texts::{NOTES, SUMMARIES, Tongue, Topic};

/// Where the numbers of these tickets begin: those of a day are far below.
pub(crate) const FIRST: u64 = 1 << 32;

/// The earliest of them comes so long before the start.
#[cfg(test)]
const LEAD: Duration = Duration::from_secs(150 * 60);

/// One of these tickets.
struct Scene {
    /// Minutes after the start; negative before.
    at: f64,
    channel: Channel,
    tongue: Tongue,
    topic: Topic,
    act: Act,
}

/// What it shows.
#[derive(Clone, Copy)]
enum Act {
    /// Nobody touches it until so many minutes after the start, unless an alert tells them: so many
    /// who are told do nothing, the next one takes care so many minutes later.
    Waits(f64, usize, f64),
    /// Solved at once; answered so many minutes after it could be.
    Rated(SurveyKind, i32, f64),
    /// Filed wrongly and passed on, which the customer does not like.
    PassedOn,
    /// Needs somebody else who speaks the language.
    Misunderstood,
    /// Sent up a level.
    Escalated,
    /// Solved, and back.
    Returns,
}

/// The tickets around `start`, in order.
pub(crate) fn scenes(seed: u64, start: Timestamp) -> Vec<Case> {
    use Channel::{Chat, Email, Phone, Web};
    use SurveyKind::{Ces, Csat};
    use Tongue::{English, German, Spanish};
    use Topic::{Account, Billing, Delivery, Order, Product, Returns};
    let scene = |at, channel, tongue, topic, act| Scene {
        at,
        channel,
        tongue,
        topic,
        act,
    };
    let scenes = [
        // Untouched for two hours before the start; the second who is told takes care.
        scene(-140.0, Email, English, Order, Act::Waits(90.0, 1, 25.0)),
        scene(-117.0, Email, German, Delivery, Act::Waits(88.0, 1, 8.0)),
        scene(-96.0, Web, English, Product, Act::Waits(80.0, 0, 6.0)),
        scene(-75.0, Email, Spanish, Billing, Act::Waits(72.0, 2, 5.0)),
        scene(0.5, Chat, English, Account, Act::Rated(Csat, 5, 3.0)),
        scene(1.0, Chat, German, Delivery, Act::Rated(Csat, 1, 4.0)),
        scene(1.5, Phone, Spanish, Order, Act::Rated(Csat, 5, 2.0)),
        scene(2.0, Web, English, Billing, Act::PassedOn),
        scene(2.5, Phone, Spanish, Product, Act::Misunderstood),
        scene(3.0, Email, German, Product, Act::Escalated),
        scene(4.0, Email, English, Returns, Act::Returns),
        scene(5.0, Web, German, Order, Act::Rated(Ces, 6, 4.0)),
        scene(6.0, Chat, Spanish, Delivery, Act::Rated(Csat, 4, 5.0)),
    ];
    let numbered = (FIRST..).zip(&scenes);
    numbered
        .map(|(number, scene)| scene.case(seed, number, start))
        .collect()
}

impl Scene {
    fn case(&self, seed: u64, number: u64, start: Timestamp) -> Case {
        let mut dice = Dice::new(seed, number);
        let at = if self.at < 0.0 {
            start - minutes(-self.at)
        } else {
            start + minutes(self.at)
        };
        let customer = Customer::speaking(self.tongue, number, &mut dice);
        let request = Request::about(self.topic, self.tongue, &mut dice);
        let mut case = Case::plain(number, at, customer, self.channel, request, &mut dice);
        case.eager = true;
        match self.act {
            Act::Waits(until, deaf, after) => {
                case.eager = false;
                case.neglect = minutes(until - self.at);
                case.hearing = Hearing {
                    deaf,
                    after: minutes(after),
                };
            }
            Act::Rated(kind, score, after) => {
                case.ending = rated(&case, kind, score, after, &mut dice);
                hurry(&mut case.plan, []);
            }
            Act::PassedOn => {
                case.category = Topic::Order.category();
                let to = Team::of(self.topic);
                let step = transfer(to, TransferReason::WrongSkill);
                case.ending = rated(&case, SurveyKind::Nps, 3, 4.0, &mut dice);
                hurry(&mut case.plan, [step]);
            }
            Act::Misunderstood => {
                let step = transfer(Team::of(self.topic), TransferReason::WrongLanguage);
                hurry(&mut case.plan, [step]);
            }
            Act::Escalated => {
                let summary = SUMMARIES[0];
                case.ending = rated(&case, SurveyKind::Ces, 6, 5.0, &mut dice);
                hurry(&mut case.plan, [Step::Escalate { summary }]);
            }
            Act::Returns => {
                let words = self.tongue.phrases().again[0];
                case.ending = Ending {
                    again: Some((minutes(6.0), words)),
                    ..Ending::silent()
                };
                hurry(&mut case.plan, []);
            }
        }
        case
    }
}

/// Puts steps before the solution and makes everything quick.
fn hurry<const N: usize>(plan: &mut VecDeque<Turn>, before: [Step; N]) {
    for step in before.into_iter().rev() {
        plan.push_front(Turn {
            effort: Duration::ZERO,
            step,
        });
    }
    for turn in plan {
        turn.effort = minutes(2.0);
    }
}

fn transfer(to: Team, reason: TransferReason) -> Step {
    Step::Transfer {
        to,
        reason,
        note: NOTES[0],
    }
}

fn rated(case: &Case, survey: SurveyKind, score: i32, after: f64, dice: &mut Dice) -> Ending {
    let phrases = case.customer.tongue.phrases();
    let delayed = survey == SurveyKind::Csat && case.channel != Channel::Chat;
    let after = after + if delayed { CSAT_DELAY } else { 0.0 };
    let happy = score >= 4;
    let words = if happy {
        phrases.praise
    } else {
        phrases.complaints
    };
    let opinion = Opinion {
        score,
        comment: dice.pick::<&str>(words),
        first_contact: happy,
    };
    Ending {
        survey,
        opinion: Some((minutes(after), opinion)),
        ..Ending::silent()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_opening_promises_everything_that_a_first_minute_shows() {
        let start = Timestamp::EPOCH + LEAD + LEAD;
        let cases = scenes(1, start);
        assert!(cases.iter().all(|case| case.at >= start - LEAD));
        assert!(cases.is_sorted_by_key(|case| case.at));
        let channels: BTreeSet<_> = cases.iter().map(|case| case.channel as i32).collect();
        let tongues: BTreeSet<_> = cases.iter().map(|case| case.customer.tongue).collect();
        assert_eq!((channels.len(), tongues.len()), (4, 3));
        let opinions = cases.iter().filter_map(|case| case.ending.opinion.as_ref());
        let csat: Vec<_> = opinions.map(|(_, opinion)| opinion.score).collect();
        assert!(csat.contains(&5) && csat.contains(&1));
        let turns: Vec<_> = cases.iter().flat_map(|case| &case.plan).collect();
        assert!(
            turns
                .iter()
                .any(|turn| matches!(turn.step, Step::Transfer { .. }))
        );
        assert!(
            turns
                .iter()
                .any(|turn| matches!(turn.step, Step::Escalate { .. }))
        );
    }

    #[test]
    fn what_the_opening_does_it_does_within_the_first_minute() {
        let start = Timestamp::EPOCH + LEAD;
        for case in scenes(1, start) {
            if !case.neglect.is_zero() {
                continue;
            }
            let work: Duration = case.plan.iter().map(|turn| turn.effort).sum();
            let said = case
                .ending
                .opinion
                .map_or(Duration::ZERO, |(after, _)| after);
            // Half of the hour that a minute lasts is left for people who are busy.
            assert!(
                case.at + work + said < start + minutes(30.0),
                "{}",
                case.subject
            );
        }
    }
}
