//! `lotse.routing.v1.WorkflowService`.

use lotse_errors::{Text, Violations};
use lotse_grpc::{caller, page};
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::workflow_service_server::WorkflowService;
use tonic::{Request, Response, Status};

use super::{Api, channels, cut, finish, parse, place, show};
use super::{workflow_in, workflow_out};
use crate::app::configuration::{WantedGroup, WantedSkill};
use crate::app::{Ref, find_group};
use crate::error::Error;

fn wanted_group(request: &proto::PutGroupRequest) -> Result<WantedGroup, Error> {
    let proto::PutGroupRequest { group, request_id } = request;
    let mut wrong = Violations::new();
    let group = wrong.present("group", group.as_ref()).map(|group| {
        let proto::Group {
            id,
            name,
            tier,
            required_skills,
            lead_agent_id,
            escalation_group_id,
            version: _,
            etag,
            created_at: _,
            updated_at: _,
            handling,
        } = group;
        let wrong = &mut wrong;
        WantedGroup {
            id: wrong.parse_optional("group.id", id),
            name: parse::name(wrong, "group.name", name, "grp"),
            tier: parse::tier(wrong, "group.tier", *tier),
            required_skills: parse::skills(
                wrong,
                "group.required_skills",
                required_skills,
                16,
                Some(1),
            ),
            lead: parse::reference(wrong, "group.lead_agent_id", lead_agent_id),
            escalates_to: parse::reference(wrong, "group.escalation_group_id", escalation_group_id),
            handling: channels::handling(wrong, "group.handling", handling.as_ref()),
            etag: etag.clone(),
        }
    });
    finish(wrong, request_id, group)
}

fn wanted_skill(request: &proto::PutSkillRequest) -> Result<WantedSkill, Error> {
    let proto::PutSkillRequest { skill, request_id } = request;
    let mut wrong = Violations::new();
    let skill = wrong.present("skill", skill.as_ref()).map(|skill| {
        let proto::Skill {
            id: _,
            name,
            description,
            version: _,
            etag,
            created_at: _,
            updated_at: _,
        } = skill;
        WantedSkill {
            name: parse::skill(&mut wrong, "skill.name", name),
            description: wrong.text("skill.description", description, Text::line(0..=512)),
            etag: etag.clone(),
        }
    });
    finish(wrong, request_id, skill)
}

