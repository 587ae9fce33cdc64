//! Group commit: creations that arrive while one transaction runs share the next.
//!
//! Whoever finds nobody committing starts a task that commits until nothing waits. A creation that
//! comes alone goes at once; where the transaction before had company, the next one waits a moment
//! (about a millisecond) for more, up to a number of tickets and of bytes. The task is not the
//! caller's, so a caller that gives up takes nobody with it. Each caller gets its own answer, and
//! if a whole transaction fails although the database is there, its tickets are tried one by one.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lotse_db::TxError;
use lotse_journal::{Call, Earlier, Journal, Origin, RequestIdReused, Tx};
use lotse_proto::intake::v1::CreateTicketResponse;
use lotse_supervise::Supervisor;
use prost::Message as _;
use sea_orm::{DbErr, SqlErr};
use tokio::sync::oneshot;

use super::create::{self, Created, Item};
use crate::config::Config;
use crate::error::Error;
use crate::wire::answer;

/// How often a lone creation is run again when another replica was faster with the same unique
/// value: the second run sees it.
const ATTEMPTS: u32 = 3;

/// One creation: what to take in, and what its request is known by.
#[derive(Debug)]
pub(crate) struct Creation {
    pub(crate) item: Item,
    pub(crate) call: Option<Call>,
}

type Answer = Result<CreateTicketResponse, Error>;

/// The queue of creations. Cheap to clone.
#[derive(Clone)]
pub(crate) struct GroupCommit {
    shared: Arc<Shared>,
}

struct Shared {
    journal: Journal,
    supervisor: Supervisor,
    config: Config,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Whether a task is committing.
    committing: bool,
}

struct Waiting {
    creation: Creation,
    reply: oneshot::Sender<Answer>,
}

/// Why a shared transaction ended.
enum Ended {
    Db(DbErr),
    /// Another replica has answered one of the request ids meanwhile.
    Raced,
}

impl From<DbErr> for Ended {
    fn from(error: DbErr) -> Self {
        Self::Db(error)
    }
}

impl TxError for Ended {
    fn db_err(&self) -> Option<&DbErr> {
        match self {
            Self::Db(error) => Some(error),
            Self::Raced => None,
        }
    }
}

impl GroupCommit {
    pub(crate) fn new(journal: Journal, supervisor: Supervisor, config: Config) -> Self {
        let queue = Mutex::default();
        Self {
            shared: Arc::new(Shared {
                journal,
                supervisor,
                config,
                queue,
            }),
        }
    }

    /// Takes one ticket in. The answer of a repeated request lacks the subject.
    pub(super) async fn create(&self, creation: Creation) -> Answer {
        let (reply, answer) = oneshot::channel();
        let begin = {
            let mut queue = self.shared.lock();
            queue.waiting.push_back(Waiting { creation, reply });
            !std::mem::replace(&mut queue.committing, true)
        };
        if begin {
            let shift = Shift {
                shared: Arc::clone(&self.shared),
                over: false,
            };
            self.shared
                .supervisor
                .spawn_draining("intake.creations", shift.work());
        }
        answer.await.unwrap_or(Err(Error::Stopping))
    }
}

/// A task that commits.
struct Shift {
    shared: Arc<Shared>,
    /// It has found nothing more to do, and said so under the lock: another may have begun since.
    over: bool,
}

/// Where it ends before its time (a panic, the end of a shutdown), those who wait are told, and
/// the next creation starts another.
impl Drop for Shift {
    fn drop(&mut self) {
        if !self.over {
            let mut queue = self.shared.lock();
            queue.committing = false;
            queue.waiting.clear();
        }
    }
}

impl Shift {
    async fn work(mut self) {
        let mut company = 1;
        while let Some(batch) = self.next(company).await {
            company = batch.len();
            metrics::histogram!("lotse_intake_group_tickets").record(company as f64);
            let (creations, replies): (Vec<_>, Vec<_>) = batch
                .into_iter()
                .map(|waiting| (waiting.creation, waiting.reply))
                .unzip();
            let answers = Box::pin(self.shared.commit(&creations)).await;
            for (reply, answer) in replies.into_iter().zip(answers) {
                // A caller that has given up finds its ticket by its request id.
                let _gone = reply.send(answer);
            }
        }
    }

