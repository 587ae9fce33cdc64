//! Names, addresses and texts stay in intake's own tables.

use lotse_proto::common::v1::AuthorKind;
use lotse_proto::intake::v1::create_ticket_request::Requester;
use lotse_proto::intake::v1::*;
use lotse_testkit::TestDb;
use sea_orm::{ConnectionTrait as _, Statement};

use crate::support::{Suite, mail, message, migrations};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn journal_and_stored_answers_hold_no_words(db: TestDb) {
        let suite = Suite::new(&db).await;
        let request = CreateTicketRequest {
            request_id: "c".to_owned(),
            requester: Some(Requester::RequesterProfile(RequesterProfile {
                email: "secret@example.com".to_owned(),
                name: "secret name".to_owned(),
                organisation: "secret organisation".to_owned(),
                ..RequesterProfile::default()
            })),
            body: "secret body".to_owned(),
            ..mail("secret subject")
        };
        let ticket = suite.create(request).await;
        let said = AddMessageRequest { request_id: "m".to_owned(), ..message(&ticket.id, AuthorKind::Human, "secret reply") };
        suite.tickets().add_message(said).await.unwrap();
        let solve = SolveTicketRequest {
            request_id: "s".to_owned(),
            ticket_id: ticket.id.clone(),
            ..SolveTicketRequest::default()
        };
        suite.tickets().solve_ticket(solve).await.unwrap();
        let conn = db.reader();
        let mut looked = 0;
        for sql in ["SELECT payload FROM journal", "SELECT response FROM commands"] {
            let rows = conn.query_all_raw(Statement::from_string(conn.get_database_backend(), sql)).await.unwrap();
            for row in rows {
                let bytes: Vec<u8> = row.try_get_by(0).unwrap();
                assert!(!String::from_utf8_lossy(&bytes).contains("secret"), "{sql}");
                looked += 1;
            }
        }
        // Created, two messages, taken up, solved; and three answers.
        assert_eq!(looked, 8);
    }
}
