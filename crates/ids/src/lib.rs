//! Identifiers: prefixed, time-ordered strings ([TypeID](https://github.com/jetify-com/typeid)).
//!
//! An id is its type's prefix, an underscore and a UUIDv7 in 26 characters of base32, such as
//! `tkt_01h455vb4pex5vsknk084sn02q`: it says what it names, sorts by the time it was made, and a
//! ticket's id cannot be passed where an agent's is wanted.

pub mod organisation;

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use lotse_clock::Timestamp;
use serde::{Deserialize, Serialize};
use type_safe_id::{DynamicType, TypeSafeId};

/// A string that is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an id that starts with `{prefix}_`, not {given:?}")]
pub struct InvalidId {
    /// The prefix that was wanted, without its underscore.
    pub prefix: &'static str,
    /// What was given, cut to 64 characters.
    pub given: String,
}

fn generate(prefix: &'static str, now: Timestamp) -> String {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
    let kind = DynamicType::new(prefix).expect("a prefix of this crate"); // invariant: prefixes are lower-case ASCII
    TypeSafeId::from_type_and_uuid(kind, uuid).to_string()
}

fn check(prefix: &'static str, given: &str) -> Result<(), InvalidId> {
    match given.parse::<TypeSafeId<DynamicType>>() {
        Ok(id) if id.type_prefix() == prefix => Ok(()),
        _ => Err(InvalidId {
            prefix,
            given: given.chars().take(64).collect(),
        }),
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The prefix, without its underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id that sorts by `now`.
            pub fn generate(now: Timestamp) -> Self {
                Self(generate(Self::PREFIX, now))
            }

            /// The id as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(given: &str) -> Result<Self, InvalidId> {
                check(Self::PREFIX, given).map(|()| Self(given.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(given: String) -> Result<Self, InvalidId> {
                check(Self::PREFIX, &given).map(|()| Self(given))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// A ticket.
    TicketId = "tkt";
    /// A message or note on a ticket.
    MessageId = "msg";
    /// Somebody who asks for help.
    RequesterId = "req";
    /// Somebody who answers.
    AgentId = "agt";
    /// A group of agents.
    GroupId = "grp";
    /// A skill that an agent has and a ticket may need.
    SkillId = "skl";
    /// A queue where tickets wait for an agent.
    QueueId = "que";
    /// A routing workflow.
    WorkflowId = "wfl";
    /// One routing attempt and its record.
    DecisionId = "dec";
    /// An offer of a ticket to an agent.
    OfferId = "ofr";
    /// Cover of one group by another.
    CoverId = "cov";
    /// An SLA policy.
    PolicyId = "pol";
    /// A calendar of business hours.
    CalendarId = "cal";
    /// One cycle of one SLA metric on one ticket.
    ClockId = "clk";
    /// An alert: somebody must look at a ticket's clock.
    AlertId = "alr";
    /// Who is told of an alert, in which order.
    EscalationPolicyId = "esc";
    /// Where notices are sent.
    NotificationTargetId = "ntf";
    /// A notice on its way.
    DeliveryId = "dlv";
    /// A duty rota.
    RotaId = "rta";
    /// An exception to a duty rota.
    DutyOverrideId = "ovr";
    /// A note for the next turn of a duty.
    HandOverNoteId = "hon";
    /// A survey definition.
    SurveyId = "srv";
    /// An invitation to answer a survey.
    InvitationId = "inv";
    /// An answer to a survey.
    AnswerId = "ans";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_their_prefix_and_sort_by_time() {
        let early = TicketId::generate(Timestamp::from_millis(1_000));
        let late = TicketId::generate(Timestamp::from_millis(2_000));
        assert!(early.as_str().starts_with("tkt_"));
        assert!(early < late);
        assert_eq!(early.as_str().parse(), Ok(early));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let agent = AgentId::generate(Timestamp::EPOCH);
        let refused = agent.as_str().parse::<TicketId>().unwrap_err();
        assert_eq!(refused.prefix, "tkt");
        assert!("tkt_".parse::<TicketId>().is_err());
        assert!("tkt_\0".parse::<TicketId>().is_err());
    }

    #[test]
    fn serde_refuses_what_from_str_refuses() {
        assert!(serde_json::from_str::<TicketId>("\"agt_x\"").is_err());
    }
}
