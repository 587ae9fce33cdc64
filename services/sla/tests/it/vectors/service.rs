//! The vectors against the running service.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::TicketId;
use lotse_journal::{Body, Draft};
use lotse_proto::common::v1 as common;
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::clock_changed::Transition;
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::{duration_from_proto, duration_to_proto, from_proto};
use lotse_sla::domain::{Author, BotPhase, Metric, Priority, Reason, ResolutionEnd, State, Status};
use lotse_sla::settings::Preset;
use lotse_testkit::TestDb;

use super::format::{
    At, CalendarText, ClockText, EventText, Groups, PolicyText, Span, Vector, What,
};
use super::{all, pure};
use crate::explaining;
use crate::suite::{Suite, created, message, migrations, status};
use crate::verifying::verify;

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn the_service_follows_every_rule_and_tells_the_same_as_the_state_machine(db: TestDb) {
        for (name, vector) in all() {
            // Each vector has its policies to itself: a fresh database.
            let fresh = match db.kind() {
                lotse_testkit::Backend::Sqlite => lotse_testkit::sqlite(migrations).await,
                lotse_testkit::Backend::Postgres => {
                    let Some(fresh) = lotse_testkit::postgres(migrations).await else { return };
                    fresh
                }
            };
            let Some(suite) = Suite::new(&fresh, vector.events[0].at.0).await else { return };
            let ([found, others], told) = Run::new(suite).all(&vector).await;
            assert_eq!(found, vector.clocks, "{name} ({})", vector.rule);
            assert_eq!(others, vector.other_clocks, "{name} ({})", vector.rule);
            let mut wanted: Vec<_> = pure::run_promptly(&vector).iter().map(pure::words).collect();
            let mut told = told;
            // Changes of different clocks at one instant come in no particular order.
            wanted.sort();
            told.sort();
            assert_eq!(told, wanted, "{name} ({})", vector.rule);
        }
    }
}

/// One vector against one service.
struct Run {
    suite: Suite,
    /// The ticket, and the other one.
    tickets: [String; 2],
    groups: Groups,
    /// Their positions by name.
    policies: BTreeMap<String, u32>,
}

impl Run {
    fn new(suite: Suite) -> Self {
        let ticket = || TicketId::generate(suite.clock.now()).to_string();
        let tickets = [ticket(), ticket()];
        Self {
            suite,
            tickets,
            groups: Groups::default(),
            policies: BTreeMap::new(),
        }
    }

    async fn all(mut self, vector: &Vector) -> ([Vec<ClockText>; 2], Vec<String>) {
        let mut seen = Vec::new();
        for calendar in &vector.calendars {
            self.put_calendar(calendar).await;
        }
        for policy in &vector.policies {
            self.put_policy(policy).await;
        }
        for event in &vector.events {
            self.suite.served.advance_to(event.recorded()).await;
            self.take(event).await;
            self.suite.served.settle().await;
            self.look(&mut seen).await;
        }
        self.suite.served.advance_to(vector.look.0).await;
        self.look(&mut seen).await;
        // What was, is what is explained, and what the journal leads to.
        explaining::check(&mut self.suite, &seen).await;
        let (_, differences) = verify(&self.suite.db, None).await;
        assert_eq!(differences, []);
        let [ticket, other] = self.tickets.clone();
        let found = [self.stand(&ticket).await, self.stand(&other).await];
        (
            found,
            self.suite
                .told()
                .await
                .into_iter()
                .map(|(event, changed)| words(event.occurred_at, &changed))
                .collect(),
        )
    }

    async fn look(&mut self, seen: &mut Vec<explaining::Seen>) {
        let tickets = self.tickets.clone();
        explaining::look(&mut self.suite, &tickets, seen).await;
    }

    /// What intake tells of a merge.
    async fn merge(&mut self, at: Timestamp) {
        let [target, source] = &self.tickets;
        let merged = Body::TicketMerged(journal::TicketMerged {
            into_ticket_id: target.clone(),
        });
        let absorbed = Body::TicketAbsorbed(journal::TicketAbsorbed {
            source_ticket_id: source.clone(),
        });
        let drafts = vec![
            Draft::ticket(source, merged).at(at),
            Draft::ticket(target, absorbed).at(at),
        ];
        self.suite.emit(drafts).await;
    }

    async fn stand(&mut self, ticket: &str) -> Vec<ClockText> {
        let mut found: Vec<_> = self.suite.clocks(ticket).await.iter().map(clock).collect();
        found.sort_by_key(|clock| (clock.metric, clock.cycle));
        found
    }

