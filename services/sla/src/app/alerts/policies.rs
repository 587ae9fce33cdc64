//! Escalation policies: put, read.

use lotse_errors::Violations;
use lotse_grpc::page;
use lotse_ids::EscalationPolicyId;
use lotse_journal::{Origin, Tx};
use lotse_proto::sla::v1 as proto;

use crate::app::put::{self, Given};
use crate::domain::EscalationContent;
use crate::settings::CalendarContent;
use crate::store::{notification_targets, settings};
use crate::wire::escalation::{Named, read, write};
use crate::{App, Error};

/// More notification targets than anybody has.
const MOST_TARGETS: u64 = 10_000;

impl App {
    /// Creates an escalation policy or changes one.
    ///
    /// # Errors
    /// All that is wrong with it at once.
    pub async fn put_escalation_policy(
        &self,
        origin: &Origin,
        request: &proto::PutEscalationPolicyRequest,
    ) -> Result<proto::PutEscalationPolicyResponse, Error> {
        let request_id = &request.request_id;
        let method = "sla.PutEscalationPolicy";
        self.journal
            .command(origin, method, request_id, request, |tx| async move {
                self.put_escalation_policy_in(&tx, request).await
            })
            .await
    }

    async fn put_escalation_policy_in(
        &self,
        tx: &Tx,
        request: &proto::PutEscalationPolicyRequest,
    ) -> Result<proto::PutEscalationPolicyResponse, Error> {
        let now = self.clock.now();
        let policy = request.escalation_policy.as_ref();
        let policy = policy
            .ok_or_else(|| lotse_errors::Error::invalid("escalation_policy", "is required"))?;
        settings::lock(tx).await?;
        let in_force = settings::in_force::<EscalationContent>(tx).await?;
        let calendars = settings::in_force::<CalendarContent>(tx).await?;
        let targets = notification_targets::list(tx, None, MOST_TARGETS).await?;
        let named = Named {
            calendars: calendars
                .iter()
                .map(|one| (&*one.id, &*one.content.name))
                .collect(),
            targets: targets
                .iter()
                .map(|one| (one.id.as_str(), one.content.name.as_str()))
                .collect(),
        };
        let mut wrong = Violations::new();
        let content = read(policy, &named, &mut wrong);
        let name = content
            .as_ref()
            .map_or(&policy.name, |content| &content.name)
            .clone();
        let given = Given {
            id: &policy.id,
            name: &name,
            etag: &policy.etag,
        };
        let existing = given.find(&in_force)?;
        let content = put::accept(&name, existing, &in_force, content, wrong)?;
        let id = || EscalationPolicyId::generate(now).to_string();
        let (setting, outcome) = put::store(tx, existing, content, now, id).await?;
        Ok(proto::PutEscalationPolicyResponse {
            escalation_policy: Some(write(&setting)),
            outcome: outcome.into(),
        })
    }

    /// One escalation policy by id or name.
    ///
    /// # Errors
    /// When there is none, or none of that version.
    pub async fn get_escalation_policy(
        &self,
        request: &proto::GetEscalationPolicyRequest,
    ) -> Result<proto::GetEscalationPolicyResponse, Error> {
        let proto::GetEscalationPolicyRequest { id, version } = request;
        let found = self.get_setting::<EscalationContent>(id, *version).await?;
        Ok(proto::GetEscalationPolicyResponse {
            escalation_policy: Some(write(&found)),
        })
    }

    /// The escalation policies by name.
    ///
    /// # Errors
    /// For a wrong page.
    pub async fn list_escalation_policies(
        &self,
        request: &proto::ListEscalationPoliciesRequest,
    ) -> Result<proto::ListEscalationPoliciesResponse, Error> {
        let proto::ListEscalationPoliciesRequest {
            page_size,
            page_token,
        } = request;
        let size = page::size(*page_size, 100, 1_000)?;
        let scope = page::Scope::new("ListEscalationPolicies", &[]);
        let after = scope.key::<1>(page_token)?;
        let mut all = settings::in_force::<EscalationContent>(self.db.reader()).await?;
        all.sort_by(|one, other| one.content.name.cmp(&other.content.name));
        if let Some([after]) = &after {
            all.retain(|policy| policy.content.name > *after);
        }
        let more = all.len() > size as usize;
        all.truncate(size as usize);
        let last = all.last().filter(|_| more);
        Ok(proto::ListEscalationPoliciesResponse {
            escalation_policies: all.iter().map(write).collect(),
            next_page_token: last
                .map_or_else(String::new, |last| scope.token(&[&last.content.name])),
        })
    }
}
