//! Replies of those who learn, by what routing has told: routing itself is not there.

use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_errors::ErrorReason;
use lotse_ids::{AgentId, GroupId};
use lotse_journal::{Body, Draft, Origin};
use lotse_proto::common::v1::{AuthorKind, Visibility};
use lotse_proto::intake::v1::*;
use lotse_proto::journal::v1 as journal;
use lotse_testkit::TestDb;
use tonic::Status;

use crate::support::{START, Suite, at, mail, message, migrations, reason};

const HOUR: Duration = Duration::from_secs(3_600);

/// A ticket of a group where Sam learns from Mona.
struct Lesson {
    suite: Suite,
    group: String,
    sam: String,
    mona: String,
    ticket: String,
}

impl Lesson {
    /// Sam learns for an hour.
    async fn new(db: &TestDb) -> Self {
        let suite = Suite::new(db).await;
        let ticket = suite.create(mail("Help")).await.id;
        let lesson = Self {
            group: GroupId::generate(START).into(),
            sam: AgentId::generate(START).into(),
            mona: AgentId::generate(START).into(),
            suite,
            ticket,
        };
        let assigned = journal::TicketAssigned {
            group_id: lesson.group.clone(),
            ..journal::TicketAssigned::default()
        };
        let assigned = Draft::ticket(&lesson.ticket, Body::TicketAssigned(assigned));
        let learns = lesson.learns(Some(START), Some(START + HOUR));
        lesson.tell(vec![assigned, learns]).await;
        lesson.suite.pass(Duration::from_secs(1)).await;
        lesson
    }

    fn learns(&self, from: Option<Timestamp>, until: Option<Timestamp>) -> Draft {
        let sam = journal::Supervised {
            agent_id: self.sam.clone(),
            mentor_agent_id: self.mona.clone(),
            from: from.and_then(at),
            until: until.and_then(at),
        };
        self.supervised(vec![sam])
    }

    fn supervised(&self, supervised: Vec<journal::Supervised>) -> Draft {
        let group_id = self.group.clone();
        let changed = journal::SupervisionChanged {
            group_id,
            supervised,
        };
        Draft::resource(&self.group, Body::SupervisionChanged(changed))
    }

    fn reviewed(&self, note: &str, state: &str) -> Draft {
        let told = journal::ReplyReviewed {
            message_id: note.to_owned(),
            agent_id: self.sam.clone(),
            mentor_agent_id: self.mona.clone(),
            state: state.to_owned(),
        };
        Draft::ticket(&self.ticket, Body::ReplyReviewed(told))
    }

    /// As routing would journal it.
    async fn tell(&self, drafts: Vec<Draft>) {
        let origin = Origin {
            principal: "routing".to_owned(),
            cause: "test".to_owned(),
        };
        let done = self.suite.journal.in_tx(&origin, |tx| {
            let drafts = drafts.clone();
            async move {
                drafts.into_iter().for_each(|draft| tx.emit(draft));
                Ok::<_, sea_orm::DbErr>(())
            }
        });
        done.await.unwrap();
    }

    fn reply(&self, agent: &str, note: &str) -> AddMessageRequest {
        let author = Author {
            kind: AuthorKind::Human.into(),
            id: agent.to_owned(),
        };
        AddMessageRequest {
            author: Some(author),
            approved_note_id: note.to_owned(),
            ..message(&self.ticket, AuthorKind::Human, "Please wait.")
        }
    }

    async fn say(&self, message: AddMessageRequest) -> Result<Message, Status> {
        let added = self.suite.tickets().add_message(message).await?;
        Ok(added.into_inner().message.unwrap())
    }

    #[track_caller]
    fn refused(answer: Result<Message, Status>) {
        assert_eq!(reason(&answer.unwrap_err()), ErrorReason::ReplyNotApproved);
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn an_approval_counts_from_the_instant_it_is_journaled_and_once(db: TestDb) {
        let lesson = Lesson::new(&db).await;
        let note = AddMessageRequest {
            visibility: Visibility::Internal.into(),
            ..lesson.reply(&lesson.sam, "")
        };
        let note = lesson.say(note).await.unwrap().id;
        for state in ["pending", "declined"] {
            lesson.tell(vec![lesson.reviewed(&note, state)]).await;
            Lesson::refused(lesson.say(lesson.reply(&lesson.sam, &note)).await);
        }
        lesson.tell(vec![lesson.reviewed(&note, "approved")]).await;
        // Who needs none uses up nobody's.
        let other = AgentId::generate(START).to_string();
        lesson.say(lesson.reply(&other, &note)).await.unwrap();
        lesson.say(lesson.reply(&lesson.sam, &note)).await.unwrap();
        Lesson::refused(lesson.say(lesson.reply(&lesson.sam, &note)).await);
    }

    async fn who_learns_is_what_was_told_last_and_for_as_long_as_it_says(db: TestDb) {
        let lesson = Lesson::new(&db).await;
        let reply = || lesson.reply(&lesson.sam, "");
        Lesson::refused(lesson.say(reply()).await);
        lesson.suite.pass(HOUR).await;
        lesson.say(reply()).await.unwrap();
        lesson.tell(vec![lesson.learns(None, None)]).await;
        lesson.suite.pass(HOUR).await;
        Lesson::refused(lesson.say(reply()).await);
        // What is told afterwards was said already.
        let past = AddMessageRequest { occurred_at: at(START + HOUR), ..reply() };
        lesson.say(past).await.unwrap();
        lesson.tell(vec![lesson.supervised(Vec::new())]).await;
        lesson.suite.pass(HOUR).await;
        lesson.say(reply()).await.unwrap();
    }
}
