//! UpdateTicket.

use lotse_errors::ErrorReason;
use lotse_proto::common::v1::Priority;
use lotse_proto::intake::v1::*;
use lotse_proto::journal::v1::event::Body;
use lotse_testkit::TestDb;
use prost_types::FieldMask;

use crate::support::{Suite, fields, mail, migrations, reason};

fn update(ticket: Ticket, paths: &[&str]) -> UpdateTicketRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    UpdateTicketRequest {
        ticket: Some(ticket),
        update_mask: Some(FieldMask { paths }),
        ..UpdateTicketRequest::default()
    }
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn only_what_the_mask_names_is_changed(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(CreateTicketRequest {
            attributes: [("impact".to_owned(), "2".to_owned()), ("site".to_owned(), "hq".to_owned())].into(),
            ..mail("To be sorted")
        }).await;
        let wish = Ticket {
            subject: "Not named by the mask".to_owned(),
            priority: Priority::Urgent.into(),
            category: "network".to_owned(),
            attributes: [("impact".to_owned(), "1".to_owned())].into(),
            ..ticket.clone()
        };
        let request = update(wish, &["priority", "category", "attributes.impact", "attributes.site"]);
        let changed = suite.tickets().update_ticket(request.clone()).await.unwrap().into_inner().ticket.unwrap();
        assert_eq!(changed.subject, "To be sorted");
        assert_eq!((changed.priority(), changed.category.as_str()), (Priority::Urgent, "network"));
        assert_eq!(changed.attributes, [("impact".to_owned(), "1".to_owned())].into());
        assert_ne!(changed.etag, ticket.etag);
        assert_eq!(suite.get(&ticket.id).await, changed);
        let event = suite.history(&ticket.id).await.pop().unwrap();
        let Some(Body::TicketUpdated(updated)) = event.body else { panic!("{event:?}") };
        assert_eq!(updated.changed, ["attributes", "category", "priority"]);

        let mut same = request;
        same.ticket.as_mut().unwrap().etag.clone_from(&changed.etag);
        let unchanged = suite.tickets().update_ticket(same).await.unwrap().into_inner().ticket.unwrap();
        assert_eq!(unchanged, changed, "nothing differs, nothing happens");
        assert_eq!(suite.history(&ticket.id).await.len(), 2);
    }

    async fn a_stale_etag_and_a_bad_mask_are_refused(db: TestDb) {
        let suite = Suite::new(&db).await;
        let ticket = suite.create(mail("Seen by two")).await;
        let urgent = Ticket { priority: Priority::Urgent.into(), ..ticket.clone() };
        suite.tickets().update_ticket(update(urgent.clone(), &["priority"])).await.unwrap();
        let refused = suite.tickets().update_ticket(update(urgent.clone(), &["priority"])).await.unwrap_err();
        assert_eq!(reason(&refused), ErrorReason::StaleEtag);
        for paths in [&[][..], &["status"], &["attributes.Bad Key"]] {
            let refused = suite.tickets().update_ticket(update(urgent.clone(), paths)).await.unwrap_err();
            assert_eq!(reason(&refused), ErrorReason::InvalidField, "{paths:?}");
        }
        let long = Ticket { subject: "x".repeat(999), tags: vec!["\u{1}".to_owned()], ..urgent };
        let refused = suite.tickets().update_ticket(update(long, &["subject", "tags"])).await.unwrap_err();
        let named: Vec<String> = fields(&refused).into_iter().map(|(field, _)| field).collect();
        assert_eq!(named, ["ticket.subject", "ticket.tags[0]"]);
    }

    async fn attributes_stay_within_their_number(db: TestDb) {
        let suite = Suite::new(&db).await;
        let attributes = (0..64).map(|key| (format!("k{key}"), "v".to_owned())).collect();
        let ticket = suite.create(CreateTicketRequest { attributes, ..mail("Full of facts") }).await;
        let more = Ticket { attributes: [("one_more".to_owned(), "v".to_owned())].into(), ..ticket };
        let refused = suite.tickets().update_ticket(update(more, &["attributes.one_more"])).await.unwrap_err();
        assert_eq!(fields(&refused)[0].0, "ticket.attributes");
    }
}
