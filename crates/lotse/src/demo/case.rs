//! A ticket of the demo: who asks for what, and how it will go.

use std::collections::VecDeque;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_proto::common::v1::{Channel, Priority, SurveyKind, TransferReason};

use super::company::CSAT_DELAY;
use super::dice::{Dice, minutes};
use super::people::Team;
use super::story::Hearing;
use super::texts::{HOLD_REASONS, NOTES, Phrases, SUMMARIES, Tongue, Topic};

/// A ticket before it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    /// Which one; unique in a demo.
    pub(crate) ordinal: u64,
    /// When it comes.
    pub(crate) at: Timestamp,
    pub(crate) customer: Customer,
    pub(crate) channel: Channel,
    pub(crate) priority: Priority,
    /// What it is filed under.
    pub(crate) category: &'static str,
    pub(crate) subject: String,
    pub(crate) body: String,
    /// Whether agents take it before everything else.
    pub(crate) eager: bool,
    /// How long nobody looks at it, however much time there is.
    pub(crate) neglect: Duration,
    /// Who listens when an alert tells them of it.
    pub(crate) hearing: Hearing,
    /// What agents do about it, in order; the last one solves it.
    pub(crate) plan: VecDeque<Turn>,
    pub(crate) ending: Ending,
}

/// Somebody who asks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Customer {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) tongue: Tongue,
}

/// A piece of an agent's work on a ticket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    /// How long it takes.
    pub(crate) effort: Duration,
    pub(crate) step: Step,
}

/// What comes of a piece of work.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// A word that somebody is on it.
    Reply(String),
    /// A question, which the customer answers after this long.
    Ask {
        words: String,
        answer: &'static str,
        after: Duration,
    },
    /// A third party's turn, for this long.
    Hold {
        reason: &'static str,
        span: Duration,
    },
    /// Somebody else's ticket.
    Transfer {
        to: Team,
        reason: TransferReason,
        note: &'static str,
    },
    /// The next support level's ticket.
    Escalate { summary: &'static str },
    /// Done.
    Solve(String),
}

/// What comes after the first solution.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ending {
    /// The customer comes back after this long: it was not solved. The second solution holds.
    pub(crate) again: Option<(Duration, &'static str)>,
    /// The customer says thank you after this long.
    pub(crate) thanks: Option<(Duration, &'static str)>,
    /// What is asked: CSAT by the survey's own trigger, the others by an invitation.
    pub(crate) survey: SurveyKind,
    /// The answer, this long after the solution.
    pub(crate) opinion: Option<(Duration, Opinion)>,
}

/// An answer to a survey.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opinion {
    pub(crate) score: i32,
    pub(crate) comment: &'static str,
    pub(crate) first_contact: bool,
}

/// One in so many tickets comes from somebody who wrote lately.
const RETURNING: f64 = 0.1;
/// Tickets that nobody touches for a long while: what a queue wall is for.
const NEGLECTED: f64 = 0.12;

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    topic: Topic,
    subject: String,
    body: String,
}

impl Request {
    /// Something about this topic.
    pub(crate) fn about(topic: Topic, tongue: Tongue, dice: &mut Dice) -> Self {
        let problems = tongue.phrases().problems.iter();
        let about: Vec<_> = problems.filter(|problem| problem.topic == topic).collect();
        let problem = dice.pick(&about);
        let order = format!("KB-{}", dice.number(10_000, 99_999));
        Self {
            topic,
            subject: problem.subject.replace("{order}", &order),
            body: problem.body.replace("{order}", &order),
        }
    }
}

impl Customer {
    /// The customer with this number, and what they ask for whenever they write.
    fn draw(seed: u64, number: u64) -> (Self, Request) {
        use Tongue::{English, German, Spanish};
        let mut dice = Dice::new(!seed, number);
        let tongue = dice.weigh(&[(English, 45), (German, 35), (Spanish, 20)]);
        let customer = Self::speaking(tongue, number, &mut dice);
        let topic = dice.weigh(&[
            (Topic::Order, 18),
            (Topic::Delivery, 22),
            (Topic::Returns, 12),
            (Topic::Account, 12),
            (Topic::Billing, 16),
            (Topic::Product, 20),
        ]);
        let request = Request::about(topic, tongue, &mut dice);
        (customer, request)
    }

