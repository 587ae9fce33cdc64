//! Taking tickets in.

use lotse_errors::ErrorReason;
use lotse_proto::common::v1::{Priority, TicketStatus};
use lotse_proto::intake::v1::create_ticket_request::Requester;
use lotse_proto::intake::v1::get_ticket_request::By;
use lotse_proto::intake::v1::*;
use lotse_proto::journal::v1::event::Body;
use lotse_testkit::TestDb;
use tonic::Code;

use crate::support::{Suite, fields, from, mail, migrations, nowhere, reason};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn what_is_created_is_found_by_both_ids(db: TestDb) {
        let suite = Suite::new(&db).await;
        let request = CreateTicketRequest {
            body: "The printer on floor 3 does not print since this morning.".to_owned(),
            external_id: "INC-1".to_owned(),
            tags: ["b", "a", "b"].map(str::to_owned).to_vec(),
            attributes: [("impact".to_owned(), "2".to_owned())].into(),
            required_skills: vec!["printers".to_owned()],
            ..mail("Printer does not print")
        };
        let ticket = suite.create(request).await;
        assert!(ticket.id.starts_with("tkt_"));
        assert_eq!(ticket.number, 1);
        assert_eq!(ticket.status(), TicketStatus::New);
        assert_eq!(ticket.priority(), Priority::Normal);
        assert_eq!(ticket.tags, ["a", "b"]);
        assert_eq!(ticket.language, "en");
        assert_eq!(ticket.language_basis(), LanguageBasis::Detected);
        assert_eq!(suite.get(&ticket.id).await, ticket);
        let request = GetTicketRequest { by: Some(By::ExternalId("INC-1".to_owned())) };
        let found = suite.tickets().get_ticket(request).await.unwrap().into_inner();
        assert_eq!(found.ticket.unwrap(), ticket);

        let events = suite.history(&ticket.id).await;
        let [created, said] = &events[..] else { panic!("{events:?}") };
        let Some(Body::TicketCreated(created)) = &created.body else { panic!("{created:?}") };
        assert_eq!(created.number, 1);
        assert_eq!(created.requester_id, ticket.requester_id);
        assert_eq!(created.attributes["impact"], "2");
        assert!(matches!(&said.body, Some(Body::MessageAdded(added)) if added.body_bytes == 57));
    }

    async fn a_retry_is_answered_the_same_and_another_body_is_refused(db: TestDb) {
        let suite = Suite::new(&db).await;
        let request = CreateTicketRequest { request_id: "r1".to_owned(), body: "x".to_owned(), ..mail("Once") };
        let first = suite.tickets().create_ticket(request.clone()).await.unwrap().into_inner();
        suite.does("solve", &first.ticket.as_ref().unwrap().id).await;
        let second = suite.tickets().create_ticket(request.clone()).await.unwrap().into_inner();
        assert_eq!(first, second, "the answer is the first one's, whatever has happened since");
        assert_eq!(suite.list("", "").await.len(), 1);

        let other = CreateTicketRequest { subject: "Twice".to_owned(), ..request };
        let refused = suite.try_create(other).await.unwrap_err();
        assert_eq!(refused.code(), Code::AlreadyExists);
        assert_eq!(reason(&refused), ErrorReason::RequestIdReused);
    }

    async fn without_a_request_id_every_call_counts(db: TestDb) {
        let suite = Suite::new(&db).await;
        let (first, second) = (suite.create(mail("A b")).await, suite.create(mail("A b")).await);
        assert_ne!(first.id, second.id);
        assert!(first.number < second.number);
    }

    async fn everything_wrong_is_named_at_once(db: TestDb) {
        let suite = Suite::new(&db).await;
        let request = CreateTicketRequest {
            requester: Some(Requester::RequesterProfile(RequesterProfile {
                email: "Ann".to_owned(),
                language: "english_uk".to_owned(),
                ..RequesterProfile::default()
            })),
            subject: "a\0b".to_owned(),
            body: "bell \u{7}".to_owned(),
            channel: 99,
            language: "?".to_owned(),
            tags: vec![String::new()],
            attributes: [("Bad Key".to_owned(), "x".repeat(257))].into(),
            requested_group_id: "agt_1".to_owned(),
            ..CreateTicketRequest::default()
        };
        let refused = suite.try_create(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(reason(&refused), ErrorReason::InvalidField);
        let mut named: Vec<String> = fields(&refused).into_iter().map(|(field, _)| field).collect();
        named.sort();
        named.dedup();
        assert_eq!(
            named,
            [
                "attributes.Bad Key",
                "body",
                "channel",
                "language",
                "requested_group_id",
                "requester_profile.email",
                "requester_profile.language",
                "subject",
                "tags[0]",
            ]
        );
        assert_eq!(suite.list("", "").await.len(), 0);
    }

    async fn limits_are_in_bytes_and_inclusive(db: TestDb) {
        let suite = Suite::new(&db).await;
        let most = CreateTicketRequest {
            body: "x".repeat(1024 * 1024),
            tags: (0..64).map(|tag| format!("t{tag}")).collect(),
            attributes: (0..64).map(|key| (format!("k{key}"), "v".repeat(256))).collect(),
            ..mail(&"ü".repeat(499))
        };
        suite.create(most.clone()).await;
        let over = CreateTicketRequest {
            subject: "x".repeat(999),
            body: "x".repeat(1024 * 1024 + 1),
            tags: (0..65).map(|tag| format!("t{tag}")).collect(),
            attributes: (0..65).map(|key| (format!("k{key}"), String::new())).collect(),
            ..most
        };
        let refused = suite.try_create(over).await.unwrap_err();
        let named: Vec<String> = fields(&refused).into_iter().map(|(field, _)| field).collect();
        assert_eq!(named, ["subject", "body", "tags", "attributes"]);
    }

    async fn text_is_normalised(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Zu\u{308}rich office")).await;
        assert_eq!(ticket.subject, "Z\u{fc}rich office");
    }

    async fn an_external_id_is_taken_once(db: TestDb) {
        let suite = Suite::new(&db).await;
        let request = CreateTicketRequest { external_id: "INC-1".to_owned(), ..mail("First of two") };
        suite.create(request.clone()).await;
        let refused = suite.try_create(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::AlreadyExists);
        assert_eq!(reason(&refused), ErrorReason::ResourceExists);
    }

    async fn a_requester_is_recognised_and_kept_up_to_date(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ann = |name: &str| {
            Some(Requester::RequesterProfile(RequesterProfile {
                email: "Ann@example.com".to_owned(),
                name: name.to_owned(),
                language: "pt-br".to_owned(),
                ..RequesterProfile::default()
            }))
        };
        let first = suite.create(CreateTicketRequest { requester: ann("Ann"), ..mail("VPN") }).await;
        assert_eq!(first.language, "pt-BR", "too short to detect, so the requester's own");
        assert_eq!(first.language_basis(), LanguageBasis::Requester);
        let second = suite.create(CreateTicketRequest { requester: ann("Anna"), ..mail("Screen") }).await;
        assert_eq!(first.requester_id, second.requester_id);
        let by_id = Some(Requester::RequesterId(first.requester_id.clone()));
        let third = suite.create(CreateTicketRequest { requester: by_id, ..mail("Keyboard") }).await;
        assert_eq!(third.requester_id, first.requester_id);

        let request = GetRequesterRequest { requester_id: first.requester_id };
        let found = suite.requesters().get_requester(request).await.unwrap().into_inner().requester.unwrap();
        assert_eq!((found.name.as_str(), found.email.as_str()), ("Anna", "Ann@example.com"));
    }

    async fn an_unknown_requester_or_ticket_is_not_found(db: TestDb) {
        let suite = Suite::new(&db).await;
        let nobody = nowhere().replace("tkt_", "req_");
        let request = CreateTicketRequest {
            requester: Some(Requester::RequesterId(nobody.clone())),
            ..mail("From nobody")
        };
        let refused = suite.try_create(request).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused)), (Code::NotFound, ErrorReason::ResourceNotFound));
        let request = GetRequesterRequest { requester_id: nobody };
        let refused = suite.requesters().get_requester(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        let request = GetTicketRequest { by: Some(By::TicketId(nowhere())) };
        assert_eq!(suite.tickets().get_ticket(request).await.unwrap_err().code(), Code::NotFound);
        let refused = suite.verb("solve", &nowhere(), "").await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        let request = GetTimelineRequest { ticket_id: nowhere(), ..GetTimelineRequest::default() };
        assert_eq!(suite.tickets().get_timeline(request).await.unwrap_err().code(), Code::NotFound);
        let request = ListMessagesRequest { ticket_id: nowhere(), ..ListMessagesRequest::default() };
        assert_eq!(suite.tickets().list_messages(request).await.unwrap_err().code(), Code::NotFound);
    }

    async fn a_given_language_is_believed_and_a_fragment_is_not_guessed(db: TestDb) {
        let suite = Suite::new(&db).await;
        let given = suite.create(CreateTicketRequest { language: "de-at".to_owned(), ..mail("Printer is broken") }).await;
        assert_eq!((given.language.as_str(), given.language_confidence), ("de-AT", 1.0));
        let short = suite.create(CreateTicketRequest { requester: Some(from("bob")), ..mail("VPN") }).await;
        assert_eq!(short.language, "");
        assert_eq!(short.language_basis(), LanguageBasis::Uncertain);
    }
}
