//! Policies: put, read.

use lotse_errors::Violations;
use lotse_grpc::page;
use lotse_ids::PolicyId;
use lotse_journal::{Origin, Tx};
use lotse_proto::sla::v1 as proto;

use super::put::{self, Given};
use crate::domain::{EscalationContent, PolicyContent};
use crate::settings::CalendarContent;
use crate::store::settings::{self, Setting};
use crate::wire::policy::{read, write};
use crate::{App, Error};

impl App {
    /// Creates a policy or changes one.
    ///
    /// # Errors
    /// All that is wrong with it at once.
    pub async fn put_policy(
        &self,
        origin: &Origin,
        request: &proto::PutPolicyRequest,
    ) -> Result<proto::PutPolicyResponse, Error> {
        let request_id = &request.request_id;
        self.journal
            .command(
                origin,
                "sla.PutPolicy",
                request_id,
                request,
                |tx| async move { self.put_policy_in(&tx, request).await },
            )
            .await
    }

    async fn put_policy_in(
        &self,
        tx: &Tx,
        request: &proto::PutPolicyRequest,
    ) -> Result<proto::PutPolicyResponse, Error> {
        let now = self.clock.now();
        let policy = request.policy.as_ref();
        let policy = policy.ok_or_else(|| lotse_errors::Error::invalid("policy", "is required"))?;
        let open_tickets = put::read_open_tickets(request.open_tickets)?;
        settings::lock(tx).await?;
        let in_force = settings::in_force::<PolicyContent>(tx).await?;
        let calendars = settings::in_force::<CalendarContent>(tx).await?;
        let mut wrong = Violations::new();
        let escalations = settings::in_force::<EscalationContent>(tx).await?;
        let content = read(policy, &calendars, &escalations, now, &mut wrong);
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
        let id = || PolicyId::generate(now).to_string();
        let (setting, outcome) = put::store(tx, existing, content, now, id).await?;
        put::rebase(tx, open_tickets, &setting, now).await?;
        Ok(proto::PutPolicyResponse {
            policy: Some(write(&setting)),
            outcome: outcome.into(),
        })
    }

    /// One policy by id or name.
    ///
    /// # Errors
    /// When there is none, or none of that version.
    pub async fn get_policy(
        &self,
        request: &proto::GetPolicyRequest,
    ) -> Result<proto::GetPolicyResponse, Error> {
        let proto::GetPolicyRequest { id, version } = request;
        let found = self.get_setting::<PolicyContent>(id, *version).await?;
        Ok(proto::GetPolicyResponse {
            policy: Some(write(&found)),
        })
    }

    /// The policies in the order in which they are tried.
    ///
    /// # Errors
    /// For a wrong page.
    pub async fn list_policies(
        &self,
        request: &proto::ListPoliciesRequest,
    ) -> Result<proto::ListPoliciesResponse, Error> {
        let proto::ListPoliciesRequest {
            page_size,
            page_token,
        } = request;
        let size = page::size(*page_size, 100, 1_000)?;
        let scope = page::Scope::new("ListPolicies", &[]);
        let after = scope.key::<2>(page_token)?;
        // All of them are held in memory anyway by whoever keeps clocks.
        let mut all = settings::in_force::<PolicyContent>(self.db.reader()).await?;
        let key = |policy: &Setting<PolicyContent>| {
            [
                format!("{:07}", policy.content.position),
                policy.content.name.clone(),
            ]
        };
        all.sort_by_key(key);
        all.retain(|policy| after.as_ref().is_none_or(|after| key(policy) > *after));
        let more = all.len() > size as usize;
        all.truncate(size as usize);
        let last = all.last().filter(|_| more).map(key);
        Ok(proto::ListPoliciesResponse {
            policies: all.iter().map(write).collect(),
            next_page_token: last.map_or_else(String::new, |[position, name]| {
                scope.token(&[&position, &name])
            }),
        })
    }

    /// One setting by id or name; version 0 is the one in force.
    pub(super) async fn get_setting<C: settings::Content>(
        &self,
        id: &str,
        version: u32,
    ) -> Result<Setting<C>, Error> {
        if id.is_empty() {
            return Err(lotse_errors::Error::invalid("id", "is required").into());
        }
        let found = settings::find(self.db.reader(), id, version).await?;
        found.ok_or_else(|| {
            let what = if version == 0 {
                id.to_owned()
            } else {
                format!("{id} version {version}")
            };
            Error::NotFound(C::KIND, what)
        })
    }
}
