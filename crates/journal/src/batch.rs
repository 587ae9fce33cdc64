//! One batch of a consumer: cursors, effects and answers in one transaction.

use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use lotse_db::TxError;
use sea_orm::DbErr;
use tracing::Instrument as _;

use crate::consumer::{Consumer, ConsumerError};
use crate::cursor::{self, Seen};
use crate::event::{Entry, Recorded};
use crate::journal::Journal;
use crate::parked::{self, Park};
use crate::trace::Spans;
use crate::tx::{Source, Tx};

/// Longest text of an error that is stored.
const ERROR_CHARS: usize = 1_000;

/// What was fetched of one bucket.
#[derive(Debug)]
pub(crate) struct Portion {
    pub(crate) seen: Seen,
    /// Where the cursor stands after it.
    pub(crate) to: i64,
    pub(crate) events: Vec<Recorded>,
    /// Position and kind of an event that ends it because this program does not know it.
    pub(crate) unknown: Option<(i64, i32)>,
}

/// Groups what was fetched, which comes by bucket and position.
pub(crate) fn portions(fetched: Vec<(Seen, Entry)>) -> Vec<Portion> {
    let mut portions: Vec<Portion> = Vec::new();
    for (seen, entry) in fetched {
        if portions
            .last()
            .is_none_or(|last| last.seen.bucket != seen.bucket)
        {
            portions.push(Portion {
                seen,
                to: seen.position,
                events: Vec::new(),
                unknown: None,
            });
        }
        let Some(portion) = portions.last_mut().filter(|last| last.unknown.is_none()) else {
            continue;
        };
        match entry {
            Entry::Known(event) => {
                portion.to = event.position;
                portion.events.push(*event);
            }
            Entry::Ignorable { position, .. } => portion.to = position,
            Entry::Unknown { position, kind, .. } => portion.unknown = Some((position, kind)),
        }
    }
    portions
}

impl Portion {
    /// Only its first event, or what may be passed over before it.
    pub(crate) fn first(mut self) -> Self {
        self.events.truncate(1);
        if let Some(event) = self.events.first() {
            self.to = event.position;
        }
        self
    }
}

/// Portions that are applied together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) moves: Vec<(Seen, i64)>,
    pub(crate) events: Vec<Recorded>,
}

impl Batch {
    pub(crate) fn of(portions: impl IntoIterator<Item = Portion>) -> Self {
        let mut batch = Self::default();
        for portion in portions {
            if portion.to > portion.seen.position {
                batch.moves.push((portion.seen, portion.to));
                batch.events.extend(portion.events);
            }
        }
        batch
    }
}

/// Why a batch was not applied.
#[derive(Debug)]
pub(crate) enum BatchError {
    /// A cursor no longer stands where it was seen, or another replica has the bucket.
    Fenced,
    /// The consumer or the database failed.
    Failed(ConsumerError),
}

impl From<DbErr> for BatchError {
    fn from(error: DbErr) -> Self {
        Self::Failed(error.into())
    }
}

impl TxError for BatchError {
    fn db_err(&self) -> Option<&DbErr> {
        match self {
            Self::Fenced => None,
            Self::Failed(error) => error.db_err(),
        }
    }
}

/// Applies a batch: moves the cursors, which locks them and fences, lets the consumer work, parks
/// what has to wait behind parked events, appends what was emitted.
pub(crate) async fn apply(
    journal: &Journal,
    consumer: &dyn Consumer,
    batch: &Batch,
) -> Result<(), BatchError> {
    let name = consumer.name();
    let spans = Spans::of(name, &batch.events);
    let work = journal.run(
        || source(name, &batch.events, &spans),
        |tx| async move {
            let moved = cursor::advance(&tx, name, &batch.moves).await?;
            if moved != batch.moves.len() as u64 {
                return Err(BatchError::Fenced);
            }
            let seen = batch.moves.iter().map(|(seen, _)| seen);
            work(&tx, consumer, seen, &batch.events).await
        },
    );
    work.instrument(spans.work.clone()).await?;
    consumer.committed().await;
    metrics::counter!("lotse_journal_events_applied_total", "consumer" => name)
        .increment(batch.events.len() as u64);
    Ok(())
}