    async fn put_calendar(&mut self, text: &CalendarText) {
        let content = pure::content(text);
        let preset = match content.preset {
            None => proto::CalendarPreset::Unspecified,
            Some(Preset::Always) => proto::CalendarPreset::Always,
            Some(Preset::Weekdays24h) => proto::CalendarPreset::Weekdays24h,
            Some(Preset::BusinessHours) => proto::CalendarPreset::BusinessHours,
        };
        let shift = |shift: &lotse_calendar::Shift| proto::WeeklyInterval {
            weekday: i32::try_from(shift.day.index()).unwrap() + 1,
            opens: shift.from.to_string(),
            closes: shift.to.to_string(),
        };
        let day = |day: &lotse_calendar::Override| proto::DateOverride {
            date: day.date.to_string(),
            intervals: day
                .hours
                .iter()
                .map(|hours| proto::DayInterval {
                    opens: hours.from.to_string(),
                    closes: hours.to.to_string(),
                })
                .collect(),
            name: day.name.clone(),
        };
        let calendar = proto::Calendar {
            name: text.name.clone(),
            time_zone: text.zone.clone(),
            preset: preset.into(),
            weekly: text.week.iter().map(shift).collect(),
            overrides: text.overrides.iter().map(day).collect(),
            ..Default::default()
        };
        let request = proto::PutCalendarRequest {
            calendar: Some(calendar),
            open_tickets: open_tickets(text.rebase),
            ..Default::default()
        };
        self.suite.client.put_calendar(request).await.unwrap();
    }

    async fn put_policy(&mut self, text: &PolicyText) {
        let target = |target: &super::format::TargetText| proto::Target {
            metric: metric(target.metric).into(),
            priority: target
                .priority
                .map_or(0, |priority| self::priority(priority).into()),
            target: Some(duration_to_proto(std::time::Duration::from_millis(
                target.target.0.unsigned_abs(),
            ))),
            calendar_id: target.calendar.clone().unwrap_or_default(),
        };
        let next = u32::try_from(self.policies.len()).unwrap();
        let position = *self.policies.entry(text.name.clone()).or_insert(next);
        let replies = text.replies.iter().map(|kind| author(*kind).into());
        let ends_at = match text.ends_at {
            ResolutionEnd::Solved => proto::ResolutionEnd::Solved,
            ResolutionEnd::Closed => proto::ResolutionEnd::Closed,
        };
        let policy = proto::Policy {
            name: text.name.clone(),
            position,
            conditions: Some(proto::PolicyConditions {
                priorities: text
                    .priorities
                    .iter()
                    .map(|one| priority(*one).into())
                    .collect(),
                group_ids: text
                    .groups
                    .iter()
                    .map(|group| self.groups.id(group))
                    .collect(),
                languages: text.languages.clone(),
                organisations: text.organisations.clone(),
                ..Default::default()
            }),
            targets: text.targets.iter().map(target).collect(),
            warn_percents: text
                .warn
                .iter()
                .map(|percent| u32::from(*percent))
                .collect(),
            no_warnings: text.warn.is_empty(),
            ends_at: ends_at.into(),
            bot_phase: match text.bot_phase {
                BotPhase::Counts => proto::BotPhase::Counts,
                BotPhase::Excluded => proto::BotPhase::Excluded,
            }
            .into(),
            reply_authors: replies.collect(),
            ..Default::default()
        };
        let request = proto::PutPolicyRequest {
            policy: Some(policy),
            request_id: String::new(),
            open_tickets: open_tickets(text.rebase),
        };
        self.suite.client.put_policy(request).await.unwrap();
    }

