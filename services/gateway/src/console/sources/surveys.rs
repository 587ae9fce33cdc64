//! What requesters say: survey's scores and its latest answers.

use std::time::Duration;

use lotse_client::Channel;
use lotse_clock::Timestamp;
use lotse_proto::common::v1::SurveyKind;
use lotse_proto::survey::v1 as survey;
use lotse_proto::survey::v1::survey_service_client::SurveyServiceClient;
use lotse_proto::time;
use tonic::Status;

use super::age;
use super::names::Names;
use crate::console::snapshot::{Answer, Score};

/// Over how long scores are counted.
const PERIOD: Duration = Duration::from_secs(30 * 24 * 3600);

/// Answers shown at most; a wall shows fewer.
const SHOWN: i32 = 12;

/// Asks survey for the score of each kind.
pub(crate) async fn scores(channel: &Channel, now: Timestamp) -> Result<Vec<Score>, Status> {
    let mut client = SurveyServiceClient::new(channel.clone());
    let mut scores = Vec::new();
    for kind in [SurveyKind::Csat, SurveyKind::Ces, SurveyKind::Nps] {
        let request = survey::GetScoreRequest {
            kind: kind.into(),
            from: Some(time::to_proto(now - PERIOD)),
            ..Default::default()
        };
        let score = client.get_score(request).await?.into_inner().score;
        let survey::Score {
            kind: _,
            n,
            share,
            mean,
            nps,
            histogram: _,
            invited: _,
        } = score.unwrap_or_default();
        let figure = if kind == SurveyKind::Nps { nps } else { share };
        scores.push(Score {
            kind: name(kind),
            value: figure.map(|it| it.value),
            interval: figure.and_then(|it| it.low.zip(it.high)),
            mean: mean.map(|it| it.value),
            n,
        });
    }
    Ok(scores)
}

/// Asks survey for the latest answers, newest first.
pub(crate) async fn answers(channel: &Channel) -> Result<Vec<survey::Answer>, Status> {
    let mut client = SurveyServiceClient::new(channel.clone());
    let request = survey::ListAnswersRequest {
        page_size: SHOWN,
        ..Default::default()
    };
    Ok(client.list_answers(request).await?.into_inner().answers)
}

/// What the console shows of an answer.
pub(crate) fn shown(answer: &survey::Answer, names: &Names, now: Timestamp) -> Answer {
    let (max, verdict) = judged(answer.kind(), answer.score);
    let said = answer.revised_at.as_ref().or(answer.answered_at.as_ref());
    Answer {
        kind: name(answer.kind()),
        score: answer.score,
        max,
        verdict,
        comment: answer.comment.clone(),
        number: names.number(&answer.ticket_id),
        age: age(now, said),
    }
}

/// The highest score of the scale, and what a score means: good is what the kind's score counts as
/// good, bad the lower end (of the net promoter score: detractors).
fn judged(kind: SurveyKind, score: i32) -> (i32, &'static str) {
    let (max, good_from, bad_to) = match kind {
        SurveyKind::Csat | SurveyKind::Unspecified => (5, 4, 2),
        SurveyKind::Ces => (7, 5, 3),
        SurveyKind::Nps => (10, 9, 6),
    };
    let verdict = match score {
        score if score >= good_from => "good",
        score if score <= bad_to => "bad",
        _ => "fair",
    };
    (max, verdict)
}

fn name(kind: SurveyKind) -> &'static str {
    match kind {
        SurveyKind::Csat => "csat",
        SurveyKind::Ces => "ces",
        SurveyKind::Nps => "nps",
        SurveyKind::Unspecified => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged_as_their_score_counts_them() {
        let verdict = |kind, score| judged(kind, score).1;
        assert_eq!(
            [2, 3, 4].map(|score| verdict(SurveyKind::Csat, score)),
            ["bad", "fair", "good"]
        );
        assert_eq!(
            [3, 4, 5].map(|score| verdict(SurveyKind::Ces, score)),
            ["bad", "fair", "good"]
        );
        assert_eq!(
            [6, 7, 8, 9].map(|score| verdict(SurveyKind::Nps, score)),
            ["bad", "fair", "fair", "good"]
        );
    }
}
