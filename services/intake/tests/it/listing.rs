//! ListTickets: filter, order, pages.

use std::time::Duration;

use lotse_errors::ErrorReason;
use lotse_ids::{AgentId, GroupId};
use lotse_journal::{Body, Draft, Origin};
use lotse_proto::common::v1::{Channel, Priority};
use lotse_proto::intake::v1::*;
use lotse_proto::journal::v1::TicketAssigned;
use lotse_testkit::TestDb;

use crate::support::{START, Suite, fields, from, mail, migrations, reason};

fn numbers(tickets: &[Ticket]) -> Vec<u64> {
    tickets.iter().map(|ticket| ticket.number).collect()
}

/// Five tickets a minute apart; 2 by chat, 3 urgent, 4 solved, 5 from Bob.
async fn five(suite: &Suite) -> Vec<Ticket> {
    let mut tickets = Vec::new();
    for number in 1..=5 {
        let mut request = mail(&format!("Ticket {number}"));
        match number {
            2 => request.channel = Channel::Chat.into(),
            3 => request.priority = Priority::Urgent.into(),
            5 => request.requester = Some(from("bob")),
            _ => {}
        }
        tickets.push(suite.create(request).await);
        suite.pass(Duration::from_secs(60)).await;
    }
    suite.does("solve", &tickets[3].id).await;
    tickets
}

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn filters_and_orders_select(db: TestDb) {
        let suite = Suite::new(&db).await;
        let tickets = five(&suite).await;
        let minute = |minutes: i64| {
            let seconds = START.as_millis() / 1_000 + minutes * 60;
            jiff::Timestamp::from_second(seconds).unwrap().to_string()
        };
        let bob = &tickets[4].requester_id;
        for (filter, wanted) in [
            ("", &[5, 4, 3, 2, 1][..]),
            ("status = NEW", &[5, 3, 2, 1]),
            ("status != NEW", &[4]),
            ("status = SOLVED OR channel = CHAT", &[4, 2]),
            ("status = NEW OR status = SOLVED AND priority = URGENT", &[3]),
            (&format!("requester = {bob}"), &[5]),
            (&format!("requester != {bob} AND number > 2"), &[4, 3]),
            (&format!("created_at >= \"{}\" AND created_at < \"{}\"", minute(1), minute(3)), &[3, 2]),
            ("assignee = \"\"", &[5, 4, 3, 2, 1]),
            ("external_id != \"x\"", &[5, 4, 3, 2, 1]),
            ("category = \"vpn\"", &[]),
        ] {
            assert_eq!(numbers(&suite.list(filter, "").await), wanted, "{filter}");
        }
        assert_eq!(numbers(&suite.list("", "number").await), [1, 2, 3, 4, 5]);
        assert_eq!(numbers(&suite.list("", "updated_at desc").await), [4, 5, 3, 2, 1]);
    }

    async fn who_has_a_ticket_is_learnt_from_routing(db: TestDb) {
        let suite = Suite::new(&db).await;
        let tickets = five(&suite).await;
        let (agent, group) = (AgentId::generate(START).to_string(), GroupId::generate(START).to_string());
        let origin = Origin { principal: "routing".to_owned(), cause: "1:1".to_owned() };
        let body = Body::TicketAssigned(TicketAssigned {
            group_id: group.clone(),
            agent_id: agent.clone(),
            tier: 2,
            ..TicketAssigned::default()
        });
        let (id, draft) = (&tickets[1].id, Draft::ticket(tickets[1].id.clone(), body));
        let emitted = suite.journal.in_tx(&origin, |tx| {
            tx.emit(draft.clone());
            async { Ok::<_, sea_orm::DbErr>(()) }
        });
        emitted.await.unwrap();
        suite.served.settle().await;
        let seen = suite.get(id).await;
        assert_eq!((seen.assignee_id.as_str(), seen.group_id.as_str(), seen.tier), (agent.as_str(), group.as_str(), 2));
        assert_eq!(seen.etag, tickets[1].etag, "a projection is not the ticket's own");
        assert_eq!(numbers(&suite.list(&format!("assignee = {agent}"), "").await), [2]);
        assert_eq!(numbers(&suite.list(&format!("group = {group}"), "").await), [2]);
        assert_eq!(numbers(&suite.list(&format!("assignee != {agent}"), "").await), [5, 4, 3, 1]);
        let solved = suite.does("solve", id).await;
        assert_eq!(solved.assignee_id, agent);
    }

    async fn pages_stay_stable_under_writes(db: TestDb) {
        let suite = Suite::new(&db).await;
        // All at one instant, so that only the number keeps them apart.
        for number in 0..25 {
            suite.create(mail(&format!("Old {number}"))).await;
        }
        for order_by in ["created_at desc", "created_at", "number desc", "updated_at"] {
            let mut seen = Vec::new();
            let mut page_token = String::new();
            loop {
                let request = ListTicketsRequest {
                    page_size: 4,
                    page_token,
                    order_by: order_by.to_owned(),
                    filter: "number <= 25".to_owned(),
                };
                let page = suite.tickets().list_tickets(request).await.unwrap().into_inner();
                seen.extend(numbers(&page.tickets));
                suite.create(mail("New")).await;
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            let mut wanted: Vec<u64> = (1..=25).collect();
            if order_by.ends_with("desc") {
                wanted.reverse();
            }
            assert_eq!(seen, wanted, "{order_by}");
        }
    }

    async fn wrong_filters_orders_and_tokens_are_named(db: TestDb) {
        let suite = Suite::new(&db).await;
        five(&suite).await;
        let list = |filter: &str, order_by: &str, page_token: &str, page_size| {
            let request = ListTicketsRequest {
                filter: filter.to_owned(),
                order_by: order_by.to_owned(),
                page_token: page_token.to_owned(),
                page_size,
            };
            let mut tickets = suite.tickets();
            async move { tickets.list_tickets(request).await.map(tonic::Response::into_inner) }
        };
        let refused = list("colour = red", "size", "", 0).await.unwrap_err();
        let named = fields(&refused);
        assert_eq!(named[0], ("filter".to_owned(), "colour is not a field that can be filtered by".to_owned()));
        assert_eq!(named[1].0, "order_by");
        assert_eq!(fields(&list("", "", "", -1).await.unwrap_err())[0].0, "page_size");
        let page = list("", "", "", 2).await.unwrap();
        for (filter, order_by, token) in [
            ("status = NEW", "", page.next_page_token.as_str()),
            ("", "number", &page.next_page_token),
            ("", "", "nonsense"),
        ] {
            let refused = list(filter, order_by, token, 2).await.unwrap_err();
            assert_eq!(reason(&refused), ErrorReason::InvalidPageToken);
        }
    }
}
