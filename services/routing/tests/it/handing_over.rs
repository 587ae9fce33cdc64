//! The turns of a rota, and what is left for them.

use lotse_clock::Timestamp;
use lotse_errors::ErrorReason;
use lotse_journal::Body;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::who_is_on_duty_request::Duty;
use lotse_proto::time::{from_proto, to_proto};
use lotse_testkit::TestDb;
use tonic::{Response, Status};

use crate::duty::{HOUR, daily, instead, rota};
use crate::stage::{Stage, agent, migrations, reason};

impl Stage {
    async fn turns(
        &self,
        from: Timestamp,
        hours: u32,
        (page_size, page_token): (i32, &str),
    ) -> Result<proto::ListTurnsResponse, Status> {
        let request = proto::ListTurnsRequest {
            rota_id: "desk".to_owned(),
            from: Some(to_proto(from)),
            until: Some(to_proto(from + HOUR * hours)),
            page_size,
            page_token: page_token.to_owned(),
        };
        let listed = self.duty().list_turns(request).await;
        listed.map(Response::into_inner)
    }

    async fn leave(
        &self,
        note: proto::PutHandOverNoteRequest,
    ) -> Result<proto::HandOverNote, Status> {
        let note = proto::PutHandOverNoteRequest {
            rota_id: "desk".to_owned(),
            ..note
        };
        let put = self.duty().put_hand_over_note(note).await?;
        Ok(put.into_inner().note.unwrap())
    }

    /// Anna and Bruno change daily at nine in the desk, Sam learns from Anna, and Bruno is always in
    /// the second layer.
    async fn pair_on_duty(&self) {
        let group = self.group("desk", 1).await;
        for name in ["Anna", "Bruno", "Otto", "Sam"] {
            self.agent(agent(name, &group, 1)).await;
        }
        let mut first = daily("first", &["Anna", "Bruno"]);
        first.shadow = Some(proto::Shadow {
            agent_id: "Sam".to_owned(),
            mentor_agent_id: "Anna".to_owned(),
            approval_wanted: false,
        });
        let both = vec![first, daily("second", &["Bruno"])];
        self.put_rota(rota("desk", both)).await.unwrap();
    }

    /// The note that is shown with whoever is on duty in the first layer.
    async fn shown(&self) -> String {
        let told = self
            .ask(Duty::RotaId("desk".to_owned()), None)
            .await
            .on_duty;
        told[0]
            .hand_over_note
            .as_ref()
            .map(|note| note.text.clone())
            .unwrap_or_default()
    }
}

fn by(agent: &str, text: &str) -> proto::PutHandOverNoteRequest {
    proto::PutHandOverNoteRequest {
        agent_id: agent.to_owned(),
        text: text.to_owned(),
        ..Default::default()
    }
}

