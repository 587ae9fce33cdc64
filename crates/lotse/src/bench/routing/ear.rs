//! Hears each sample of the time from the queue to the commit, and says when one comes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use tokio::sync::Notify;

/// What is listened for.
const HEARD: &str = "lotse_routing_enqueue_to_commit_seconds";

/// A recorder of one histogram, whole; it takes no note of anything else.
#[derive(Clone, Default)]
pub(super) struct Ear(Arc<Samples>);

#[derive(Default)]
struct Samples {
    heard: Mutex<Vec<Duration>>,
    news: Notify,
}

impl Ear {
    /// Takes what has been heard.
    pub(super) fn take(&self) -> Vec<Duration> {
        std::mem::take(&mut self.0.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until `count` samples have been heard since the last [`Ear::take`].
    pub(super) async fn wait_for(&self, count: usize) {
        loop {
            let news = self.0.news.notified();
            if self
                .0
                .heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .len()
                >= count
            {
                return;
            }
            news.await;
        }
    }
}

impl HistogramFn for Samples {
    fn record(&self, value: f64) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(Duration::from_secs_f64(value));
        drop(heard);
        self.news.notify_one();
    }
}

impl Recorder for Ear {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        if key.name() == HEARD {
            Histogram::from_arc(self.0.clone())
        } else {
            Histogram::noop()
        }
    }
}
