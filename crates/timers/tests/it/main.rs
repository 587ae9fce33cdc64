//! One contract, two stores: every claim of `suite` holds for both.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod faults;
mod rows;
mod scale;
mod suite;
mod worker;

use std::sync::Arc;

use lotse_testkit::TestRedis;
use lotse_timers::{LocalTimers, RedisTimers, TimerStore};

/// A store of one kind, empty, and the means to lose what it holds.
pub(crate) struct Place {
    store: Arc<dyn TimerStore>,
    redis: Option<TestRedis>,
}

impl Place {
    fn local() -> Place {
        Place {
            store: Arc::new(LocalTimers::new()),
            redis: None,
        }
    }

    /// `None` where Redis is not installed.
    async fn redis() -> Option<Place> {
        let redis = lotse_testkit::redis().await?;
        let store = Arc::new(RedisTimers::open(redis.url(), redis.prefix()).unwrap());
        Some(Place {
            store,
            redis: Some(redis),
        })
    }

    /// The store as another replica sees it.
    fn replica(&self) -> Arc<dyn TimerStore> {
        match &self.redis {
            Some(redis) => Arc::new(RedisTimers::open(redis.url(), redis.prefix()).unwrap()),
            None => self.store.clone(),
        }
    }

    /// What FLUSHALL does to Redis, and a restart to a store in memory.
    async fn lose_everything(&self) {
        match &self.redis {
            Some(redis) => redis.flush().await,
            None => self.store.clear(suite::QUEUE).await.unwrap(),
        }
    }
}

/// Makes of each claim a test for either store.
macro_rules! for_both_stores {
    ($($module:ident::$claim:ident)+) => {
        mod local {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $claim() {
                crate::$module::$claim(crate::Place::local()).await;
            })+
        }

        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $claim() {
                if let Some(place) = crate::Place::redis().await {
                    crate::$module::$claim(place).await;
                }
            })+
        }
    };
}

for_both_stores! {
    suite::an_entry_is_claimed_when_it_is_due_and_not_before
    suite::arming_a_later_generation_earlier_or_later_replaces_the_one_before
    suite::a_cancelled_entry_is_never_claimed
    suite::a_claim_hides_the_entry_until_its_lease_ends
    suite::an_acknowledged_entry_never_comes_back
    suite::acknowledging_a_generation_leaves_the_next
    suite::arming_what_is_missing_neither_moves_nor_frees_what_is_there
    suite::each_lane_hands_out_its_earliest_first_up_to_the_limit
    suite::two_replicas_never_hold_one_claim
    suite::the_next_due_time_counts_claims_until_acknowledged
    suite::queues_do_not_see_each_other
    suite::a_lane_is_lost_until_it_was_armed_again_as_a_whole
    suite::what_is_lost_while_arming_again_is_noticed
    suite::an_earlier_head_wakes_who_waits_also_in_another_replica
    suite::an_entry_of_no_lane_is_refused
    suite::a_hundred_thousand_are_armed_and_each_is_claimed_once
    worker::what_is_due_fires_at_its_time_and_once
    worker::work_of_a_worker_killed_between_claim_and_effect_is_done_after_the_lease
    worker::what_the_store_lost_fires_on_time
    worker::a_row_whose_arming_never_happened_fires_on_time_after_a_restart
    worker::a_row_armed_by_nobody_is_found_by_the_reconciler
    worker::a_paused_row_does_not_fire
    worker::two_workers_fire_every_row_once
    worker::a_few_rows_fire_together_whatever_their_lanes
    worker::a_row_that_always_fails_does_not_stop_the_others
    worker::a_batch_that_failed_once_fires_at_the_next_step
    worker::an_idle_worker_steps_once_a_second_and_only_looks
}