#[tonic::async_trait]
impl WorkflowService for Api {
    async fn put_group(
        &self,
        request: Request<proto::PutGroupRequest>,
    ) -> Result<Response<proto::PutGroupResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let wanted = &wanted_group(&request)?;
        self.command(
            &caller,
            "PutGroup",
            &request.request_id,
            &request,
            |tx| async move {
                let (group, outcome) = self.app.put_group(&tx, wanted).await?;
                Ok(proto::PutGroupResponse {
                    group: Some(show::group(&group)),
                    outcome: show::outcome(outcome),
                })
            },
        )
        .await
    }

    async fn get_group(
        &self,
        request: Request<proto::GetGroupRequest>,
    ) -> Result<Response<proto::GetGroupResponse>, Status> {
        let proto::GetGroupRequest { id } = request.into_inner();
        let directory = self.app.directory().await?;
        let group = Some(show::group(find_group(&directory, &Ref::parse(&id))?));
        Ok(Response::new(proto::GetGroupResponse { group }))
    }

    async fn list_groups(
        &self,
        request: Request<proto::ListGroupsRequest>,
    ) -> Result<Response<proto::ListGroupsResponse>, Status> {
        let proto::ListGroupsRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let scope = page::Scope::new("ListGroups", &[]);
        let place = place(&scope, page_size, &page_token)?;
        let directory = self.app.directory().await?;
        let all = directory.groups_by_name();
        let (groups, next_page_token) = cut(all, &scope, place, |group| &group.profile.name);
        Ok(Response::new(proto::ListGroupsResponse {
            groups: groups.into_iter().map(show::group).collect(),
            next_page_token,
        }))
    }

    async fn put_skill(
        &self,
        request: Request<proto::PutSkillRequest>,
    ) -> Result<Response<proto::PutSkillResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let wanted = &wanted_skill(&request)?;
        self.command(
            &caller,
            "PutSkill",
            &request.request_id,
            &request,
            |tx| async move {
                let (skill, outcome) = self.app.put_skill(&tx, wanted).await?;
                Ok(proto::PutSkillResponse {
                    skill: Some(show::skill(&skill)),
                    outcome: show::outcome(outcome),
                })
            },
        )
        .await
    }

    async fn list_skills(
        &self,
        request: Request<proto::ListSkillsRequest>,
    ) -> Result<Response<proto::ListSkillsResponse>, Status> {
        let proto::ListSkillsRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let scope = page::Scope::new("ListSkills", &[]);
        let place = place(&scope, page_size, &page_token)?;
        let directory = self.app.directory().await?;
        let all = directory.skills.values().collect();
        let (skills, next_page_token) = cut(all, &scope, place, |skill| &skill.profile.name);
        Ok(Response::new(proto::ListSkillsResponse {
            skills: skills.into_iter().map(show::skill).collect(),
            next_page_token,
        }))
    }

    async fn put_workflow(
        &self,
        request: Request<proto::PutWorkflowRequest>,
    ) -> Result<Response<proto::PutWorkflowResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::PutWorkflowRequest {
            workflow,
            request_id,
        } = &request;
        finish(Violations::new(), request_id, Some(()))?;
        self.command(
            &caller,
            "PutWorkflow",
            request_id,
            &request,
            |tx| async move {
                let mut wrong = Violations::new();
                let wanted = workflow_in::wanted(workflow.as_ref(), &mut wrong);
                let put = self.app.put_workflow(&tx, wanted, wrong).await?;
                Ok(proto::PutWorkflowResponse {
                    workflow: Some(workflow_out::workflow(&put.workflow)),
                    outcome: show::outcome(put.outcome),
                    warnings: workflow_out::findings(put.doubts),
                })
            },
        )
        .await
    }

    async fn validate_workflow(
        &self,
        request: Request<proto::ValidateWorkflowRequest>,
    ) -> Result<Response<proto::ValidateWorkflowResponse>, Status> {
        let proto::ValidateWorkflowRequest { workflow } = request.into_inner();
        let mut wrong = Violations::new();
        let wanted = workflow_in::wanted(workflow.as_ref(), &mut wrong);
        let (problems, doubts) = self.app.validate_workflow(wanted, wrong).await?;
        Ok(Response::new(proto::ValidateWorkflowResponse {
            problems: workflow_out::findings(problems),
            warnings: workflow_out::findings(doubts),
        }))
    }

    async fn roll_back_workflow(
        &self,
        request: Request<proto::RollBackWorkflowRequest>,
    ) -> Result<Response<proto::RollBackWorkflowResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::RollBackWorkflowRequest {
            version,
            etag,
            request_id,
        } = &request;
        let mut wrong = Violations::new();
        wrong.require("version", *version > 0, "must name a version");
        finish(wrong, request_id, Some(()))?;
        self.command(
            &caller,
            "RollBackWorkflow",
            request_id,
            &request,
            |tx| async move {
                let rolled_back = self.app.roll_back_workflow(&tx, *version, etag);
                let (workflow, outcome) = rolled_back.await?;
                Ok(proto::RollBackWorkflowResponse {
                    workflow: Some(workflow_out::workflow(&workflow)),
                    outcome: show::outcome(outcome),
                })
            },
        )
        .await
    }

    async fn list_workflow_versions(
        &self,
        request: Request<proto::ListWorkflowVersionsRequest>,
    ) -> Result<Response<proto::ListWorkflowVersionsResponse>, Status> {
        let proto::ListWorkflowVersionsRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let scope = page::Scope::new("ListWorkflowVersions", &[]);
        let (before, size) = place(&scope, page_size, &page_token)?;
        let before = before.map(|before| before.parse::<i64>());
        let before = before
            .transpose()
            .map_err(|_| lotse_errors::Error::invalid("page_token", "is damaged"))?;
        // One more than asked for tells whether there is another page.
        let limit = u64::try_from(size).unwrap_or(u64::MAX).saturating_add(1);
        let mut versions = self.app.workflows(before, limit).await?;
        let more = versions.len() > size;
        versions.truncate(size);
        let next_page_token = match versions.last() {
            Some(last) if more => scope.token(&[&last.version.to_string()]),
            _ => String::new(),
        };
        Ok(Response::new(proto::ListWorkflowVersionsResponse {
            versions: versions.iter().map(workflow_out::version).collect(),
            next_page_token,
        }))
    }

    async fn get_workflow(
        &self,
        request: Request<proto::GetWorkflowRequest>,
    ) -> Result<Response<proto::GetWorkflowResponse>, Status> {
        let proto::GetWorkflowRequest { version } = request.into_inner();
        let workflow = self.app.workflow((version > 0).then_some(version)).await?;
        let workflow = Some(workflow_out::workflow(&workflow));
        Ok(Response::new(proto::GetWorkflowResponse { workflow }))
    }
}