    /// The next batch; `None`, and nobody committing any more, when nothing waits.
    async fn next(&mut self, company: usize) -> Option<Vec<Waiting>> {
        let Config {
            group_tickets,
            group_bytes,
            group_wait_micros,
            ..
        } = self.shared.config;
        let waiting = self.shared.lock().waiting.len();
        if company > 1 && waiting > 0 && waiting < company.min(group_tickets) {
            tokio::time::sleep(Duration::from_micros(group_wait_micros)).await;
        }
        let mut queue = self.shared.lock();
        let count = leading(&queue.waiting, group_tickets, group_bytes);
        if count == 0 {
            queue.committing = false;
            self.over = true;
            return None;
        }
        Some(queue.waiting.drain(..count).collect())
    }
}

/// How many of those who wait go together: within the limits, but at least one; and no request
/// twice (an impatient caller), so that its repetition finds the answer of the first.
fn leading(waiting: &VecDeque<Waiting>, most_tickets: usize, most_bytes: usize) -> usize {
    let mut bytes = 0_usize;
    let mut ids = HashSet::new();
    for (index, Waiting { creation, .. }) in waiting.iter().take(most_tickets).enumerate() {
        bytes = bytes.saturating_add(creation.item.new.bytes());
        let twice = creation
            .call
            .as_ref()
            .is_some_and(|call| !ids.insert(call.id()));
        if index > 0 && (twice || bytes > most_bytes) {
            return index;
        }
    }
    waiting.len().min(most_tickets)
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits a batch and returns the answers in its order.
    async fn commit(&self, batch: &[Creation]) -> Vec<Answer> {
        match self.attempt(batch).await {
            Ok(answers) => answers,
            Err(error) if batch.len() > 1 && !is_away(&error) => {
                tracing::debug!(tickets = batch.len(), %error, "creating tickets one by one");
                let mut answers = Vec::with_capacity(batch.len());
                for alone in batch.chunks(1) {
                    answers.extend(self.alone(alone).await);
                }
                answers
            }
            Err(error) if is_taken(&error) => self.alone(batch).await,
            Err(error) => all_failed(batch, &error),
        }
    }

    /// Commits one creation by itself.
    async fn alone(&self, one: &[Creation]) -> Vec<Answer> {
        let mut attempt = 1;
        loop {
            match self.attempt(one).await {
                Ok(answers) => return answers,
                Err(error) if is_taken(&error) && attempt < ATTEMPTS => attempt += 1,
                Err(error) => return all_failed(one, &error),
            }
        }
    }

    async fn attempt(&self, batch: &[Creation]) -> Result<Vec<Answer>, DbErr> {
        // Each event names its own caller; this one stands for none.
        let origin = Origin {
            principal: "intake".to_owned(),
            cause: String::new(),
        };
        loop {
            let config = &self.config;
            let work = |tx: Tx| async move { together(&tx, config, batch).await };
            match self.journal.in_tx(&origin, work).await {
                Ok(answers) => return Ok(answers),
                Err(Ended::Db(error)) => return Err(error),
                // Raced at most once per competitor: the next run finds what it has answered.
                Err(Ended::Raced) => {}
            }
        }
    }
}