    async fn take(&mut self, event: &EventText) {
        let at = event.at.0;
        let public = common::Visibility::Public;
        let body = match &event.what {
            What::Created(of) => match created(priority(*of), common::Channel::Email) {
                Body::TicketCreated(created) => Body::TicketCreated(journal::TicketCreated {
                    language: event.language.clone(),
                    organisation_key: lotse_ids::organisation::key(&event.organisation),
                    ..created
                }),
                other => other,
            },
            What::Status(to) => status(self::to_status(*to), ""),
            What::AgentSets(to) => status(self::to_status(*to), "agt_somebody"),
            What::Reopened(()) => Body::TicketStatusChanged(journal::TicketStatusChanged {
                to: common::TicketStatus::Open.into(),
                change: Change::Reopened.into(),
                // As intake says that a message did it.
                reason: "requester_wrote".to_owned(),
                ..Default::default()
            }),
            What::RequesterWrites {} => message(common::AuthorKind::Requester, public, at),
            What::Reply(kind) => message(author(*kind), public, at),
            What::Note {} => message(common::AuthorKind::Human, common::Visibility::Internal, at),
            What::Priority(to) => Body::TicketUpdated(journal::TicketUpdated {
                changed: vec!["priority".to_owned()],
                priority: priority(*to).into(),
                ..Default::default()
            }),
            What::Group(group) => Body::TicketAssigned(journal::TicketAssigned {
                group_id: self.groups.id(group),
                ..Default::default()
            }),
            What::Queued(group) => Body::TicketQueued(journal::TicketQueued {
                group_id: self.groups.id(group),
                ..Default::default()
            }),
            What::PickedUp(group) => Body::TicketAssigned(journal::TicketAssigned {
                group_id: self.groups.id(group),
                agent_id: "agt_somebody".to_owned(),
                ..Default::default()
            }),
            What::Transfer(group) => Body::TicketTransferred(journal::TicketTransferred {
                to_group_id: self.groups.id(group),
                ..Default::default()
            }),
            What::TransferToAgent(group) => Body::TicketTransferred(journal::TicketTransferred {
                to_group_id: self.groups.id(group),
                to_agent_id: "agt_somebody".to_owned(),
                ..Default::default()
            }),
            What::Escalate(group) => Body::TicketEscalated(journal::TicketEscalated {
                to_group_id: self.groups.id(group),
                ..Default::default()
            }),
            What::Released(()) => Body::TicketReleased(journal::TicketReleased::default()),
            What::Merge {} => return self.merge(at).await,
            What::PutPolicy(policy) => return self.put_policy(policy).await,
            What::PutCalendar(calendar) => return self.put_calendar(calendar).await,
        };
        let mut draft = Draft::ticket(&self.tickets[usize::from(event.other)], body);
        // A requester's message that was worked on late has its own time; the event has the later
        // one. Everything else that is late was said to have happened then.
        if !matches!(event.what, What::RequesterWrites {}) {
            draft = draft.at(at);
        }
        self.suite.emit(vec![draft]).await;
    }
}

fn open_tickets(rebase: bool) -> i32 {
    if rebase {
        proto::OpenTickets::RebaseOpen.into()
    } else {
        proto::OpenTickets::Unspecified.into()
    }
}

fn clock(clock: &proto::Clock) -> ClockText {
    let at =
        |at: &Option<prost_types::Timestamp>| at.as_ref().map(|at| At(from_proto(at).unwrap()));
    let span = |span: &Option<prost_types::Duration>| {
        let span = duration_from_proto(span.as_ref().unwrap()).unwrap();
        Span(i64::try_from(span.as_millis()).unwrap())
    };
    ClockText {
        metric: code(
            clock.metric().as_str_name(),
            "SLA_METRIC_",
            Metric::from_code,
        ),
        cycle: clock.cycle,
        state: code(
            clock.state().as_str_name(),
            "CLOCK_STATE_",
            State::from_code,
        ),
        reason: Reason::from_code(&clock.reason).unwrap(),
        target: span(&clock.target),
        used: span(&clock.consumed),
        started: at(&clock.started_at).unwrap(),
        due: at(&clock.due_at),
        breached: at(&clock.breached_at),
        fulfilled: at(&clock.fulfilled_at),
        cancelled: at(&clock.cancelled_at),
        warned: u8::try_from(clock.warned_percent).unwrap(),
    }
}

/// The domain's value of the same name.
fn code<T>(name: &str, prefix: &str, of_code: fn(&str) -> Option<T>) -> T {
    let code = name.strip_prefix(prefix).unwrap().to_lowercase();
    of_code(&code).unwrap()
}

fn words(at: Timestamp, changed: &journal::ClockChanged) -> String {
    let at = At(at);
    let metric = code(
        changed.metric().as_str_name(),
        "SLA_METRIC_",
        Metric::from_code,
    )
    .code();
    let transition = match changed.transition() {
        Transition::Warned => format!("Warned({})", changed.warned_percent),
        other => format!("{other:?}"),
    };
    let journal::ClockChanged { cycle, reason, .. } = changed;
    format!("{at:?} {metric} {cycle} {transition} {reason}")
        .trim_end()
        .to_owned()
}

fn metric(of: Metric) -> common::SlaMetric {
    named("SLA_METRIC_", of.code(), common::SlaMetric::from_str_name)
}

fn priority(of: Priority) -> common::Priority {
    named("PRIORITY_", of.code(), common::Priority::from_str_name)
}

fn author(of: Author) -> common::AuthorKind {
    named("AUTHOR_KIND_", of.code(), common::AuthorKind::from_str_name)
}

fn to_status(of: Status) -> common::TicketStatus {
    named(
        "TICKET_STATUS_",
        of.code(),
        common::TicketStatus::from_str_name,
    )
}

/// The wire's value of the same name: by its name, so that a table of ours cannot be wrong twice.
fn named<T>(prefix: &str, code: &str, of_name: fn(&str) -> Option<T>) -> T {
    of_name(&format!("{prefix}{}", code.to_uppercase())).unwrap()
}
