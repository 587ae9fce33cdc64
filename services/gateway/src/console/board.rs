//! Where the latest snapshot hangs, and who looks at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

/// One snapshot, ready to be sent.
#[derive(Debug)]
pub struct Frame {
    /// Tells it from every other one, also of an earlier process.
    pub id: String,
    /// JSON.
    pub json: String,
}

/// The latest snapshot and its viewers. All streams share it; a slow one misses what was replaced
/// before it looked again, and nothing else.
pub struct Board {
    latest: watch::Sender<Option<Arc<Frame>>>,
    seats: Arc<Semaphore>,
    came: Notify,
    run: u32,
    shown: AtomicU64,
}

/// One browser's view.
pub struct Viewer {
    /// The latest snapshot; none until the first one is made.
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
            run: rand::random(),
            shown: AtomicU64::new(0),
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

    /// Returns when somebody came for whom nothing hangs there.
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
        let number = self.shown.fetch_add(1, Ordering::Relaxed) + 1;
        let id = format!("{:08x}-{number}", self.run);
        self.latest.send_replace(Some(Arc::new(Frame { id, json })));
    }

    /// Takes the last snapshot down, so that whoever comes next is not shown the past.
    pub fn clear(&self) {
        if self.latest.borrow().is_some() {
            self.latest.send_replace(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_viewer_is_awaited_only_while_nothing_hangs_there() {
        let board = Board::new(2);
        assert!(!board.is_watched());
        let first = board.join().unwrap();
        board.awaited().await;
        board.show("{}".to_owned());
        let second = board.join().unwrap();
        assert!(board.join().is_none(), "all seats are taken");
        tokio::select! {
            biased;
            () = board.awaited() => panic!("there is a snapshot"),
            () = std::future::ready(()) => {}
        }
        drop((first, second));
        assert!(!board.is_watched());
        board.clear();
        let again = board.join().unwrap();
        assert!(again.frames.borrow().is_none());
    }
}
