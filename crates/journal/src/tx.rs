//! The transaction of one use case, and what it emits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::catch_up::Judged;
use crate::event::{Draft, Origin, Recorded};

/// A running transaction whose events are appended just before it commits. A cheap handle: clones
/// are the same transaction. It must not outlive the work it was given to.
#[derive(Clone, Debug)]
pub struct Tx {
    db: lotse_db::Tx,
    emitted: Arc<Mutex<Vec<Emitted>>>,
    judged: Arc<Mutex<Vec<Judged>>>,
    source: Arc<Source>,
}

/// A draft with who and what caused it.
#[derive(Debug, Clone)]
pub(crate) struct Emitted {
    pub(crate) draft: Draft,
    pub(crate) ignorable: bool,
    pub(crate) principal: String,
    pub(crate) cause: String,
    pub(crate) traceparent: String,
}

/// Where emitted events come from.
#[derive(Debug)]
pub(crate) struct Source {
    origin: Origin,
    /// For a consumer: what its events answer, by key. A batch has many causes; an event that a
    /// consumer emits for a ticket answers the latest event of that ticket in the batch.
    answered: HashMap<String, Answered>,
}

#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) cause: String,
    pub(crate) traceparent: String,
}

impl Source {
    pub(crate) fn command(origin: Origin) -> Self {
        Self {
            origin,
            answered: HashMap::new(),
        }
    }

    /// The work of the consumer `name` on `events`; `traceparent` says which trace goes on.
    pub(crate) fn consumer(
        name: &str,
        events: &[Recorded],
        traceparent: impl Fn(&Recorded) -> String,
    ) -> Self {
        let answered = |event: &Recorded| Answered {
            cause: event.reference(),
            traceparent: traceparent(event),
        };
        let origin = Origin {
            principal: name.to_owned(),
            cause: events.last().map(Recorded::reference).unwrap_or_default(),
        };
        Self {
            origin,
            answered: events
                .iter()
                .map(|event| (event.key.clone(), answered(event)))
                .collect(),
        }
    }
}

impl Tx {
    pub(crate) fn new(db: lotse_db::Tx, source: Arc<Source>) -> Self {
        Self {
            db,
            emitted: Arc::default(),
            judged: Arc::default(),
            source,
        }
    }

    /// The same transaction on behalf of another source.
    pub(crate) fn on_behalf(&self, source: Source) -> Self {
        Self {
            source: Arc::new(source),
            ..self.clone()
        }
    }

    /// The same transaction on behalf of another caller: for batches that serve many.
    #[must_use]
    pub fn on_behalf_of(&self, origin: Origin) -> Self {
        self.on_behalf(Source::command(origin))
    }

    /// The bare transaction.
    pub fn db(&self) -> &lotse_db::Tx {
        &self.db
    }

    /// Who causes what is emitted here.
    pub fn origin(&self) -> &Origin {
        &self.source.origin
    }

    /// Adds an event, to be appended just before the transaction commits, in the order given.
    pub fn emit(&self, draft: Draft) {
        self.push(draft, false, None);
    }

    /// Adds an event that answers exactly the one at this
    /// [reference](crate::Recorded::reference). What a consumer [emits](Self::emit) otherwise
    /// answers the latest event of its key in the batch.
    pub fn emit_answer(&self, draft: Draft, reference: String) {
        self.push(draft, false, Some(reference));
    }

    /// Adds an event that readers who do not know its kind may pass over.
    pub fn emit_ignorable(&self, draft: Draft) {
        self.push(draft, true, None);
    }

    fn push(&self, draft: Draft, ignorable: bool, reference: Option<String>) {
        let Origin { principal, cause } = self.source.origin.clone();
        let (cause, traceparent) = match self.source.answered.get(&draft.key) {
            Some(answered) => (answered.cause.clone(), answered.traceparent.clone()),
            None => (cause, lotse_telemetry::current_traceparent()),
        };
        let cause = reference.unwrap_or(cause);
        self.lock().push(Emitted {
            draft,
            ignorable,
            principal,
            cause,
            traceparent,
        });
    }

    /// What has been emitted so far.
    pub fn emitted(&self) -> Vec<Draft> {
        self.lock().iter().map(|one| one.draft.clone()).collect()
    }

    /// Takes what has been emitted, to append it.
    pub(crate) fn take_emitted(&self) -> Vec<Emitted> {
        std::mem::take(&mut self.lock())
    }

    /// What is done here is only right while this holds.
    pub(crate) fn judges(&self, judged: Judged) {
        let mut all = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(judged);
    }

    /// Takes what must still hold, to check it.
    pub(crate) fn take_judged(&self) -> Vec<Judged> {
        std::mem::take(&mut self.judged.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Emitted>> {
        self.emitted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        self.db.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.db.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.db.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.db.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.db.query_all_raw(statement).await
    }
}
