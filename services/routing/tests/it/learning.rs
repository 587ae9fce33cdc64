//! Learning where tickets end up: from the journal to models and suggestions, and on bad days.

use std::time::Duration;

use futures::future::join_all;
use lotse_errors::ErrorReason;
use lotse_ids::GroupId;
use lotse_journal::Body;
use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as proto;
use lotse_routing::{Reroute, WordSecret};
use lotse_testkit::{Backend, TestDb, eventually};
use sea_orm::ConnectionTrait as _;

use crate::school::{School, TONER, TUNNEL, config};
use crate::stage::{agent, created, migrations, new_ticket, reason};

lotse_testkit::on_both_databases! {
    migrations = migrations;

    async fn a_model_is_fitted_from_the_journal_measured_and_explains_itself(db: TestDb) {
        let school = School::new(db, config()).await;
        school.by_category(15).await;
        school.refit().await;
        assert_eq!(school.models().await, [], "too few to learn from");
        school.by_category(25).await;
        // A label of the past, which is no group here.
        let unknown = GroupId::generate(school.clock.now()).to_string();
        school.history(&unknown, "vpn", "").await;
        school.refit().await;
        let [model] = <[_; 1]>::try_from(school.models().await).unwrap();
        assert!(model.in_force, "{model:?}");
        assert_eq!((model.version, model.verdict()), (1, proto::ModelVerdict::Accepted));
        assert_eq!((model.examples, model.groups, model.examples_with_words), (80, 2, 80));
        let intake = model.intake.unwrap();
        assert!(intake.tickets >= 8 && intake.wrong_first < 0.01, "{intake:?}");
        assert_eq!(intake.reliability.iter().map(|bin| bin.tickets).sum::<u64>(), intake.tickets);

        let ticket = school.new_one("vpn", "").await;
        let advice = school.advice(&ticket).await;
        assert_eq!(advice.certainty(), proto::AdviceCertainty::Confident);
        assert_eq!(advice.groups[0].group_id, school.network);
        assert!(advice.groups[0].probability > 0.8, "{advice:?}");
        assert_eq!(advice.groups[0].features[0].name, "category = vpn");
        let sentence = &advice.words[0];
        assert!(sentence.starts_with("Model 1 gives group \"network\" (tier 1) 0."), "{sentence}");
        assert!(sentence.contains("because category = vpn (+"), "{sentence}");
        let events = school.all_events().await.into_iter();
        let told = events.filter(|event| match &event.body {
            Body::ConfigurationChanged(changed) => changed.kind == "routing_model",
            _ => false,
        });
        assert_eq!(told.count(), 1);
    }

    async fn words_tell_groups_apart_and_are_kept_as_nothing_but_hashes(db: TestDb) {
        let school = School::new(db, config()).await;
        school.by_words(30).await;
        school.refit().await;
        let ticket = school.new_one("other", "my tunnel collapses again").await;
        let advice = school.advice(&ticket).await;
        assert_eq!((advice.text(), &advice.groups[0].group_id), (proto::AdviceText::Read, &school.network));
        let names: Vec<_> = advice.groups[0].features.iter().map(|one| one.name.as_str()).collect();
        let spelt = |name: &&str| ["word \"", "letters \""].iter().any(|begin| name.starts_with(begin));
        assert!(names.iter().all(spelt), "{names:?}");
        // Erased since: the words are gone with the text.
        school.intake.lock().texts.remove(&ticket);
        let after = school.advice(&ticket).await;
        assert!(after.groups[0].features.iter().all(|one| !one.name.contains('"')), "{after:?}");
        assert_eq!(after.text(), proto::AdviceText::Unused);
        for (table, column) in [("routing_examples", "words"), ("routing_models", "intake")] {
            let sql = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
            let conn = school.db.db();
            let conn = conn.reader();
            let rows = conn.query_all_raw(sea_orm::Statement::from_string(conn.get_database_backend(), sql));
            let rows = rows.await.unwrap();
            assert!(!rows.is_empty());
            for row in rows {
                let bytes: Vec<u8> = row.try_get_by(0).unwrap();
                let told = bytes.windows(6).any(|window| window == b"tunnel");
                assert!(!told, "{table} tells a word");
            }
        }
    }

    async fn words_of_an_erased_ticket_are_forgotten_for_good(db: TestDb) {
        let school = School::new(db, config()).await;
        let erased = school.history(&school.network, "vpn", TUNNEL).await;
        let kept = school.history(&school.print, "printer", TONER).await;
        school.suite.settle().await;
        assert!(school.has_words(&erased).await && school.has_words(&kept).await);
        // Told twice, as by two erasures.
        let gone = || Body::TicketErased(journal::TicketErased { messages: 1 });
        school.journal(&erased, vec![gone(), gone()]).await;
        school.suite.settle().await;
        assert!(!school.has_words(&erased).await);
        // Read from the beginning, and intake still tells the text: a stale replica of it.
        let forget = |tx: lotse_db::Tx| async move {
            tx.execute_unprepared("DELETE FROM routing_examples").await.map(drop)
        };
        school.journal.rewind("routing_learning", forget).await.unwrap();
        school.suite.settle().await;
        assert!(!school.has_words(&erased).await);
        assert!(school.has_words(&kept).await, "the others are read again");
        // Another secret makes everything be read again, but not what was erased.
        let mut secret = config();
        secret.learning.word_secret = WordSecret::new("another secret of thirty-two bytes or more");
        let other = school.another(secret).await;
        other.suite.settle().await;
        assert!(!school.has_words(&erased).await && school.has_words(&kept).await);
    }

    async fn without_intake_there_are_models_and_advice_all_the_same(db: TestDb) {
        let school = School::new(db, config()).await;
        school.intake.lock().away = true;
        school.by_category(30).await;
        school.refit().await;
        let ticket = school.new_one("printer", TONER).await;
        let advice = school.advice(&ticket).await;
        assert_eq!((advice.text(), &advice.groups[0].group_id), (proto::AdviceText::Away, &school.print));
        assert!(advice.words.iter().any(|words| words.contains("Intake did not answer")), "{advice:?}");
        assert_eq!(school.models().await[0].examples_with_words, 0);
        // When it answers again, what was missed is read.
        school.intake.lock().away = false;
        school.suite.settle().await;
        school.refit().await;
        assert_eq!(school.models().await[0].examples_with_words, 60);
    }

    async fn two_who_are_asked_for_a_model_at_once_make_one(db: TestDb) {
        let school = School::new(db, config()).await;
        school.by_category(30).await;
        school.suite.settle().await;
        let other = school.another(config()).await;
        other.suite.settle().await;
        school.learning().refit_model(proto::RefitModelRequest::default()).await.unwrap();
        join_all([&school.replica, &other].map(|replica| replica.suite.settle())).await;
        assert_eq!(other.in_force().await, [2]);
        assert_eq!(school.models().await.len(), 2, "the first one, and one of them");
    }

    async fn a_model_is_due_on_its_schedule(db: TestDb) {
        let school = School::new(db, config()).await;
        school.by_category(30).await;
        school.refit().await;
        let request = proto::ListModelsRequest::default();
        let listed = school.learning().list_models(request).await.unwrap().into_inner();
        let due = lotse_proto::time::from_proto(&listed.next_refit_at.unwrap()).unwrap();
        assert_eq!(due, school.clock.now() + Duration::from_secs(24 * 3_600));
        school.suite.advance_to(due).await;
        assert_eq!(school.in_force().await, [2]);
    }

    async fn a_worse_model_does_not_take_over_unless_it_is_pinned(db: TestDb) {
        let school = School::new(db, config()).await;
        school.by_category(160).await;
        school.refit().await;
        // Whatever they are about, chance decided where they went.
        for n in 0..200 {
            let (group, category) = match n % 4 {
                0 => (&school.network, "vpn"),
                1 => (&school.print, "vpn"),
                2 => (&school.network, "printer"),
                _ => (&school.print, "printer"),
            };
            school.history(group, category, "").await;
        }
        school.refit().await;
        let models = school.models().await;
        assert_eq!(models[0].verdict(), proto::ModelVerdict::Rejected, "{models:?}");
        assert!(models[0].why.contains("against 0.0"), "{models:?}");
        assert_eq!(school.in_force().await, [1]);
        // A person may want it all the same, and take it back by one call.
        assert!(school.pin(2).await.unwrap().pinned);
        assert_eq!(school.in_force().await, [2]);
        assert_eq!(school.pin(0).await.unwrap().version, 1);
        assert_eq!(school.in_force().await, [1]);
        assert_eq!(reason(school.pin(9).await), ErrorReason::ResourceNotFound);
    }

    async fn a_pinned_model_stays(db: TestDb) {
        let school = School::new(db, config()).await;
        school.by_category(30).await;
        school.refit().await;
        school.pin(1).await.unwrap();
        school.refit().await;
        assert_eq!(school.in_force().await, [1]);
        assert_eq!(school.models().await.len(), 2);
        assert_eq!(school.pin(0).await.unwrap().version, 2);
    }

    async fn a_model_that_cannot_be_read_gives_way_to_the_one_before(db: TestDb) {
        let school = School::new(db, config()).await;
        school.by_category(30).await;
        school.refit().await;
        school.refit().await;
        assert_eq!(school.in_force().await, [2]);
        let broken = match school.db.kind() {
            Backend::Postgres => "UPDATE routing_models SET intake = 'x' WHERE version = 2",
            Backend::Sqlite => "UPDATE routing_models SET intake = X'00' WHERE version = 2",
        };
        school.db.db().in_tx(|tx| async move { tx.execute_unprepared(broken).await }).await.unwrap();
        let ticket = school.new_one("vpn", "").await;
        // Nobody has it in memory.
        let other = school.another(config()).await;
        let advice = other.advice(&ticket).await;
        assert_eq!((advice.model_version, &advice.groups[0].group_id), (1, &school.network));
        let models = other.models().await;
        assert_eq!(models[0].verdict(), proto::ModelVerdict::Dropped);
        assert_eq!(reason(other.pin(2).await), ErrorReason::IllegalTransition);
        // And a new one is made.
        other.suite.settle().await;
        assert_eq!(other.in_force().await, [3]);
    }

    async fn another_secret_drops_what_was_learnt_with_the_old_one(db: TestDb) {
        let school = School::new(db, config()).await;
        school.by_words(30).await;
        school.refit().await;
        assert_eq!(school.in_force().await, [1]);
        let mut changed = config();
        changed.learning.word_secret = WordSecret::new("another secret of thirty-two bytes or more");
        let other = school.another(changed).await;
        other.suite.settle().await;
        let models = other.models().await;
        assert_eq!(models.last().unwrap().verdict(), proto::ModelVerdict::Dropped);
        assert_eq!(other.in_force().await, [2], "words were read anew, and a model made");
        assert_eq!(models[0].examples_with_words, 60);
        let ticket = school.new_one("other", "my tunnel collapses again").await;
        // Either of them may be the one who reads of it, and the one before has to let go first.
        let ask = proto::GetSuggestionsRequest { ticket_id: ticket.clone() };
        eventually(Duration::from_secs(60), || async {
            school.suite.settle().await;
            other.suite.settle().await;
            other.learning().get_suggestions(ask.clone()).await
        })
        .await;
        assert_eq!(other.advice(&ticket).await.groups[0].group_id, school.network);
        // Whoever still has the old secret does without words, and breaks nothing.
        let advice = school.advice(&ticket).await;
        assert_eq!(advice.text(), proto::AdviceText::Unused);
        school.suite.settle().await;
        assert_eq!(other.in_force().await, [2]);
    }

    async fn a_wrong_choice_of_a_person_is_doubted_but_not_changed(db: TestDb) {
        let school = School::new(db, config()).await;
        school.by_detour(40).await;
        school.refit().await;
        let ticket = school.new_one("printer", "").await;
        school.assign(&ticket, &school.network, "").await.unwrap();
        school.suite.settle().await;
        let told = school.suggestions(&ticket).await;
        let doubt = told.second_opinion.expect("a second opinion");
        assert_eq!((doubt.model_version, &doubt.groups[0].group_id), (1, &school.print));
        let route = school.route(&ticket).await;
        assert_eq!((&route.group_id, route.transfers), (&school.network, 0));
        // A right one is not doubted.
        let ticket = school.new_one("vpn", "").await;
        school.assign(&ticket, &school.network, "").await.unwrap();
        school.suite.settle().await;
        assert_eq!(school.suggestions(&ticket).await.second_opinion, None);
    }

    async fn a_wrong_choice_is_changed_where_that_is_configured_unless_somebody_has_begun(db: TestDb) {
        let mut automatic = config();
        automatic.learning.reroute = Reroute::Automatic;
        let school = School::new(db, automatic).await;
        school.by_detour(40).await;
        school.refit().await;
        let ticket = school.new_one("printer", "").await;
        school.assign(&ticket, &school.network, "").await.unwrap();
        school.suite.settle().await;
        let route = school.route(&ticket).await;
        assert_eq!((&route.group_id, route.transfers), (&school.print, 1));
        let events = school.events(&ticket).await;
        let moved = events.iter().find_map(|body| match body {
            Body::TicketTransferred(moved) => Some(moved),
            _ => None,
        });
        assert!(moved.is_some_and(|moved| moved.misroute && moved.to_group_id == school.print), "{events:?}");

        let anna = school.online(agent("Anna", &school.network, 5)).await;
        let ticket = new_ticket(school.clock.now());
        let came = journal::TicketCreated { category: "printer".to_owned(), ..created() };
        school.journal(&ticket, vec![Body::TicketCreated(came)]).await;
        school.assign(&ticket, &school.network, &anna).await.unwrap();
        let begun = crate::stage::status(
            lotse_proto::common::v1::TicketStatus::Pending,
            journal::ticket_status_changed::Change::Waited,
        );
        school.journal(&ticket, vec![begun]).await;
        school.suite.settle().await;
        assert_eq!(school.route(&ticket).await.group_id, school.network);
    }
}
