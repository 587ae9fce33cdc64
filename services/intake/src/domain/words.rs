//! The closed vocabularies of a ticket, each with the words that the database stores.

/// An enum whose values have a stable word each.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $word:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$value_doc])* $value,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The stored word.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$value => $word),+ }
            }

            /// The value of a stored word.
            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.word() == word)
            }
        }
    )+};
}

words! {
    /// Whose turn it is.
    Status {
        /// Nobody has touched it.
        New = "new",
        /// Our turn.
        Open = "open",
        /// The requester's turn.
        Pending = "pending",
        /// A third party's turn.
        OnHold = "on_hold",
        /// Answered; it can still be reopened.
        Solved = "solved",
        /// Over.
        Closed = "closed",
    }

    /// Where a ticket came from.
    Channel {
        /// A mail.
        Email = "email",
        /// A live chat.
        Chat = "chat",
        /// A telephone call.
        Phone = "phone",
        /// A form on a web page.
        Web = "web",
        /// Another system.
        Api = "api",
        /// A social network.
        Social = "social",
        /// Somebody at the desk.
        WalkIn = "walk_in",
    }

    /// How soon a ticket must be worked on.
    Priority {
        /// At once.
        Urgent = "urgent",
        /// Before the normal ones.
        High = "high",
        /// In turn.
        Normal = "normal",
        /// When there is time.
        Low = "low",
    }

    /// Who or what wrote a message.
    AuthorKind {
        /// The person who asks.
        Requester = "requester",
        /// A human agent.
        Human = "human",
        /// A conversational bot.
        Bot = "bot",
        /// A rule or an import.
        Automation = "automation",
        /// Lotse itself.
        System = "system",
    }

    /// Who may read a message.
    Visibility {
        /// The requester too.
        Public = "public",
        /// Agents only.
        Internal = "internal",
    }
}

impl Status {
    /// Whether work on it is still owed.
    pub const fn is_unsolved(self) -> bool {
        !matches!(self, Self::Solved | Self::Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_found_again_by_its_word() {
        for status in Status::ALL {
            assert_eq!(Status::of_word(status.word()), Some(*status));
        }
        assert_eq!(Status::of_word("NEW"), None);
    }
}
