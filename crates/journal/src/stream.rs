//! The feed as an endless stream, for RPCs that tell what happens as it happens.

use std::collections::VecDeque;

use futures::Stream;
use futures::stream::unfold;
use lotse_supervise::to_its_end;

use crate::bucket::BUCKETS;
use crate::event::Recorded;
use crate::feed::{FeedError, FeedPage};
use crate::journal::Journal;
use crate::positions::Positions;

/// Events read at once. What a reader has not taken yet is no more than that.
const PAGE: u32 = 256;

/// Where a stream begins and whether it ends.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// Behind the last item that the reader has handled.
    pub from: Option<Positions>,
    /// Without `from`: behind all there is.
    pub from_now: bool,
    /// End when what was there at the beginning has been given.
    pub ends: bool,
}

/// One item of a stream.
#[derive(Clone, Debug)]
pub struct Told<T> {
    /// What happened; `None` for a mark.
    pub event: Option<T>,
    /// Where to go on after it: a [`Positions::to_token`].
    pub token: String,
    /// Whether nothing more was there.
    pub caught_up: bool,
}

impl Journal {
    /// What `wanted` makes of events, each exactly once per token: whoever comes back with the
    /// token of the last item handled misses nothing and repeats nothing. Marks in between say how
    /// far the stream has come where nothing was wanted, and once each time that it has caught up.
    /// Read page by page as the reader takes them, so a slow reader slows itself, nothing is
    /// dropped, and no connection is held while it is not reading.
    ///
    /// # Errors
    /// [`FeedError::OtherIncarnation`] for positions of another life of the journal, at once where
    /// it is known at once, or as the last item.
    pub async fn stream<T, W>(
        &self,
        course: Course,
        wanted: W,
    ) -> Result<impl Stream<Item = Result<Told<T>, FeedError>> + Send + use<T, W>, FeedError>
    where
        T: Send,
        W: Fn(Recorded) -> Option<T> + Send,
    {
        let Course {
            from,
            from_now,
            ends,
        } = course;
        let at = match from {
            Some(from) => {
                // Refused now, while the caller still gets a status instead of a broken stream.
                self.read_feed(&from, 1).await?;
                from
            }
            None if from_now => self.end().await?,
            None => self.start().await?,
        };
        let until = if ends { Some(self.end().await?) } else { None };
        let reader = Reader {
            journal: self.clone(),
            wanted,
            at,
            until,
            ready: VecDeque::new(),
            marked: false,
            over: false,
        };
        Ok(unfold(reader, |mut reader| async move {
            let told = Box::pin(reader.next()).await.transpose()?;
            // A stream that has failed has nothing more to say.
            reader.over |= told.is_err();
            Some((told, reader))
        }))
    }
}

struct Reader<T, W> {
    journal: Journal,
    wanted: W,
    at: Positions,
    /// Where to end.
    until: Option<Positions>,
    ready: VecDeque<Told<T>>,
    /// Whether the reader knows that it has caught up.
    marked: bool,
    over: bool,
}

impl<T, W: Fn(Recorded) -> Option<T>> Reader<T, W> {
    async fn next(&mut self) -> Result<Option<Told<T>>, FeedError> {
        loop {
            if let Some(told) = self.ready.pop_front() {
                return Ok(Some(told));
            }
            if self.over {
                return Ok(None);
            }
            if self
                .until
                .as_ref()
                .is_some_and(|end| self.at.has_reached(end))
            {
                self.over = true;
                self.mark_end();
                continue;
            }
            let page = read(&self.journal, &self.at).await?;
            if page.next != self.at {
                self.take(page);
            } else if !self.mark_end() {
                self.journal.appended_since(&page).await;
            }
        }
    }

    /// Makes the wanted events of a page ready.
    fn take(&mut self, page: FeedPage) {
        self.marked = false;
        for event in page.events {
            self.at.advance(&event);
            if let Some(event) = (self.wanted)(event) {
                let token = self.at.to_token();
                self.ready.push_back(Told {
                    event: Some(event),
                    token,
                    caught_up: false,
                });
            }
        }
        self.at = page.next;
        if self.ready.is_empty() {
            self.ready.push_back(self.mark(false));
        }
    }

    /// Lets the reader know once that it has caught up. Returns whether it did not know.
    fn mark_end(&mut self) -> bool {
        let news = !std::mem::replace(&mut self.marked, true);
        if news {
            self.ready.push_back(self.mark(true));
        }
        news
    }

    fn mark(&self, caught_up: bool) -> Told<T> {
        Told {
            event: None,
            token: self.at.to_token(),
            caught_up,
        }
    }
}

/// The next page. Whoever takes the stream may look once and come back much later; a read that
/// stood half-done until then would keep its connection from everybody else.
async fn read(journal: &Journal, at: &Positions) -> Result<FeedPage, FeedError> {
    let (journal, at) = (journal.clone(), at.clone());
    to_its_end(async move { journal.read_feed(&at, PAGE).await }).await
}

impl Positions {
    fn has_reached(&self, end: &Self) -> bool {
        (0..BUCKETS).all(|bucket| self.at(bucket) >= end.at(bucket))
    }
}
