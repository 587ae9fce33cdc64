//! Whether a new ticket repeats one that was solved: the same requester, and the same category or
//! a clearly similar subject.

use std::collections::BTreeSet;

use lotse_clock::Timestamp;
use lotse_ids::{RequesterId, TicketId};

/// Share of all words of two subjects that must be in both. Subjects are short; at six of ten one
/// word in four may differ.
const SIMILAR_SHARE: (usize, usize) = (3, 5);
/// A single shared word is no likeness.
const MIN_SHARED: usize = 2;

/// A solved ticket that a new one may repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solved {
    /// The ticket.
    pub id: TicketId,
    /// Who asked.
    pub requester_id: RequesterId,
    /// What it was about.
    pub category: String,
    /// Its subject.
    pub subject: String,
    /// When it was solved.
    pub solved_at: Timestamp,
    /// How many stand before it in its chain.
    pub repeat_count: u32,
}

/// The one of `solved` that a ticket with this category and subject repeats: of several the one
/// solved last. All must be of its requester and solved within the window.
pub fn repeated<'a>(
    solved: impl IntoIterator<Item = &'a Solved>,
    category: &str,
    subject: &str,
) -> Option<&'a Solved> {
    let alike = |old: &&Solved| {
        (!category.is_empty() && old.category == category) || are_similar(&old.subject, subject)
    };
    solved
        .into_iter()
        .filter(alike)
        .max_by_key(|old| (old.solved_at, &old.id))
}

/// Whether two subjects are clearly similar: at least two words and three fifths of all words are
/// in both (Jaccard index), without regard to order, case and `Re:`.
pub fn are_similar(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    let shared = one.intersection(&other).count();
    let all = one.len() + other.len() - shared;
    let (wanted, of) = SIMILAR_SHARE;
    shared >= MIN_SHARED && shared * of >= all * wanted
}

fn words(subject: &str) -> BTreeSet<String> {
    const REPLY_MARKS: [&str; 7] = ["re", "fw", "fwd", "aw", "wg", "tr", "rv"];
    subject
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .filter(|word| !REPLY_MARKS.contains(&word.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solved(category: &str, subject: &str, at: i64) -> Solved {
        Solved {
            id: TicketId::generate(Timestamp::from_millis(at)),
            requester_id: RequesterId::generate(Timestamp::EPOCH),
            category: category.to_owned(),
            subject: subject.to_owned(),
            solved_at: Timestamp::from_millis(at),
            repeat_count: 0,
        }
    }

    #[test]
    fn subjects_are_similar_when_most_words_are_shared() {
        assert!(are_similar(
            "Printer on floor 3 broken",
            "AW: printer on floor 3 is broken"
        ));
        assert!(!are_similar("Printer broken", "Screen broken"));
        assert!(!are_similar("Printer", "printer"), "one word is too little");
        assert!(!are_similar("", ""));
    }

    #[test]
    fn the_latest_of_the_same_category_is_repeated() {
        let old = [
            solved("vpn", "a", 1),
            solved("vpn", "b", 2),
            solved("mail", "c", 3),
        ];
        assert_eq!(repeated(&old, "vpn", "x").unwrap().id, old[1].id);
        assert_eq!(repeated(&old, "", "x"), None);
    }

    #[test]
    fn no_category_is_not_the_same_category() {
        assert_eq!(repeated(&[solved("", "a b c", 1)], "", "x y z"), None);
    }
}
