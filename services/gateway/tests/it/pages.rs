//! The hosted survey page.

use http::StatusCode;
use lotse_gateway::Config;

use crate::stage::{Answer, Stage};

fn stage() -> Stage {
    Stage::new(Config::default())
}

fn told(answer: &Answer, status: StatusCode, words: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(answer.body.contains(words), "{}", answer.body);
}

#[tokio::test]
async fn opening_a_link_never_stores_whatever_it_asks() {
    let stage = stage();
    for path in [
        "/s/open",
        "/s/open?score=5",
        "/s/open?score=5&comment=x&submit=1",
        "/s/open?score=99&score=1",
        "/s/open?score=%ff",
    ] {
        told(&stage.open(path, "en").await, StatusCode::OK, "<form");
    }
    assert!(stage.stored().is_empty());
    let preselected = stage.open("/s/open?score=5", "en").await;
    assert!(
        preselected.body.contains("value=\"5\" checked>"),
        "{}",
        preselected.body
    );
    let off_the_scale = stage.open("/s/open?score=6", "en").await;
    assert!(
        !off_the_scale.body.contains(" checked>"),
        "{}",
        off_the_scale.body
    );
}

#[tokio::test]
async fn a_form_is_stored_once_however_often_it_is_sent() {
    let stage = stage();
    let id = stage.open("/s/open", "en").await.hidden("request_id");
    let form = format!(
        "request_id={id}&language=de&score=4&comment=Gut%0D%0Aund+schnell&resolved_first_contact=yes"
    );
    for _ in 0..2 {
        told(
            &stage.post("/s/open", &form).await,
            StatusCode::OK,
            "Vielen Dank!",
        );
    }
    let stored = stage.stored();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].score, 4);
    assert_eq!(stored[0].comment, "Gut\nund schnell");
    assert_eq!(stored[0].resolved_first_contact, Some(true));
}

#[tokio::test]
async fn a_form_changed_after_going_back_is_a_revision() {
    let stage = stage();
    let id = stage.open("/s/open", "en").await.hidden("request_id");
    stage
        .post("/s/open", &format!("request_id={id}&score=4"))
        .await;
    let changed = stage
        .post("/s/open", &format!("request_id={id}&score=2"))
        .await;
    told(&changed, StatusCode::OK, "Thank you!");
    let scores: Vec<i32> = stage.stored().iter().map(|answer| answer.score).collect();
    assert_eq!(scores, [4, 2]);
    let again = stage.open("/s/open", "en").await;
    told(&again, StatusCode::OK, "You have answered already.");
    assert!(
        again.body.contains("value=\"2\" checked>"),
        "{}",
        again.body
    );
}

#[tokio::test]
async fn a_form_that_is_wrong_comes_back_as_it_was_and_stores_nothing() {
    let stage = stage();
    for (form, words) in [
        ("comment=Hello", "Please choose one of the scores."),
        ("comment=Hello&score=9", "Please choose one of the scores."),
        (
            "comment=Hello&score=1e3",
            "Please choose one of the scores.",
        ),
    ] {
        let answer = stage.post("/s/open", form).await;
        told(&answer, StatusCode::UNPROCESSABLE_ENTITY, words);
        assert!(
            answer.body.contains("\nHello</textarea>"),
            "{}",
            answer.body
        );
    }
    let long = format!("score=3&comment={}", "x".repeat(4_001));
    let answer = stage.post("/s/open", &long).await;
    told(
        &answer,
        StatusCode::UNPROCESSABLE_ENTITY,
        "Your comment is too long.",
    );
    assert!(stage.stored().is_empty());
}

#[tokio::test]
async fn closed_settled_and_unknown_links_are_told_apart_in_the_readers_language() {
    let stage = stage();
    stage.world.lock().links.get_mut("open").unwrap().form.open = false;
    let closed = stage.open("/s/open", "fr").await;
    told(&closed, StatusCode::GONE, "Cette enquête est terminée");
    let late = stage.post("/s/open", "score=4&language=sv").await;
    told(&late, StatusCode::GONE, "Enkäten är stängd");

    let answer = lotse_proto::survey::v1::Answer::default();
    stage
        .world
        .lock()
        .links
        .get_mut("open")
        .unwrap()
        .form
        .answer = Some(answer);
    let settled = stage.open("/s/open", "en").await;
    told(
        &settled,
        StatusCode::GONE,
        "We have your answer, thank you.",
    );

    for forged in ["/s/forged.k1.AAAA", "/s/%00", "/s/%20open"] {
        let unknown = stage.open(forged, "ru;q=0.9, fi;q=0.1").await;
        told(&unknown, StatusCode::NOT_FOUND, "По этой ссылке нет опроса");
    }
    let posted = stage.post("/s/forged.k1.AAAA", "score=4").await;
    told(
        &posted,
        StatusCode::NOT_FOUND,
        "This link leads to no survey",
    );
    assert!(stage.stored().is_empty());
}

#[tokio::test]
async fn hostile_texts_stay_texts() {
    let stage = stage();
    let hostile = "</textarea><script>alert(1)</script>\" onfocus='x' &amp;";
    {
        let mut world = stage.world.lock();
        let form = &mut world.links.get_mut("open").unwrap().form;
        form.question = hostile.to_owned();
        form.min_label = hostile.to_owned();
        form.language = "en\"><script>".to_owned();
        form.answer = Some(lotse_proto::survey::v1::Answer {
            comment: hostile.to_owned(),
            score: 3,
            ..Default::default()
        });
    }
    let page = stage.open("/s/open", "").await;
    assert_eq!(page.body.matches("<script").count(), 0, "{}", page.body);
    assert_eq!(page.body.matches("</textarea>").count(), 1, "{}", page.body);
    assert!(
        page.body.contains("&quot; onfocus=&#39;x&#39; &amp;amp;"),
        "{}",
        page.body
    );
    let sent = "language=%22%3E%3Cscript%3E&score=3&comment=%3Cscript%3E";
    let thanks = stage.post("/s/open", sent).await;
    told(&thanks, StatusCode::OK, "Thank you!");
    assert_eq!(thanks.body.matches("<script").count(), 0, "{}", thanks.body);
}

#[tokio::test]
async fn a_page_is_neither_kept_nor_framed_nor_told_to_others() {
    let stage = stage();
    for page in [
        stage.open("/s/open", "en").await,
        stage.open("/s/unknown", "en").await,
        stage.post("/s/open", "score=4").await,
    ] {
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for foreign in ["http://", "https://", "<script", " src=", "url("] {
            assert!(!page.body.contains(foreign), "{foreign}: {}", page.body);
        }
    }
}

#[tokio::test]
async fn a_service_that_is_away_is_told_without_its_secrets() {
    let stage = stage();
    stage.world.lock().away.insert("survey");
    let page = stage.open("/s/open", "es").await;
    told(&page, StatusCode::SERVICE_UNAVAILABLE, "No ha funcionado");
    assert_eq!(page.header("retry-after"), "3");
    let sent = stage.post("/s/open", "score=4&language=es").await;
    told(&sent, StatusCode::SERVICE_UNAVAILABLE, "No ha funcionado");
    assert!(!page.body.contains("10.0.0.7") && !sent.body.contains("10.0.0.7"));
}

#[tokio::test]
async fn languages_from_the_right_are_marked_so() {
    let stage = stage();
    let page = stage.open("/s/open", "ar").await;
    told(&page, StatusCode::OK, "<html lang=\"ar\" dir=\"rtl\">");
    let page = stage.open("/s/open", "zh").await;
    told(&page, StatusCode::OK, "<html lang=\"zh\" dir=\"ltr\">");
}