/// One transaction's work for many callers.
async fn together(tx: &Tx, config: &Config, batch: &[Creation]) -> Result<Vec<Answer>, Ended> {
    let calls: Vec<&Call> = batch
        .iter()
        .filter_map(|creation| creation.call.as_ref())
        .collect();
    let mut earlier = tx.earlier(&calls).await?.into_iter();
    let mut answers: Vec<Option<Answer>> = Vec::with_capacity(batch.len());
    for creation in batch {
        let before = creation.call.as_ref().and_then(|_| earlier.next());
        answers.push(match before {
            None | Some(Earlier::Nothing) => None,
            Some(Earlier::Answered(stored)) => Some(Ok(decode(&stored)?)),
            Some(Earlier::Reused) => {
                let request_id = creation.item.origin.cause.clone();
                Some(Err(RequestIdReused { request_id }.into()))
            }
        });
    }
    let new: Vec<usize> = (0..batch.len())
        .filter(|index| answers[*index].is_none())
        .collect();
    let items: Vec<&Item> = new.iter().map(|index| &batch[*index].item).collect();
    let mut stored = Vec::new();
    for (index, outcome) in new
        .into_iter()
        .zip(create::take_in(tx, config, &items).await?)
    {
        answers[index] = Some(outcome.map(|Created { ticket, message }| {
            let message_id = message
                .map(|message| message.id.to_string())
                .unwrap_or_default();
            let response = |ticket| CreateTicketResponse {
                ticket: Some(ticket),
                message_id: message_id.clone(),
            };
            if let Some(call) = &batch[index].call {
                stored.push((call, response(answer::wordless(&ticket)).encode_to_vec()));
            }
            response(answer::ticket(&ticket))
        }));
    }
    if tx.answer(&stored).await? {
        Ok(answers.into_iter().flatten().collect())
    } else {
        Err(Ended::Raced)
    }
}

fn decode(stored: &[u8]) -> Result<CreateTicketResponse, DbErr> {
    CreateTicketResponse::decode(stored)
        .map_err(|error| DbErr::Type(format!("the stored response: {error}")))
}

fn all_failed(batch: &[Creation], error: &DbErr) -> Vec<Answer> {
    batch
        .iter()
        .map(|_| Err(Error::Db(error.clone())))
        .collect()
}

/// A unique value was taken by a transaction that this one could not see yet.
fn is_taken(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// The database is away or does not say what it did: running again would not help, or could do
/// things twice.
fn is_away(error: &DbErr) -> bool {
    lotse_db::connection_lost(error) || lotse_db::outcome_unknown(error).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::create;
    use lotse_clock::Timestamp;
    use lotse_errors::Violations;
    use lotse_proto::intake::v1::create_ticket_request::Requester;
    use lotse_proto::intake::v1::{CreateTicketRequest, RequesterProfile};

    /// Creations with these request ids, of ten bytes each.
    fn queue(ids: &[&str]) -> VecDeque<Waiting> {
        let waiting = |id: &&str| {
            let profile = RequesterProfile {
                external_id: "ann".to_owned(),
                ..RequesterProfile::default()
            };
            let request = CreateTicketRequest {
                request_id: (*id).to_owned(),
                requester: Some(Requester::RequesterProfile(profile)),
                subject: "0123456789".to_owned(),
                channel: 1,
                ..CreateTicketRequest::default()
            };
            let new = create::read(&mut Violations::new(), &request, Timestamp::EPOCH).unwrap();
            let origin = Origin {
                principal: "local".to_owned(),
                cause: (*id).to_owned(),
            };
            let call = Call::new(&origin, "CreateTicket", &request);
            let item = Item {
                new,
                origin,
                span: tracing::Span::none(),
            };
            Waiting {
                creation: Creation { item, call },
                reply: oneshot::channel().0,
            }
        };
        ids.iter().map(waiting).collect()
    }

    #[test]
    fn a_batch_keeps_to_its_limits_but_takes_at_least_one() {
        assert_eq!(leading(&queue(&[]), 9, 99), 0);
        assert_eq!(leading(&queue(&["a", "b", "c"]), 9, 99), 3);
        assert_eq!(leading(&queue(&["a", "b", "c"]), 2, 99), 2);
        assert_eq!(leading(&queue(&["a", "b", "c"]), 9, 29), 2);
        assert_eq!(leading(&queue(&["a", "b"]), 9, 1), 1);
    }

    #[test]
    fn a_batch_holds_no_request_twice_and_any_number_without_id() {
        assert_eq!(leading(&queue(&["a", "b", "a", "c"]), 9, 99), 2);
        assert_eq!(leading(&queue(&["", "", ""]), 9, 99), 3);
    }
}
