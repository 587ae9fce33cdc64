//! Asks routing whom a level means.

use std::collections::BTreeMap;
use std::time::Duration;

use lotse_client::{Channel, deadline};
use lotse_proto::routing::v1::duty_service_client::DutyServiceClient;
use lotse_proto::routing::v1::who_is_on_duty_request::Duty;
use lotse_proto::routing::v1::workflow_service_client::WorkflowServiceClient;
use lotse_proto::routing::v1::{GetGroupRequest, WhoIsOnDutyRequest};
use tonic::{Code, Status};

use crate::domain::{Answers, Question};

/// How long one answer may take: alarms do not wait for a routing that hangs.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a rota's id begins with.
const ROTA: &str = "rta_";

/// The services that know.
#[derive(Clone)]
pub struct Ask {
    duty: DutyServiceClient<Channel>,
    workflow: WorkflowServiceClient<Channel>,
}

/// The answers of one batch. After the first question that stayed unanswered no more are asked: the
/// others would wait as long.
pub(super) struct Asked<'a> {
    ask: &'a Ask,
    answers: Answers,
    silent: bool,
}

impl Ask {
    /// Asks routing behind `channel`.
    pub fn new(channel: &Channel) -> Self {
        Self {
            duty: DutyServiceClient::new(channel.clone()),
            workflow: WorkflowServiceClient::new(channel.clone()),
        }
    }

    /// Begins a batch.
    pub(super) fn begin(&self) -> Asked<'_> {
        Asked {
            ask: self,
            answers: BTreeMap::new(),
            silent: false,
        }
    }

    /// Agents in order; none for what does not exist (any more).
    async fn answer(&self, question: &Question) -> Result<Vec<String>, Status> {
        let answer = match question {
            Question::OnDuty(place) => self.on_duty(place.clone()).await,
            Question::Lead(group) => self.lead(group.clone()).await,
        };
        match answer {
            Err(status) if status.code() == Code::NotFound => Ok(Vec::new()),
            answer => answer,
        }
    }

    async fn on_duty(&self, place: String) -> Result<Vec<String>, Status> {
        let duty = if place.starts_with(ROTA) {
            Duty::RotaId(place)
        } else {
            Duty::GroupId(place)
        };
        let request = WhoIsOnDutyRequest {
            duty: Some(duty),
            at: None,
        };
        let answer = self
            .duty
            .clone()
            .who_is_on_duty(request)
            .await?
            .into_inner();
        let agents = answer.on_duty.into_iter();
        Ok(agents.map(|on_duty| on_duty.agent_id).collect())
    }

    async fn lead(&self, group: String) -> Result<Vec<String>, Status> {
        let request = GetGroupRequest { id: group };
        let answer = self.workflow.clone().get_group(request).await?.into_inner();
        let lead = answer.group.map(|group| group.lead_agent_id);
        Ok(lead.into_iter().filter(|lead| !lead.is_empty()).collect())
    }
}

impl Asked<'_> {
    /// Asks what has not been answered yet; whether all of it is answered now.
    pub(super) async fn all(&mut self, questions: impl IntoIterator<Item = Question>) -> bool {
        let mut complete = true;
        for question in questions {
            if self.answers.contains_key(&question) {
                continue;
            }
            if self.silent {
                complete = false;
                continue;
            }
            match deadline::within(PATIENCE, self.ask.answer(&question)).await {
                Ok(agents) => {
                    self.answers.insert(question, agents);
                }
                Err(status) => {
                    tracing::warn!(?question, %status, "routing does not say whom to tell");
                    metrics::counter!("lotse_sla_alert_questions_unanswered_total").increment(1);
                    (self.silent, complete) = (true, false);
                }
            }
        }
        complete
    }

    /// What is answered by now.
    pub(super) fn answers(&self) -> &Answers {
        &self.answers
    }
}
