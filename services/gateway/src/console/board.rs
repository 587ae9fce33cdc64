//! Where the latest snapshot hangs, and who looks at it.

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

/// One snapshot, ready to be sent.
#[derive(Debug)]
pub struct Frame {
    /// Counts up from 1 in this process.
    pub number: u64,
    /// JSON.
    pub json: String,
}

/// The latest snapshot and its viewers. All streams share it; a slow one misses what was replaced
/// before it looked again, and nothing else.
pub struct Board {
    latest: watch::Sender<Option<Arc<Frame>>>,
    seats: Arc<Semaphore>,
    came: Notify,
}

/// One browser's view.
pub struct Viewer {
    /// The latest snapshot; none until the first one after the viewer came.
    pub frames: watch::Receiver<Option<Arc<Frame>>>,
    _seat: OwnedSemaphorePermit,
}

impl Board {
    /// A board for at most so many viewers.
    pub fn new(max_viewers: usize) -> Self {
        Self {
            latest: watch::Sender::new(None),
            seats: Arc::new(Semaphore::new(max_viewers)),
            came: Notify::new(),
        }
    }

    /// A view for one more browser; `None` when all seats are taken.
    pub fn join(&self) -> Option<Viewer> {
        let seat = Arc::clone(&self.seats).try_acquire_owned().ok()?;
        let frames = self.latest.subscribe();
        self.came.notify_one();
        Some(Viewer {
            frames,
            _seat: seat,
        })
    }

    /// Whether anybody looks.
    pub fn is_watched(&self) -> bool {
        self.latest.receiver_count() > 0
    }

    /// Returns when somebody came who has nothing to see yet.
    pub async fn awaited(&self) {
        loop {
            self.came.notified().await;
            if self.latest.borrow().is_none() {
                return;
            }
        }
    }

    /// Hangs up a new snapshot.
    pub fn show(&self, json: String) {
        self.latest.send_modify(|latest| {
            let number = latest.as_ref().map_or(0, |frame| frame.number) + 1;
            *latest = Some(Arc::new(Frame { number, json }));
        });
    }

    /// Takes the last snapshot down when nobody looks, so that whoever comes next is not shown the
    /// past.
    pub fn clear(&self) {
        if self.latest.borrow().is_some() {
            self.latest.send_replace(None);
        }
    }
}