    /// Somebody of this language.
    pub(crate) fn speaking(tongue: Tongue, number: u64, dice: &mut Dice) -> Self {
        let phrases = tongue.phrases();
        let (first, last) = (
            dice.pick(phrases.first_names),
            dice.pick(phrases.last_names),
        );
        Self {
            number,
            name: format!("{first} {last}"),
            tongue,
        }
    }
}

impl Case {
    /// The ticket with this number: the same in every run of the seed.
    pub(crate) fn draw(seed: u64, ordinal: u64, at: Timestamp) -> Self {
        let mut dice = Dice::new(seed, ordinal);
        let back = dice.number(1, 40);
        let returning = dice.chance(RETURNING) && back < ordinal;
        let number = if returning { ordinal - back } else { ordinal };
        let (customer, request) = Customer::draw(seed, number);
        let topic = request.topic;
        let channel = dice.weigh(&[
            (Channel::Email, 45),
            (Channel::Chat, 25),
            (Channel::Phone, 15),
            (Channel::Web, 15),
        ]);
        let priority = dice.weigh(&[
            (Priority::Urgent, 4),
            (Priority::High, 16),
            (Priority::Normal, 65),
            (Priority::Low, 15),
        ]);
        let written = matches!(channel, Channel::Email | Channel::Web);
        let neglected = written && dice.chance(NEGLECTED);
        let mut case = Self::plain(ordinal, at, customer, channel, request, &mut dice);
        case.priority = priority;
        if neglected {
            case.neglect = dice.minutes(60.0, 240.0);
        }
        case.plan = Planner {
            topic,
            channel,
            name: &case.customer.name,
            dice: &mut dice,
        }
        .plan(case.customer.tongue.phrases(), &mut case.category);
        case.ending = Ending::draw(&case, &mut dice);
        case.hearing = Hearing {
            deaf: dice.weigh(&[(0, 45), (1, 40), (2, 15)]),
            after: dice.minutes(3.0, 14.0),
        };
        case
    }

    /// A ticket that is solved at the first touch and rated by nobody.
    pub(crate) fn plain(
        ordinal: u64,
        at: Timestamp,
        customer: Customer,
        channel: Channel,
        request: Request,
        dice: &mut Dice,
    ) -> Self {
        let phrases = customer.tongue.phrases();
        let Request {
            topic,
            subject,
            body,
        } = request;
        let solution = dice
            .pick(phrases.solutions)
            .replace("{name}", &customer.name);
        Self {
            ordinal,
            at,
            channel,
            priority: Priority::Normal,
            category: topic.category(),
            subject,
            body,
            eager: false,
            neglect: Duration::ZERO,
            hearing: Hearing {
                deaf: 0,
                after: minutes(5.0),
            },
            plan: VecDeque::from([Turn {
                effort: minutes(5.0),
                step: Step::Solve(solution),
            }]),
            ending: Ending::silent(),
            customer,
        }
    }

    /// Whether it passed through more hands, or took longer, than a customer likes.
    fn is_annoying(&self) -> bool {
        let sent_on = |turn: &Turn| matches!(turn.step, Step::Transfer { .. });
        !self.neglect.is_zero() || self.plan.iter().any(sent_on)
    }
}

/// Decides what agents will do about a ticket.
struct Planner<'a> {
    topic: Topic,
    channel: Channel,
    name: &'a str,
    dice: &'a mut Dice,
}

