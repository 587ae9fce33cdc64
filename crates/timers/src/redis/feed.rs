//! What this process knows of a queue without asking.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lotse_clock::{SystemClock, Timestamp};
use tokio::sync::Notify;

use crate::entry::LANES;

/// How often all lanes are looked at, whatever was heard of them: what a message that got lost, or
/// a lane that did, may cost.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What was heard and seen of a queue's lanes, and who waits for news.
pub(super) struct Feed {
    pub(super) moved: Notify,
    pub(super) subscribed: AtomicBool,
    lanes: [Lane; LANES as usize],
    /// When all lanes were last looked at.
    looked: Mutex<Option<Instant>>,
}

struct Lane {
    /// The head as the last claim saw it: milliseconds, `i64::MAX` for none.
    seen: AtomicI64,
    /// The earliest head heard of since before that claim was sent.
    told: AtomicI64,
    /// Failures to arm, and how many of them a later re-arming has made good.
    failures: AtomicU64,
    healed: AtomicU64,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            // Unknown is as good as due: look.
            seen: AtomicI64::new(i64::MIN),
            told: AtomicI64::new(i64::MAX),
            failures: AtomicU64::new(0),
            healed: AtomicU64::new(0),
        }
    }
}

impl Lane {
    fn head(&self) -> i64 {
        let seen = self.seen.load(Ordering::SeqCst);
        seen.min(self.told.load(Ordering::SeqCst))
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            moved: Notify::new(),
            subscribed: AtomicBool::new(false),
            lanes: std::array::from_fn(|_| Lane::default()),
            looked: Mutex::default(),
        }
    }
}

impl Feed {
    fn lane(&self, lane: u8) -> &Lane {
        &self.lanes[usize::from(lane)]
    }

    pub(super) fn lane_failed(&self, lane: u8) {
        self.lane(lane).failures.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn failures(&self, lane: u8) -> u64 {
        self.lane(lane).failures.load(Ordering::SeqCst)
    }

    pub(super) fn heal(&self, lane: u8, failures: u64) {
        let healed = &self.lane(lane).healed;
        healed.fetch_max(failures, Ordering::SeqCst);
    }

    pub(super) fn is_wanting(&self, lane: u8) -> bool {
        self.failures(lane) > self.lane(lane).healed.load(Ordering::SeqCst)
    }

    /// A message: `lane score`. Wakes whoever waits.
    pub(super) fn hear(&self, message: &str) {
        let told = message.split_once(' ').and_then(|(lane, score)| {
            let lane = lane.parse::<u8>().ok().filter(|lane| *lane < LANES)?;
            Some((lane, score.parse::<f64>().ok()? as i64))
        });
        match told {
            Some((lane, head)) => self.lower(lane, head),
            None => self.forget(),
        }
        self.moved.notify_one();
    }

    /// The head of `lane` may be as early as this.
    pub(super) fn lower(&self, lane: u8, head: i64) {
        self.lane(lane).told.fetch_min(head, Ordering::SeqCst);
    }

    /// Messages may have been missed: every lane is to be looked at.
    pub(super) fn forget(&self) {
        (0..LANES).for_each(|lane| self.lower(lane, i64::MIN));
    }

    /// The lanes that may have something due by `now`; all of them now and then, and as long as
    /// nobody listens for messages.
    pub(super) fn likely(&self, now: Timestamp) -> Vec<u8> {
        let moment = SystemClock.monotonic();
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = looked.is_some_and(|looked| moment.duration_since(looked) < LOOK_EVERY);
        if !fresh || !self.subscribed.load(Ordering::SeqCst) {
            *looked = Some(moment);
            return (0..LANES).collect();
        }
        let due = |lane: &u8| self.lane(*lane).head() <= now.as_millis() || self.is_wanting(*lane);
        (0..LANES).filter(due).collect()
    }

    /// A claim on `lane` is about to be sent: it will see what was told until now.
    pub(super) fn about_to_look(&self, lane: u8) {
        self.lane(lane).told.store(i64::MAX, Ordering::SeqCst);
    }

    /// A claim saw this head.
    pub(super) fn saw(&self, lane: u8, head: Option<Timestamp>) {
        let head = head.map_or(i64::MAX, Timestamp::as_millis);
        self.lane(lane).seen.store(head, Ordering::SeqCst);
    }

    /// The earliest head of all lanes, as far as it is known.
    pub(super) fn head(&self) -> Option<Timestamp> {
        let head = self.lanes.iter().map(Lane::head).min();
        head.filter(|head| *head < i64::MAX)
            .map(Timestamp::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    /// A feed that listens and has just looked at all lanes, which were empty.
    fn informed() -> Feed {
        let feed = Feed::default();
        feed.subscribed.store(true, Ordering::SeqCst);
        for lane in feed.likely(NOW) {
            feed.about_to_look(lane);
            feed.saw(lane, None);
        }
        feed
    }

    #[test]
    fn an_informed_feed_names_only_lanes_with_something_due() {
        let feed = informed();
        assert_eq!(feed.likely(NOW), [] as [u8; 0]);
        feed.hear("3 1000");
        feed.hear("4 1001");
        assert_eq!(feed.likely(NOW), [3]);
        assert_eq!(feed.head(), Some(NOW));
        feed.about_to_look(3);
        feed.saw(3, Some(Timestamp::from_millis(5_000)));
        assert_eq!(feed.likely(NOW), [] as [u8; 0]);
        assert_eq!(feed.likely(Timestamp::from_millis(1_001)), [4]);
    }

    #[test]
    fn what_is_heard_while_a_claim_is_under_way_is_not_forgotten_over_its_answer() {
        let feed = informed();
        feed.about_to_look(3);
        feed.hear("3 900");
        feed.saw(3, Some(Timestamp::from_millis(5_000)));
        assert_eq!(feed.likely(NOW), [3]);
    }

    #[test]
    fn all_lanes_are_looked_at_where_nobody_listens_or_messages_were_missed() {
        let feed = informed();
        feed.forget();
        assert_eq!(feed.likely(NOW).len(), usize::from(LANES));
        let deaf = Feed::default();
        for lane in deaf.likely(NOW) {
            deaf.about_to_look(lane);
            deaf.saw(lane, None);
        }
        assert_eq!(deaf.likely(NOW).len(), usize::from(LANES));
    }

    #[test]
    fn a_lane_whose_arming_failed_is_looked_at_until_it_is_made_good() {
        let feed = informed();
        feed.lane_failed(7);
        assert_eq!(feed.likely(NOW), [7]);
        feed.heal(7, feed.failures(7));
        assert_eq!(feed.likely(NOW), [] as [u8; 0]);
    }
}
