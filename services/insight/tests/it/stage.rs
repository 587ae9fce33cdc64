//! What the tests stand on: the service, a manual clock, and a journal to write into.

use lotse_clock::{BusinessClock, Timestamp};
use lotse_db::Migrations;
use lotse_grpc::Stack;
use lotse_insight::{Config, Deps};
use lotse_journal::{Body, Draft, Journal, JournalConfig, Origin, Wakeups};
use lotse_proto::insight::v1 as proto;
use lotse_proto::insight::v1::insight_service_client::InsightServiceClient;
use lotse_proto::time::to_proto;
use lotse_testkit::{InProcess, TestDb};

/// The present: 10 April 2026, midnight UTC.
pub(crate) const NOW: i64 = 1_775_779_200_000;

pub(crate) fn migrations() -> Migrations {
    let mut all = lotse_journal::migrations();
    all.extend(lotse_insight::migrations());
    all
}

pub(crate) struct Stage {
    pub(crate) suite: InProcess,
    pub(crate) client: InsightServiceClient<Stack>,
    pub(crate) journal: Journal,
    _db: TestDb,
}

/// An instant as people write it, in UTC.
pub(crate) fn instant(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(at.as_millisecond())
}

/// A question about one metric.
pub(crate) fn ask(metric: &str) -> proto::QueryMetricsRequest {
    proto::QueryMetricsRequest {
        metrics: vec![metric.to_owned()],
        ..proto::QueryMetricsRequest::default()
    }
}

pub(crate) fn period(start: &str, end: &str) -> Option<proto::Period> {
    let limit = |text: &str| (!text.is_empty()).then(|| to_proto(instant(text)));
    Some(proto::Period {
        start_time: limit(start),
        end_time: limit(end),
    })
}

impl Stage {
    pub(crate) async fn new(db: TestDb) -> Self {
        let clock = BusinessClock::manual(Timestamp::from_millis(NOW));
        let config = JournalConfig::default();
        let journal = Journal::open(db.db(), clock.clone(), Wakeups::local(), config)
            .await
            .unwrap();
        let deps = Deps {
            db: db.db(),
            clock: clock.clone(),
            journal: journal.clone(),
        };
        let suite = InProcess::new(clock, vec![lotse_insight::build(deps, Config::default())]);
        let client = InsightServiceClient::new(suite.stack());
        Self {
            suite,
            client,
            journal,
            _db: db,
        }
    }

    /// Journals what others would, all in one transaction, and lets insight read it.
    pub(crate) async fn journal(&self, drafts: Vec<Draft>) {
        let origin = Origin {
            principal: "test".to_owned(),
            cause: String::new(),
        };
        self.journal
            .in_tx(&origin, |tx| {
                let drafts = drafts.clone();
                async move {
                    drafts.into_iter().for_each(|draft| tx.emit(draft));
                    Ok::<_, lotse_insight::Error>(())
                }
            })
            .await
            .unwrap();
        self.suite.settle().await;
    }

    /// What happened to one ticket.
    pub(crate) async fn ticket(&self, id: &str, story: Vec<(Timestamp, Body)>) {
        let draft = |(at, body)| Draft::ticket(id, body).at(at);
        self.journal(story.into_iter().map(draft).collect()).await;
    }

    pub(crate) async fn query(
        &mut self,
        request: proto::QueryMetricsRequest,
    ) -> Result<Vec<proto::Series>, tonic::Status> {
        Ok(self
            .client
            .query_metrics(request)
            .await?
            .into_inner()
            .series)
    }

    /// The only figure of a part, over everything that `filter` lets through.
    pub(crate) async fn figure(&mut self, metric: &str, part: &str, filter: &str) -> proto::Figure {
        let request = proto::QueryMetricsRequest {
            filter: filter.to_owned(),
            ..ask(metric)
        };
        let series = self.query(request).await.unwrap();
        let one = series
            .into_iter()
            .find(|series| series.part == part)
            .unwrap();
        let [point] = one.points.try_into().unwrap();
        point.figure.unwrap()
    }

    /// The figures of a metric's first part by dimensions: their values joined, `-` for none.
    pub(crate) async fn by(
        &mut self,
        metric: &str,
        dimensions: &[&str],
        filter: &str,
    ) -> Vec<(String, proto::Figure)> {
        let request = proto::QueryMetricsRequest {
            group_by: dimensions.iter().map(|name| (*name).to_owned()).collect(),
            filter: filter.to_owned(),
            ..ask(metric)
        };
        let series = self.query(request).await.unwrap();
        let part = series[0].part.clone();
        let of_part = series.into_iter().filter(|series| series.part == part);
        of_part
            .map(|series| {
                let values = series.group.into_iter();
                let values = values.map(|group| group.value.unwrap_or_else(|| "-".to_owned()));
                let [point] = series.points.try_into().unwrap();
                (values.collect::<Vec<_>>().join(" "), point.figure.unwrap())
            })
            .collect()
    }

    /// All tickets behind a figure, in pages of `size`.
    pub(crate) async fn drill(
        &mut self,
        metric: &str,
        part: &str,
        numerator_only: bool,
        size: i32,
    ) -> Vec<String> {
        let mut request = proto::DrillDownRequest {
            metric: metric.to_owned(),
            part: part.to_owned(),
            numerator_only,
            page_size: size,
            ..proto::DrillDownRequest::default()
        };
        let mut tickets = Vec::new();
        loop {
            let page = self
                .client
                .drill_down(request.clone())
                .await
                .unwrap()
                .into_inner();
            assert!(page.ticket_ids.len() <= usize::try_from(size).unwrap());
            tickets.extend(page.ticket_ids);
            if page.next_page_token.is_empty() {
                return tickets;
            }
            request.page_token = page.next_page_token;
        }
    }
}

/// The fields named by a refusal.
pub(crate) fn fields(status: &tonic::Status) -> Vec<String> {
    use tonic_types::StatusExt as _;
    assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    violations
        .into_iter()
        .map(|violation| violation.field)
        .collect()
}
