//! Whom a level means at the moment it is told.
//!
//! What only routing knows is asked in [`Question`]s; the rest is decided here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::alert_words::{MissingReason, TargetKind};
use super::escalation::EscalationTarget;

/// Something that routing is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Who is on duty in a rota or group, by id: the one to tell, then stand-ins in order.
    OnDuty(String),
    /// The lead of a group, by id.
    Lead(String),
}

/// What routing answered: agents in order, none when there is nobody. A question without an entry
/// was not answered.
pub type Answers = BTreeMap<Question, Vec<String>>;

/// A level about to be told.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Whom the level means.
    pub targets: &'a [EscalationTarget],
    /// Whether whoever is on duty in the ticket's group is told too.
    pub also_on_duty: bool,
    /// Who has the ticket.
    pub agent: Option<&'a str>,
    /// The ticket's group.
    pub group: Option<&'a str>,
    /// Agents who were told in this round already.
    pub told: &'a BTreeSet<String>,
}

/// An agent who is told, and as what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The agent.
    pub agent_id: String,
    /// As what.
    pub kind: TargetKind,
}

/// A target that nobody was found for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What kind.
    pub kind: TargetKind,
    /// Which one.
    pub id: String,
    /// Why nobody.
    pub why: MissingReason,
}

/// Who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    /// Agents, each once.
    pub agents: Vec<Recipient>,
    /// Notification targets, each once.
    pub notification_targets: Vec<String>,
    /// Targets that nobody was found for.
    pub missing: Vec<Missing>,
}

impl Call<'_> {
    /// What must be asked to find everybody.
    pub fn questions(&self) -> BTreeSet<Question> {
        let mut questions: BTreeSet<_> = self
            .targets
            .iter()
            .filter_map(|target| self.question(target))
            .collect();
        if self.also_on_duty {
            questions.extend(self.group.map(|group| Question::OnDuty(group.to_owned())));
        }
        questions
    }

    /// Everybody who can be found with these answers.
    pub fn recipients(&self, answers: &Answers) -> Recipients {
        let mut found = Recipients::default();
        for target in self.targets {
            self.find(target, answers, &mut found);
        }
        if self.also_on_duty {
            let target = EscalationTarget {
                kind: TargetKind::OnDuty,
                id: String::new(),
            };
            self.find(&target, answers, &mut found);
        }
        found
    }

    /// The rota or group that a target looks into: its own, or the ticket's group.
    fn place<'a>(&'a self, target: &'a EscalationTarget) -> Option<&'a str> {
        let own = Some(target.id.as_str()).filter(|id| !id.is_empty());
        own.or(self.group)
    }

    fn question(&self, target: &EscalationTarget) -> Option<Question> {
        let place = self.place(target).map(str::to_owned);
        match target.kind {
            TargetKind::TicketAgent if self.agent.is_some() => None,
            TargetKind::TicketAgent | TargetKind::OnDuty | TargetKind::Team => {
                place.map(Question::OnDuty)
            }
            TargetKind::GroupLead => place.map(Question::Lead),
            TargetKind::Agent | TargetKind::NotificationTarget => None,
        }
    }

    fn find(&self, target: &EscalationTarget, answers: &Answers, found: &mut Recipients) {
        match self.agent_for(target, answers, found) {
            Ok(Some(agent)) => found.tell(agent, target.kind),
            Ok(None) => {
                if !found.notification_targets.contains(&target.id) {
                    found.notification_targets.push(target.id.clone());
                }
            }
            Err(why) => found.missing.push(Missing {
                kind: target.kind,
                id: target.id.clone(),
                why,
            }),
        }
    }

    /// The agent that a target means; `None` for a notification target.
    fn agent_for(
        &self,
        target: &EscalationTarget,
        answers: &Answers,
        found: &Recipients,
    ) -> Result<Option<String>, MissingReason> {
        if target.kind == TargetKind::NotificationTarget {
            return Ok(None);
        }
        if target.kind == TargetKind::Agent {
            return Ok(Some(target.id.clone()));
        }
        if let (TargetKind::TicketAgent, Some(agent)) = (target.kind, self.agent) {
            return Ok(Some(agent.to_owned()));
        }
        let question = self.question(target).ok_or(MissingReason::NoGroup)?;
        let agents = answers.get(&question).ok_or(MissingReason::Unanswered)?;
        let first = agents.first().ok_or(match target.kind {
            TargetKind::GroupLead => MissingReason::NoLead,
            _ => MissingReason::NobodyOnDuty,
        })?;
        let fresh = |agent: &&String| {
            let now = found.agents.iter().any(|told| told.agent_id == **agent);
            !now && !self.told.contains(*agent)
        };
        let chosen = match target.kind {
            TargetKind::GroupLead | TargetKind::TicketAgent => first,
            // Duty is duty: without a stand-in the same person is told again.
            TargetKind::OnDuty => agents.iter().find(fresh).unwrap_or(first),
            _ => agents.iter().find(fresh).ok_or(MissingReason::NobodyLeft)?,
        };
        Ok(Some(chosen.clone()))
    }
}

