//! What a failing job costs: a pause that grows, one log line per distinct failure, a metric.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::BoxError;
use crate::step::describe;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A failure not seen for this long is news again.
const FORGET_AFTER: Duration = Duration::from_secs(300);

/// Texts with ids in them are all distinct; beyond this many the oldest is forgotten.
const REMEMBERED: usize = 32;

/// The failures of one job.
pub(crate) struct Failures {
    job: String,
    in_a_row: u32,
    logged: HashMap<String, Instant>,
}

impl Failures {
    pub(crate) fn of(job: &str) -> Failures {
        metrics::gauge!("lotse_job_failing", "job" => job.to_owned()).set(0);
        Failures {
            job: job.to_owned(),
            in_a_row: 0,
            logged: HashMap::new(),
        }
    }

    /// Takes note of a step that succeeded.
    pub(crate) fn succeeded(&mut self) {
        if self.in_a_row == 0 {
            return;
        }
        // A job that fails every other step would fill the log with recoveries: those are only told to the curious.
        tracing::debug!(job = self.job, failures = self.in_a_row, "job works again");
        metrics::gauge!("lotse_job_failing", "job" => self.job.clone()).set(0);
        self.in_a_row = 0;
    }

    /// Takes note of a failure and says how long to wait before the next attempt.
    pub(crate) fn failed(&mut self, error: &BoxError) -> Duration {
        let pause = self.pause();
        self.in_a_row = self.in_a_row.saturating_add(1);
        metrics::counter!("lotse_job_failures_total", "job" => self.job.clone()).increment(1);
        metrics::gauge!("lotse_job_failing", "job" => self.job.clone()).set(1);
        let text = describe(error);
        if self.is_news(&text) {
            tracing::warn!(
                job = self.job,
                error = text,
                "job failed and is tried again; logged once until it changes"
            );
        } else {
            tracing::debug!(
                job = self.job,
                error = text,
                failures = self.in_a_row,
                "job failed again"
            );
        }
        pause
    }

    /// 100 ms, 200 ms, ... 10 s, each less up to a quarter, so that replicas which failed together do not return
    /// together.
    fn pause(&self) -> Duration {
        let longest = FIRST_PAUSE
            .saturating_mul(1 << self.in_a_row.min(16))
            .min(LONGEST_PAUSE);
        longest.mul_f64(1.0 - 0.25 * rand::random::<f64>())
    }

    fn is_news(&mut self, text: &str) -> bool {
        let now = Instant::now();
        if let Some(seen) = self.logged.get_mut(text) {
            let forgotten = now.duration_since(*seen) > FORGET_AFTER;
            *seen = now;
            return forgotten;
        }
        if self.logged.len() >= REMEMBERED {
            let oldest = self
                .logged
                .iter()
                .min_by_key(|(_, seen)| **seen)
                .map(|(text, _)| text.clone());
            oldest.and_then(|text| self.logged.remove(&text));
        }
        self.logged.insert(text.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_same_failure_is_news_once() {
        let mut failures = Failures::of("test");
        assert!(failures.is_news("disk full"));
        assert!(!failures.is_news("disk full"));
        assert!(failures.is_news("disk on fire"));
        tokio::time::advance(FORGET_AFTER + Duration::from_secs(1)).await;
        assert!(
            failures.is_news("disk full"),
            "news again after a long silence"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn endless_distinct_failures_use_bounded_memory() {
        let mut failures = Failures::of("test");
        for id in 0..1000 {
            assert!(failures.is_news(&format!("row {id} is broken")));
        }
        assert_eq!(failures.logged.len(), REMEMBERED);
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_grows_to_ten_seconds_and_starts_over_after_a_success() {
        let mut failures = Failures::of("test");
        let error: BoxError = "broken".into();
        let pauses: Vec<Duration> = (0..20).map(|_| failures.failed(&error)).collect();
        assert!(pauses[0] <= FIRST_PAUSE && pauses[0] >= FIRST_PAUSE.mul_f64(0.74));
        assert!(pauses.iter().all(|pause| *pause <= LONGEST_PAUSE));
        assert!(pauses[19] >= LONGEST_PAUSE.mul_f64(0.74));
        failures.succeeded();
        assert!(failures.failed(&error) <= FIRST_PAUSE);
    }
}
