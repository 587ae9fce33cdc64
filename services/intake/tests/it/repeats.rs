//! The same request again.

use lotse_proto::intake::v1::*;
use lotse_testkit::TestDb;

use crate::support::{DAY, Suite, from, mail, migrations};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn the_same_request_after_a_solution_is_linked_and_counted(db: TestDb) {
        let suite = Suite::new(&db).await;
        let vpn = |subject: &str| CreateTicketRequest { category: "vpn".to_owned(), ..mail(subject) };
        let first = suite.create(vpn("Cannot connect")).await;
        let open = suite.create(vpn("Cannot connect either")).await;
        assert_eq!(open.repeat_of, "", "the first is not solved yet");
        suite.does("solve", &first.id).await;
        suite.pass(DAY).await;
        let second = suite.create(vpn("Something else entirely")).await;
        assert_eq!((second.repeat_of.as_str(), second.repeat_count), (first.id.as_str(), 1), "by category");
        suite.does("solve", &second.id).await;
        let third = suite.create(mail("Entirely something else")).await;
        assert_eq!((third.repeat_of.as_str(), third.repeat_count), (second.id.as_str(), 2), "by subject");
        let bob = suite.create(CreateTicketRequest { requester: Some(from("bob")), ..vpn("Cannot connect") }).await;
        assert_eq!(bob.repeat_of, "", "another requester");
        suite.pass(15 * DAY).await;
        let late = suite.create(vpn("Cannot connect")).await;
        assert_eq!(late.repeat_of, "", "too long ago");
    }
}