impl Recipients {
    fn tell(&mut self, agent_id: String, kind: TargetKind) {
        if !self.agents.iter().any(|told| told.agent_id == agent_id) {
            self.agents.push(Recipient { agent_id, kind });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(kind: TargetKind, id: &str) -> EscalationTarget {
        EscalationTarget {
            kind,
            id: id.into(),
        }
    }

    fn on_duty(place: &str, agents: &[&str]) -> (Question, Vec<String>) {
        let agents = agents.iter().map(|agent| (*agent).to_owned()).collect();
        (Question::OnDuty(place.into()), agents)
    }

    fn told(agents: &[&str]) -> BTreeSet<String> {
        agents.iter().map(|agent| (*agent).to_owned()).collect()
    }

    fn agents(found: &Recipients) -> Vec<&str> {
        let agents = found.agents.iter();
        agents.map(|told| told.agent_id.as_str()).collect()
    }

    #[test]
    fn the_ticket_s_agent_needs_no_question_and_its_absence_asks_the_group() {
        let targets = [target(TargetKind::TicketAgent, "")];
        let nobody = told(&[]);
        let mut call = Call {
            targets: &targets,
            also_on_duty: false,
            agent: Some("ada"),
            group: Some("desk"),
            told: &nobody,
        };
        assert_eq!(call.questions(), BTreeSet::new());
        assert_eq!(agents(&call.recipients(&Answers::new())), ["ada"]);
        call.agent = None;
        let asked = BTreeSet::from([Question::OnDuty("desk".into())]);
        assert_eq!(call.questions(), asked);
        let answers = Answers::from([on_duty("desk", &["bob", "cy"])]);
        assert_eq!(agents(&call.recipients(&answers)), ["bob"]);
        call.group = None;
        let missing = call.recipients(&answers).missing;
        assert_eq!(missing[0].why, MissingReason::NoGroup);
    }

    #[test]
    fn the_team_is_another_agent_than_those_told_before_and_now() {
        let targets = [
            target(TargetKind::Agent, "bob"),
            target(TargetKind::Team, ""),
            target(TargetKind::Team, ""),
        ];
        let before = told(&["ada"]);
        let call = Call {
            targets: &targets,
            also_on_duty: false,
            agent: None,
            group: Some("desk"),
            told: &before,
        };
        let answers = Answers::from([on_duty("desk", &["ada", "bob", "cy"])]);
        let found = call.recipients(&answers);
        assert_eq!(agents(&found), ["bob", "cy"]);
        assert_eq!(found.missing[0].why, MissingReason::NobodyLeft);
    }

    #[test]
    fn whoever_is_on_duty_is_told_again_when_there_is_no_stand_in() {
        let targets = [target(TargetKind::OnDuty, "rota")];
        let before = told(&["ada"]);
        let call = Call {
            targets: &targets,
            also_on_duty: false,
            agent: None,
            group: None,
            told: &before,
        };
        let alone = Answers::from([on_duty("rota", &["ada"])]);
        assert_eq!(agents(&call.recipients(&alone)), ["ada"]);
        let two = Answers::from([on_duty("rota", &["ada", "bob"])]);
        assert_eq!(agents(&call.recipients(&two)), ["bob"]);
    }

    #[test]
    fn what_was_not_answered_is_missing_and_the_rest_is_told() {
        let targets = [
            target(TargetKind::TicketAgent, ""),
            target(TargetKind::GroupLead, ""),
            target(TargetKind::NotificationTarget, "pager"),
            target(TargetKind::NotificationTarget, "pager"),
        ];
        let nobody = told(&[]);
        let call = Call {
            targets: &targets,
            also_on_duty: true,
            agent: Some("ada"),
            group: Some("desk"),
            told: &nobody,
        };
        let found = call.recipients(&Answers::new());
        assert_eq!(agents(&found), ["ada"]);
        assert_eq!(found.notification_targets, ["pager"]);
        let why: Vec<_> = found
            .missing
            .iter()
            .map(|one| (one.kind, one.why))
            .collect();
        let unanswered = MissingReason::Unanswered;
        assert_eq!(
            why,
            [
                (TargetKind::GroupLead, unanswered),
                (TargetKind::OnDuty, unanswered)
            ]
        );
        let lead = (Question::Lead("desk".into()), Vec::new());
        let found = call.recipients(&Answers::from([lead, on_duty("desk", &["ada", "bob"])]));
        assert_eq!(agents(&found), ["ada", "bob"]);
        assert_eq!(found.missing[0].why, MissingReason::NoLead);
    }
}
