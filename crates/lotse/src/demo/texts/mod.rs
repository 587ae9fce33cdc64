//! What people write: a shop for electric bicycles and its customers, in three languages.
//!
//! `{name}` stands for the customer, `{order}` for an order number.

mod de;
mod en;
mod es;

/// A language of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Tongue {
    English,
    German,
    Spanish,
}

/// What a customer writes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Topic {
    Order,
    Delivery,
    Returns,
    Account,
    Billing,
    Product,
}

/// A request for help.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) topic: Topic,
    pub(crate) subject: &'static str,
    pub(crate) body: &'static str,
}

/// All that is said in one language.
pub(crate) struct Phrases {
    pub(crate) first_names: &'static [&'static str],
    pub(crate) last_names: &'static [&'static str],
    pub(crate) problems: &'static [Problem],
    /// An agent who is on it.
    pub(crate) replies: &'static [&'static str],
    /// An agent who needs to know something.
    pub(crate) questions: &'static [&'static str],
    /// The customer's answer.
    pub(crate) answers: &'static [&'static str],
    /// An agent who is done.
    pub(crate) solutions: &'static [&'static str],
    /// Nothing but thank you, which reopens nothing.
    pub(crate) thanks: &'static [&'static str],
    /// It is not solved after all.
    pub(crate) again: &'static [&'static str],
    /// Comments beside a good score.
    pub(crate) praise: &'static [&'static str],
    /// Comments beside a bad score.
    pub(crate) complaints: &'static [&'static str],
}

/// What an agent tells the next support level.
pub(crate) const SUMMARIES: &[&str] = &[
    "Error E21 comes back after a controller reset and a firmware update. Customer sent the log; \
     the cell voltages drift apart. Needs somebody who can read the battery's diagnostics.",
    "Motor cuts out above 15 km/h. Speed sensor and magnet were checked with the customer, cable \
     looks fine. Suspect the torque sensor; a workshop visit was not offered yet.",
    "Second replacement with the same fault. Customer has been patient. Please decide whether we \
     exchange the whole bike.",
    "Account was merged with a stranger's after the migration. I cannot undo that with my rights.",
    "Refund is stuck between the payment provider and us for eight days; needs a manual booking.",
];

/// Notes for whoever gets a ticket that was passed on.
pub(crate) const NOTES: &[&str] = &[
    "Filed in the wrong place; the question itself is clear.",
    "Passing this on with everything the customer sent.",
    "Nothing promised yet.",
];

/// Why a third party's turn it is.
pub(crate) const HOLD_REASONS: &[&str] =
    &["awaiting_vendor", "awaiting_carrier", "awaiting_workshop"];

impl Tongue {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::English, Self::German, Self::Spanish];

    /// BCP 47.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Spanish => "es",
        }
    }

    /// The language that a ticket is written in, as far as anybody here speaks it.
    pub(crate) fn of_tag(tag: &str) -> Self {
        let primary = tag.split('-').next().unwrap_or_default();
        let found = Self::ALL.into_iter().find(|tongue| tongue.tag() == primary);
        found.unwrap_or(Self::English)
    }

    /// What is said in it.
    pub(crate) const fn phrases(self) -> &'static Phrases {
        match self {
            Self::English => &en::PHRASES,
            Self::German => &de::PHRASES,
            Self::Spanish => &es::PHRASES,
        }
    }
}

impl Topic {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Order,
        Self::Delivery,
        Self::Returns,
        Self::Account,
        Self::Billing,
        Self::Product,
    ];

    /// The category of a ticket.
    pub(crate) const fn category(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Delivery => "delivery",
            Self::Returns => "returns",
            Self::Account => "account",
            Self::Billing => "billing",
            Self::Product => "product",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_words_for_every_topic_and_occasion() {
        for tongue in Tongue::ALL {
            let said = tongue.phrases();
            for topic in Topic::ALL {
                let about = said
                    .problems
                    .iter()
                    .filter(|problem| problem.topic == topic);
                assert!(about.count() >= 4, "{tongue:?} {topic:?}");
            }
            let occasions = [
                said.first_names,
                said.last_names,
                said.replies,
                said.questions,
                said.answers,
                said.solutions,
                said.thanks,
                said.again,
                said.praise,
                said.complaints,
            ];
            assert!(occasions.iter().all(|words| words.len() >= 2), "{tongue:?}");
        }
    }

    #[test]
    fn a_language_nobody_speaks_is_answered_in_english() {
        assert_eq!(Tongue::of_tag("de-AT"), Tongue::German);
        assert_eq!(Tongue::of_tag("fi"), Tongue::English);
        assert_eq!(Tongue::of_tag(""), Tongue::English);
    }
}
