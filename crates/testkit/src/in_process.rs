//! Services behind the real pipeline, without a socket, on a manual clock.

use std::sync::Arc;
use std::time::Duration;

use lotse_auth::Authenticator;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_grpc::{Config, Server, Service, Stack};
use lotse_supervise::{Job, Stepper};

/// Some services of the suite in the test's own process. Calls pass every step
/// that they pass in production, the network apart; background jobs run when
/// the test says so, and time passes when it says so.
///
/// ```text
/// let suite = InProcess::new(clock.clone(), vec![lotse_intake::build(deps, config)]);
/// let mut tickets = TicketServiceClient::new(suite.stack());
/// tickets.create_ticket(…).await?;
/// suite.advance(Duration::from_secs(7_200)).await;
/// ```
pub struct InProcess {
    stack: Stack,
    jobs: Vec<Arc<dyn Job>>,
    clock: BusinessClock,
}

impl InProcess {
    /// Puts `services` together, ready; `clock` is the one they were built
    /// with, a manual one where the test says when jobs run. The caller is the
    /// local one, who may do everything.
    pub fn new(clock: BusinessClock, services: Vec<Service>) -> InProcess {
        let mut server = match Server::new(Config::default(), Authenticator::local(), services) {
            Ok(server) => server,
            Err(error) => panic!("the services cannot be served: {error}"),
        };
        server.readiness().set_all(true);
        InProcess {
            stack: server.stack(),
            jobs: server.take_jobs(),
            clock,
        }
    }

    /// The background jobs, for a test that has them run by themselves instead.
    pub fn jobs(&self) -> Vec<Arc<dyn Job>> {
        self.jobs.clone()
    }

    fn stepper(&self) -> Stepper {
        match Stepper::new(self.clock.clone(), self.jobs()) {
            Ok(stepper) => stepper,
            Err(error) => panic!("the jobs cannot be stepped: {error}"),
        }
    }

    /// What a generated client takes as its transport. Cheap.
    pub fn stack(&self) -> Stack {
        self.stack.clone()
    }

    /// Lets the jobs work until none has anything to do at the present instant.
    pub async fn settle(&self) {
        if let Err(error) = self.stepper().settle().await {
            panic!("{}", told(&error));
        }
    }

    /// Lets `time` pass, and the jobs work at every instant they wait for.
    pub async fn advance(&self, time: Duration) {
        self.advance_to(self.clock.now() + time).await;
    }

    /// Lets time pass until `instant`, as [`InProcess::advance`] does.
    pub async fn advance_to(&self, instant: Timestamp) {
        if let Err(error) = self.stepper().advance_to(instant).await {
            panic!("{}", told(&error));
        }
    }
}

/// An error with all its causes.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}