impl Planner<'_> {
    fn plan(mut self, phrases: &'static Phrases, category: &mut &'static str) -> VecDeque<Turn> {
        let live = matches!(self.channel, Channel::Chat | Channel::Phone);
        let mut plan = VecDeque::new();
        if let Some((to, reason)) = self.transfer(category) {
            let note = self.dice.pick(NOTES);
            self.turn(&mut plan, 2.0, 9.0, Step::Transfer { to, reason, note });
        }
        if self.dice.chance(0.25) {
            let words = self.said(phrases.replies);
            self.turn(&mut plan, 3.0, 12.0, Step::Reply(words));
        }
        if self.dice.chance(if live { 0.1 } else { 0.4 }) {
            let words = self.said(phrases.questions);
            let answer = self.dice.pick(phrases.answers);
            let after = self.dice.minutes(10.0, 300.0);
            self.turn(
                &mut plan,
                4.0,
                15.0,
                Step::Ask {
                    words,
                    answer,
                    after,
                },
            );
        }
        let hard = matches!(self.topic, Topic::Product);
        if self.dice.chance(if hard { 0.2 } else { 0.05 }) {
            let summary = self.dice.pick(SUMMARIES);
            self.turn(&mut plan, 6.0, 20.0, Step::Escalate { summary });
        }
        if !live && self.dice.chance(0.1) {
            let reason = self.dice.pick(HOLD_REASONS);
            let span = self.dice.minutes(30.0, 300.0);
            self.turn(&mut plan, 4.0, 12.0, Step::Hold { reason, span });
        }
        let words = self.said(phrases.solutions);
        self.turn(&mut plan, 5.0, 30.0, Step::Solve(words));
        plan
    }

    /// Where it is passed on to at first, if at all. A wrong skill means that it was filed under
    /// something else.
    fn transfer(&mut self, category: &mut &'static str) -> Option<(Team, TransferReason)> {
        use TransferReason::{
            Capacity, RequesterAsked, ShiftEnd, Unexplained, WrongLanguage, WrongSkill,
        };
        let home = Team::of(self.topic);
        if self.dice.chance(0.08) {
            let others = Topic::ALL
                .into_iter()
                .filter(|topic| Team::of(*topic) != home);
            let filed = *self.dice.pick(&others.collect::<Vec<_>>());
            *category = filed.category();
            return Some((home, WrongSkill));
        }
        self.dice.chance(0.05).then(|| {
            let reason = self.dice.weigh(&[
                (WrongLanguage, 20),
                (Capacity, 35),
                (ShiftEnd, 20),
                (RequesterAsked, 15),
                (Unexplained, 10),
            ]);
            (home, reason)
        })
    }

    fn said(&mut self, of: &[&str]) -> String {
        self.dice.pick(of).replace("{name}", self.name)
    }

    fn turn(&mut self, plan: &mut VecDeque<Turn>, least: f64, most: f64, step: Step) {
        plan.push_back(Turn {
            effort: self.dice.minutes(least, most),
            step,
        });
    }
}

impl Ending {
    /// Nobody says anything.
    pub(crate) fn silent() -> Self {
        Self {
            again: None,
            thanks: None,
            survey: SurveyKind::Csat,
            opinion: None,
        }
    }

    fn draw(case: &Case, dice: &mut Dice) -> Self {
        use SurveyKind::{Ces, Csat, Nps};
        let phrases = case.customer.tongue.phrases();
        let again = dice
            .chance(0.06)
            .then(|| (dice.minutes(10.0, 120.0), *dice.pick(phrases.again)));
        let thanks = dice
            .chance(0.15)
            .then(|| (dice.minutes(1.0, 20.0), *dice.pick(phrases.thanks)));
        // A chat is asked about at once, by the survey's own trigger.
        let survey = if case.channel == Channel::Chat {
            Csat
        } else {
            dice.weigh(&[(Csat, 60), (Ces, 20), (Nps, 20)])
        };
        let mut content: f64 = 0.88;
        if case.is_annoying() {
            content -= 0.35;
        }
        if again.is_some() {
            content -= 0.25;
        }
        let happy = dice.chance(content);
        let alone = case.plan.len() == 1;
        let opinion = dice.chance(0.45).then(|| {
            let asked = if survey == Csat && case.channel != Channel::Chat {
                CSAT_DELAY
            } else {
                0.0
            };
            let after = minutes(asked) + dice.minutes(2.0, 90.0);
            let score = score(survey, happy, dice);
            let words = if happy {
                phrases.praise
            } else {
                phrases.complaints
            };
            // Who is unhappy says why.
            let speaks = dice.chance(if happy { 0.45 } else { 0.85 });
            let comment = if speaks { *dice.pick(words) } else { "" };
            (
                after,
                Opinion {
                    score,
                    comment,
                    first_contact: alone && happy,
                },
            )
        });
        Self {
            again,
            thanks,
            survey,
            opinion,
        }
    }
}

fn score(kind: SurveyKind, happy: bool, dice: &mut Dice) -> i32 {
    type Weighed = &'static [(i32, u32)];
    let (good, bad): (Weighed, Weighed) = match kind {
        SurveyKind::Ces => (&[(7, 5), (6, 4), (5, 2)], &[(1, 2), (2, 3), (3, 3), (4, 2)]),
        SurveyKind::Nps => (
            &[(10, 5), (9, 4), (8, 3), (7, 2)],
            &[(0, 1), (3, 2), (5, 3), (6, 3)],
        ),
        _ => (&[(5, 6), (4, 4)], &[(1, 3), (2, 4), (3, 2)]),
    };
    dice.weigh(if happy { good } else { bad })
}
