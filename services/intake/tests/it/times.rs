//! When things happened, as callers say.

use std::time::Duration;

use lotse_auth::{Authenticator, Claims, KeySource, LocalKey, TokenConfig};
use lotse_clock::{BusinessClock, SystemClock};
use lotse_errors::ErrorReason;
use lotse_grpc::Server;
use lotse_intake::Config;
use lotse_proto::common::v1::TicketStatus;
use lotse_proto::intake::v1::ticket_service_client::TicketServiceClient;
use lotse_proto::intake::v1::*;
use lotse_testkit::TestDb;
use tonic::{Code, Request};

use crate::support::{DAY, START, Suite, at, changes, fields, mail, migrations, reason, service};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn the_past_is_believed_and_journaled_as_such(db: TestDb) {
        let suite = Suite::new(&db).await;
        let opened = START - 2 * DAY;
        let ticket = suite.create(CreateTicketRequest { occurred_at: at(opened), ..mail("From the archive") }).await;
        assert_eq!(ticket.created_at, at(opened));
        assert_eq!(ticket.updated_at, at(START));
        let solved = SolveTicketRequest {
            ticket_id: ticket.id.clone(),
            occurred_at: at(START - DAY),
            ..SolveTicketRequest::default()
        };
        let solved = suite.tickets().solve_ticket(solved).await.unwrap().into_inner().ticket.unwrap();
        assert_eq!(solved.solved_at, at(START - DAY));
        let events = suite.history(&ticket.id).await;
        assert_eq!(events[0].occurred_at, at(opened));
        assert_eq!(events[0].recorded_at, at(START));
        assert_eq!(changes(&events), [(TicketStatus::New, TicketStatus::Solved, -86_400_000)]);
    }

    async fn the_future_and_what_was_before_the_ticket_are_refused(db: TestDb) {
        let suite = Suite::new(&db).await;
        let soon = at(START + Duration::from_millis(1));
        let refused = suite.try_create(CreateTicketRequest { occurred_at: soon, ..mail("Tomorrow") }).await.unwrap_err();
        assert_eq!(fields(&refused), [("occurred_at".to_owned(), "must not be in the future".to_owned())]);
        let ticket = suite.create(mail("Today")).await;
        let before = SolveTicketRequest {
            ticket_id: ticket.id,
            occurred_at: at(START - DAY),
            ..SolveTicketRequest::default()
        };
        let refused = suite.tickets().solve_ticket(before).await.unwrap_err();
        assert_eq!(fields(&refused)[0].0, "occurred_at");
        let composed = CreateTicketRequest { composed_at: at(START + DAY), body: "x".to_owned(), ..mail("Mail") };
        assert_eq!(fields(&suite.try_create(composed).await.unwrap_err())[0].0, "composed_at");
    }

    async fn the_past_and_reopening_what_is_closed_need_the_import_scope(db: TestDb) {
        let folder = tempfile::tempdir().unwrap();
        let key = LocalKey::generate().unwrap();
        let path = folder.path().join("jwks.json");
        std::fs::write(&path, key.jwks()).unwrap();
        let auth = Authenticator::tokens(TokenConfig::new(KeySource::File(path), "lotse"));
        let clock = BusinessClock::manual(START);
        let (service, _journal) = service(&db, &clock, Config::default()).await;
        let server = Server::new(lotse_grpc::Config::default(), auth, vec![service]).unwrap();
        server.readiness().set_all(true);
        let mut tickets = TicketServiceClient::new(server.stack());
        let claims = Claims {
            subject: "helpdesk".to_owned(),
            audience: "lotse".to_owned(),
            issuer: None,
            scopes: vec!["tickets.write".to_owned()],
            agent_id: None,
            lifetime: Duration::from_secs(60),
        };
        let token = key.mint(&claims, SystemClock.now()).unwrap();
        fn bearing<T>(token: &str, message: T) -> Request<T> {
            let mut request = Request::new(message);
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
            request
        }

        let past = CreateTicketRequest { occurred_at: at(START - DAY), ..mail("Yesterday") };
        let refused = tickets.create_ticket(bearing(&token, past)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, ErrorReason::PastTimeNotAllowed));

        let now = CreateTicketRequest { occurred_at: at(START), ..mail("Right now") };
        let ticket = tickets.create_ticket(bearing(&token, now)).await.unwrap().into_inner().ticket.unwrap();
        let ticket_id = ticket.id;
        let solve = SolveTicketRequest { ticket_id: ticket_id.clone(), ..SolveTicketRequest::default() };
        tickets.solve_ticket(bearing(&token, solve)).await.unwrap();
        let close = CloseTicketRequest { ticket_id: ticket_id.clone(), ..CloseTicketRequest::default() };
        tickets.close_ticket(bearing(&token, close)).await.unwrap();
        let reopen = ReopenTicketRequest { ticket_id, ..ReopenTicketRequest::default() };
        let refused = tickets.reopen_ticket(bearing(&token, reopen)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, ErrorReason::IllegalTransition));
    }
}