pub(crate) fn source(name: &str, events: &[Recorded], spans: &Spans) -> Source {
    Source::consumer(name, events, |event| spans.traceparent(event))
}

/// Lets the consumer apply what does not have to wait. The cursors of `seen` are locked.
pub(crate) async fn work<'a>(
    tx: &Tx,
    consumer: &dyn Consumer,
    seen: impl Iterator<Item = &'a Seen> + Clone,
    events: &[Recorded],
) -> Result<(), BatchError> {
    let waiting = seen.clone().filter(|seen| seen.parked > 0);
    let keys = if waiting.clone().next().is_none() {
        HashSet::new()
    } else {
        parked::keys(tx, consumer.name(), waiting.map(|seen| seen.bucket)).await?
    };
    if !events.iter().any(|event| keys.contains(&event.key)) {
        return guarded(tx, consumer, events).await;
    }
    let (waiting, free): (Vec<Recorded>, Vec<Recorded>) = events
        .iter()
        .cloned()
        .partition(|event| keys.contains(&event.key));
    let parks: Vec<Park<'_>> = waiting
        .iter()
        .map(|event| Park {
            event,
            error: "waits behind an earlier event of its key",
            attempts: 0,
        })
        .collect();
    parked::insert(tx, consumer.name(), &parks).await?;
    let mut counts = BTreeMap::new();
    for event in &waiting {
        *counts.entry(event.bucket).or_insert(0) += 1;
    }
    for seen in seen {
        if let Some(count) = counts.get(&seen.bucket) {
            cursor::count_parked(tx, consumer.name(), seen, *count).await?;
        }
    }
    guarded(tx, consumer, &free).await
}

/// A panic of the consumer is the failure of an event, like an error.
pub(crate) async fn guarded(
    tx: &Tx,
    consumer: &dyn Consumer,
    events: &[Recorded],
) -> Result<(), BatchError> {
    if events.is_empty() {
        return Ok(());
    }
    match AssertUnwindSafe(consumer.apply(tx, events))
        .catch_unwind()
        .await
    {
        Ok(outcome) => outcome.map_err(BatchError::Failed),
        Err(panic) => {
            let error = format!("panicked: {}", panic_text(&*panic));
            Err(BatchError::Failed(ConsumerError::other(error)))
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// Parks one event: the cursor passes it without its effects.
pub(crate) async fn park(
    journal: &Journal,
    consumer: &str,
    seen: &Seen,
    park: Park<'_>,
) -> Result<(), BatchError> {
    let error = shortened(park.error);
    let parks = [Park {
        error: &error,
        ..park
    }];
    journal
        .db()
        .in_tx(|tx| {
            let parks = &parks;
            async move {
                let [park] = parks;
                let to = park.event.position;
                if cursor::advance(&tx, consumer, &[(*seen, to)]).await? != 1 {
                    return Err(BatchError::Fenced);
                }
                cursor::count_parked(&tx, consumer, seen, 1).await?;
                parked::insert(&tx, consumer, parks).await?;
                Ok(())
            }
        })
        .await
}

/// What of an error is stored.
pub(crate) fn shortened(error: &str) -> String {
    error.chars().take(ERROR_CHARS).collect()
}

/// Applies one parked event and takes it off.
pub(crate) async fn redrive(
    journal: &Journal,
    consumer: &dyn Consumer,
    seen: &Seen,
    event: &Recorded,
) -> Result<(), BatchError> {
    let name = consumer.name();
    let events = std::slice::from_ref(event);
    let spans = Spans::of(name, events);
    let work = journal.run(
        || source(name, events, &spans),
        |tx| async move {
            if !cursor::count_parked(&tx, name, seen, -1).await?
                || !parked::remove(&tx, name, event).await?
            {
                return Err(BatchError::Fenced);
            }
            guarded(&tx, consumer, events).await
        },
    );
    work.instrument(spans.work.clone()).await?;
    consumer.committed().await;
    Ok(())
}
