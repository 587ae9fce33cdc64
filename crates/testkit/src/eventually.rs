//! Waiting for what another task does, without sleeping for a guess.

use std::fmt::Debug;
use std::time::Duration;

/// Between two looks. Short beside anything a test waits for.
const PAUSE: Duration = Duration::from_millis(5);

/// What a look may answer: yes with a value, or not yet with a reason.
pub trait Outcome {
    /// What is had once it holds.
    type Value;
    /// The value, or why not yet.
    fn outcome(self) -> Result<Self::Value, String>;
}

impl Outcome for bool {
    type Value = ();
    fn outcome(self) -> Result<(), String> {
        if self {
            Ok(())
        } else {
            Err("still false".to_owned())
        }
    }
}

impl<T> Outcome for Option<T> {
    type Value = T;
    fn outcome(self) -> Result<T, String> {
        self.ok_or_else(|| "still none".to_owned())
    }
}

impl<T, E: Debug> Outcome for Result<T, E> {
    type Value = T;
    fn outcome(self) -> Result<T, String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

/// Looks again and again until `look` answers `true`, `Some` or `Ok`, and
/// gives its value. Panics with the last answer when `deadline` has passed.
///
/// On a paused tokio clock the deadline passes as soon as every task waits, so
/// there it only suits what other tasks of the same runtime do.
#[track_caller]
pub fn eventually<L, F>(
    deadline: Duration,
    mut look: L,
) -> impl Future<Output = <F::Output as Outcome>::Value>
where
    L: FnMut() -> F,
    F: Future,
    F::Output: Outcome,
{
    let caller = std::panic::Location::caller();
    async move {
        let mut last = "never looked".to_owned();
        let looking = async {
            loop {
                match look().await.outcome() {
                    Ok(value) => return value,
                    Err(reason) => last = reason,
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        match tokio::time::timeout(deadline, looking).await {
            Ok(value) => value,
            Err(_) => panic!("not within {deadline:?} at {caller}: {last}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn looks_again_until_it_holds() {
        let looks = Cell::new(0);
        let value = eventually(Duration::from_secs(1), || {
            looks.set(looks.get() + 1);
            let now = looks.get();
            async move { (now == 3).then_some(now) }
        })
        .await;
        assert_eq!(value, 3);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "still false")]
    async fn gives_up_at_the_deadline_with_the_last_answer() {
        eventually(Duration::from_secs(1), || async { false }).await;
    }
}