fn begins(turn: &proto::OnDuty) -> Timestamp {
    from_proto(turn.from.as_ref().unwrap()).unwrap()
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn turns_say_who_from_when_to_when_and_why(db: TestDb) {
        let stage = Stage::new(db).await;
        stage.pair_on_duty().await;
        let now = stage.clock.now();
        // For two hours Otto stands in for Bruno, who has both layers now.
        stage.put_override(instead("desk", "Otto", "Bruno", now, 2)).await.unwrap();
        let all = stage.turns(now, 72, (0, "")).await.unwrap();
        assert_eq!((all.rota_id.as_str(), all.next_page_token.as_str()), (told_rota(&stage).await.as_str(), ""));
        let first: Vec<_> = all.turns.iter().filter(|turn| turn.layer == "first").collect();
        let sources: Vec<_> = first.iter().map(|turn| turn.source()).collect();
        let (rota, exception) = (proto::DutySource::Rota, proto::DutySource::Override);
        assert_eq!(sources, [exception, rota, rota, rota, rota]);
        assert!(!first[0].override_id.is_empty() && first[1].override_id.is_empty());
        assert_eq!(first[0].until, first[1].from, "they tile time");
        assert!(first.iter().all(|turn| turn.shadow.is_some()), "{first:?}");
        // Who is in two layers at once is listed in both.
        assert_eq!(all.turns.len(), 2 * first.len());
        // What an instant says stands in the list.
        let at = stage.ask(Duty::RotaId("desk".to_owned()), Some(now + HOUR * 30)).await;
        assert!(all.turns.contains(&at.on_duty[0]), "{:?}", at.on_duty);

        let mut paged = Vec::new();
        let mut token = String::new();
        loop {
            let page = stage.turns(now, 72, (2, &token)).await.unwrap();
            assert!(page.turns.len() <= 2);
            paged.extend(page.turns);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(paged, all.turns);
        let begin: Vec<_> = paged.iter().map(begins).collect();
        assert!(begin.is_sorted(), "{begin:?}");
        for (hours, page) in [(93 * 24, ""), (0, ""), (72, "x")] {
            let refused = reason(stage.turns(now, hours, (0, page)).await);
            let expected = if page.is_empty() { ErrorReason::InvalidField } else { ErrorReason::InvalidPageToken };
            assert_eq!(refused, expected);
        }
    }

    async fn a_note_is_shown_to_whoever_comes_next(db: TestDb) {
        let stage = Stage::new(db).await;
        stage.pair_on_duty().await;
        let told = stage.ask(Duty::RotaId("desk".to_owned()), None).await.on_duty;
        let (goes, comes) = (&told[0].agent_id, &told[0].next_agent_id);
        let first = proto::PutHandOverNoteRequest { request_id: "n".to_owned(), ..by(goes, "The mail server\nis slow.") };
        let note = stage.leave(first.clone()).await.unwrap();
        assert_eq!(stage.leave(first).await.unwrap(), note, "once per request id");
        assert_eq!((note.version, &note.layer, &note.agent_id), (1, &"first".to_owned(), goes));
        assert_eq!(note.turn_begins_at, told[0].until);
        assert_eq!(stage.shown().await, "", "it is not for this turn");
        let stale = proto::PutHandOverNoteRequest { etag: "stale".to_owned(), ..by(goes, "fast again") };
        assert_eq!(reason(stage.leave(stale).await), ErrorReason::StaleEtag);
        let changed = proto::PutHandOverNoteRequest { etag: note.etag.clone(), ..by(goes, "fast again") };
        let note = stage.leave(changed).await.unwrap();
        assert_eq!(note.version, 2);
        // The same again changes nothing.
        assert_eq!(stage.leave(by(goes, "fast again")).await.unwrap(), note);
        assert_eq!(stage.notes_told().await, [1, 2]);

        stage.suite.advance_to(begins_at(&note)).await;
        assert_eq!(stage.shown().await, "fast again");
        // Whoever has gone may still add to it.
        stage.leave(by(goes, "fast again, I think")).await.unwrap();
        assert_eq!(stage.shown().await, "fast again, I think");
        let listed = stage.turns(begins_at(&note), 1, (0, "")).await.unwrap().turns;
        assert_eq!(listed[0].hand_over_note.as_ref().unwrap().version, 3);
        assert_eq!(&listed[0].agent_id, comes);
        stage.suite.advance(HOUR * 24).await;
        assert_eq!(stage.shown().await, "", "a day later it is old");
    }

    async fn only_whoever_hands_over_leaves_a_note(db: TestDb) {
        let stage = Stage::new(db).await;
        stage.pair_on_duty().await;
        let told = stage.ask(Duty::RotaId("desk".to_owned()), None).await.on_duty;
        let goes = &told[0].agent_id;
        let long = "x".repeat(4_097);
        for wrong in [
            by("Sam", "I only learn"),
            by(goes, ""),
            by(goes, &long),
            proto::PutHandOverNoteRequest { layer: "third".to_owned(), ..by(goes, "hello") },
        ] {
            assert_eq!(reason(stage.leave(wrong.clone()).await), ErrorReason::InvalidField, "{wrong:?}");
        }
        let nowhere = proto::PutHandOverNoteRequest { rota_id: "no rota".to_owned(), ..by(goes, "hello") };
        for missing in [nowhere, proto::PutHandOverNoteRequest { rota_id: "desk".to_owned(), ..by("nobody", "hello") }] {
            let refused = stage.duty().put_hand_over_note(missing).await;
            assert_eq!(reason(refused), ErrorReason::ResourceNotFound);
        }
        assert_eq!(stage.notes_told().await, [0; 0]);
    }
}

async fn told_rota(stage: &Stage) -> String {
    stage
        .ask(Duty::RotaId("desk".to_owned()), None)
        .await
        .rota_id
}

fn begins_at(note: &proto::HandOverNote) -> Timestamp {
    from_proto(note.turn_begins_at.as_ref().unwrap()).unwrap()
}

impl Stage {
    /// The versions of notes, as journaled.
    async fn notes_told(&self) -> Vec<u32> {
        let events = self.all_events().await.into_iter();
        let told = events.filter_map(|event| match event.body {
            Body::ConfigurationChanged(changed) if changed.kind == "hand_over_note" => {
                Some(changed.version)
            }
            _ => None,
        });
        let mut told: Vec<u32> = told.collect();
        told.sort_unstable();
        told
    }
}
