//! Services without a socket.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use lotse_clock::{BusinessClock, Timestamp};
use lotse_grpc::Service;
use lotse_supervise::{BoxError, Job, Step};
use lotse_testkit::InProcess;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// Notes the time once a minute.
struct Minutes {
    clock: BusinessClock,
    noted: Mutex<Vec<Timestamp>>,
}

#[async_trait::async_trait]
impl Job for Minutes {
    fn name(&self) -> &str {
        "minutes"
    }

    async fn step(&self) -> Result<Step, BoxError> {
        let now = self.clock.now();
        let mut noted = self.noted.lock().expect("not poisoned");
        let next = noted
            .last()
            .map_or(now, |last| *last + Duration::from_secs(60));
        if next > now {
            return Ok(Step::Idle { until: Some(next) });
        }
        noted.push(now);
        Ok(Step::Busy)
    }
}

#[tokio::test]
async fn calls_are_answered_and_jobs_see_every_instant_they_wait_for() {
    let clock = BusinessClock::manual(Timestamp::from_millis(0));
    let minutes = Arc::new(Minutes {
        clock: clock.clone(),
        noted: Mutex::default(),
    });
    let service = Service::new("minutes").job(minutes.clone());
    let suite = InProcess::new(clock, vec![service]);

    let mut health = HealthClient::new(suite.stack());
    let request = HealthCheckRequest {
        service: "minutes".to_owned(),
    };
    let answer = health.check(request).await.expect("an answer").into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);

    suite.advance(Duration::from_secs(150)).await;
    let noted: Vec<i64> = minutes
        .noted
        .lock()
        .expect("not poisoned")
        .iter()
        .map(|at| at.as_millis())
        .collect();
    assert_eq!(noted, [0, 60_000, 120_000]);
}
