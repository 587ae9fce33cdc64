//! Who calls, and what they may do.

use std::collections::BTreeSet;
use std::sync::Arc;

use lotse_errors::{Error, ErrorReason};
use lotse_ids::AgentId;

/// The caller of one RPC. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Pseudonymous id, the same for the same subject of the same issuer: for the audit trail and
    /// for telling callers apart, without a name in it. `local` without authentication.
    pub principal: Arc<str>,
    /// What the caller may do.
    pub scopes: Scopes,
    /// The agent this caller is, from the token's claim `agent_id`.
    pub agent_id: Option<AgentId>,
}

/// A set of scopes such as `tickets.write`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scopes {
    /// Every scope: a development server on loopback.
    All,
    /// These and no others.
    These(Arc<BTreeSet<String>>),
}

impl Caller {
    /// The caller of a server without authentication, which serves loopback only.
    pub fn local() -> Self {
        Self {
            principal: "local".into(),
            scopes: Scopes::All,
            agent_id: None,
        }
    }

    /// Nobody: may do nothing.
    pub fn nobody() -> Self {
        Self {
            principal: "nobody".into(),
            scopes: Scopes::These(Arc::default()),
            agent_id: None,
        }
    }

    /// Whether the caller has `scope`.
    pub fn has(&self, scope: &str) -> bool {
        match &self.scopes {
            Scopes::All => true,
            Scopes::These(scopes) => scopes.contains(scope),
        }
    }

    /// Lets only callers with `scope` pass.
    ///
    /// # Errors
    /// PERMISSION_DENIED with the scope in the metadata.
    pub fn require(&self, scope: &str) -> Result<(), Error> {
        if self.has(scope) {
            return Ok(());
        }
        let message = format!("the token lacks the scope {scope}");
        Err(Error::permission_denied(ErrorReason::ScopeMissing, message).with("scope", scope))
    }

    /// Lets the caller act for `agent` only if it is that agent, or runs on a server without
    /// authentication.
    ///
    /// # Errors
    /// PERMISSION_DENIED.
    pub fn require_agent(&self, agent: &AgentId) -> Result<(), Error> {
        if self.scopes == Scopes::All || self.agent_id.as_ref() == Some(agent) {
            return Ok(());
        }
        let message = "the token does not act for this agent";
        Err(Error::permission_denied(ErrorReason::NotYourAgent, message)
            .about("agent", agent.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lotse_clock::Timestamp;

    #[test]
    fn caller_has_only_the_scopes_given() {
        let scopes = Scopes::These(Arc::new(["tickets.read".to_owned()].into()));
        let caller = Caller {
            scopes,
            ..Caller::nobody()
        };
        assert!(caller.require("tickets.read").is_ok());
        let refused = caller.require("tickets.write").unwrap_err();
        assert_eq!(refused.reason(), ErrorReason::ScopeMissing);
        assert!(!Caller::nobody().has(""));
        assert!(Caller::local().has("anything"));
    }

    #[test]
    fn caller_acts_for_its_own_agent_only() {
        let (own, other) = (
            AgentId::generate(Timestamp::EPOCH),
            AgentId::generate(Timestamp::EPOCH),
        );
        let caller = Caller {
            agent_id: Some(own.clone()),
            ..Caller::nobody()
        };
        assert!(caller.require_agent(&own).is_ok());
        let refused = caller.require_agent(&other).unwrap_err();
        assert_eq!(refused.reason(), ErrorReason::NotYourAgent);
        assert!(Caller::nobody().require_agent(&own).is_err());
    }
}
