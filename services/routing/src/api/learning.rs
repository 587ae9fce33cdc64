//! `lotse.routing.v1.LearningService`.

use lotse_errors::Violations;
use lotse_grpc::{caller, page};
use lotse_ids::TicketId;
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::learning_service_server::LearningService;
use lotse_proto::time::to_proto;
use tonic::{Request, Response, Status};

use super::{Api, DEFAULT_PAGE, MAX_PAGE, finish};
use crate::app::learning::models::Shown;
use crate::domain::advice::{Advice, Feature, Suggestion};
use crate::domain::codes::{Certainty, TextUse, Verdict};
use crate::domain::directory::Directory;
use crate::domain::quality::{Bin, Figures, Measured};
use crate::domain::words::group_name;
use crate::error::Error;
use crate::store::learning::models::Listed;

#[tonic::async_trait]
impl LearningService for Api {
    async fn get_model(
        &self,
        request: Request<proto::GetModelRequest>,
    ) -> Result<Response<proto::GetModelResponse>, Status> {
        let proto::GetModelRequest { version } = request.into_inner();
        let shown = self.app.model((version > 0).then_some(version)).await?;
        let model = Some(model(&shown));
        Ok(Response::new(proto::GetModelResponse { model }))
    }

    async fn list_models(
        &self,
        request: Request<proto::ListModelsRequest>,
    ) -> Result<Response<proto::ListModelsResponse>, Status> {
        let proto::ListModelsRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let scope = page::Scope::new("ListModels", &[]);
        let size = page::size(page_size, DEFAULT_PAGE, MAX_PAGE).map_err(Error::from)?;
        let after = scope.key::<1>(&page_token).map_err(Error::from)?;
        let after = after.map(|[version]| version.parse::<u32>());
        let mut wrong = Violations::new();
        let before = wrong.take("page_token", after.transpose()).flatten();
        wrong.finish().map_err(Error::from)?;
        let size = u64::from(size);
        let mut found = self.app.models(before, size + 1).await?;
        let more = found.shown.len() as u64 > size;
        found
            .shown
            .truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let last = found.shown.last().filter(|_| more);
        Ok(Response::new(proto::ListModelsResponse {
            models: found.shown.iter().map(model).collect(),
            next_page_token: last.map_or_else(String::new, |last| {
                scope.token(&[&last.listed.version.to_string()])
            }),
            next_refit_at: Some(to_proto(found.due_at)),
        }))
    }

    async fn refit_model(
        &self,
        request: Request<proto::RefitModelRequest>,
    ) -> Result<Response<proto::RefitModelResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::RefitModelRequest { request_id } = &request;
        finish(Violations::new(), request_id, Some(()))?;
        self.app.learning_begun().await?;
        let answer = self
            .command(
                &caller,
                "RefitModel",
                request_id,
                &request,
                |tx| async move {
                    self.app.want_model(&tx).await?;
                    Ok(proto::RefitModelResponse {})
                },
            )
            .await?;
        self.app.model_wanted();
        Ok(answer)
    }

    async fn pin_model(
        &self,
        request: Request<proto::PinModelRequest>,
    ) -> Result<Response<proto::PinModelResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let proto::PinModelRequest {
            version,
            request_id,
        } = &request;
        finish(Violations::new(), request_id, Some(()))?;
        let wanted = (*version > 0).then_some(*version);
        self.app.learning_begun().await?;
        self.command(&caller, "PinModel", request_id, &request, |tx| async move {
            let shown = self.app.pin_model(&tx, wanted).await?;
            Ok(proto::PinModelResponse {
                model: Some(model(&shown)),
            })
        })
        .await
    }

    async fn get_suggestions(
        &self,
        request: Request<proto::GetSuggestionsRequest>,
    ) -> Result<Response<proto::GetSuggestionsResponse>, Status> {
        let proto::GetSuggestionsRequest { ticket_id } = request.into_inner();
        let mut wrong = Violations::new();
        let ticket: Option<TicketId> = wrong.parse("ticket_id", &ticket_id);
        let ticket = wrong.finish_with(ticket).map_err(Error::from)?;
        let told = self.app.suggestions(&ticket).await?;
        let directory = self.app.directory().await?;
        Ok(Response::new(proto::GetSuggestionsResponse {
            advice: Some(advice(&told.now, &directory)),
            second_opinion: told.second.as_ref().map(|one| advice(one, &directory)),
        }))
    }
}

/// Advice, as it is answered.
pub(super) fn advice(advice: &Advice, directory: &Directory) -> proto::Advice {
    let Advice {
        model,
        certainty,
        threshold,
        text,
        ranked,
    } = advice;
    let certainty = match certainty {
        Certainty::Confident => proto::AdviceCertainty::Confident,
        Certainty::Unsure => proto::AdviceCertainty::Unsure,
        Certainty::NoModel => proto::AdviceCertainty::NoModel,
    };
    let text = match text {
        TextUse::Read => proto::AdviceText::Read,
        TextUse::Away => proto::AdviceText::Away,
        TextUse::Unused => proto::AdviceText::Unused,
    };
    proto::Advice {
        model_version: *model,
        certainty: certainty.into(),
        threshold: *threshold,
        text: text.into(),
        groups: ranked.iter().map(suggested).collect(),
        words: advice.tell(|group| group_name(directory, group)),
    }
}

fn suggested(suggestion: &Suggestion) -> proto::SuggestedGroup {
    let Suggestion {
        group,
        probability,
        features,
    } = suggestion;
    let feature = |Feature { name, weight }: &Feature| proto::AdviceFeature {
        name: name.clone(),
        weight: *weight,
    };
    proto::SuggestedGroup {
        group_id: group.to_string(),
        probability: *probability,
        features: features.iter().map(feature).collect(),
    }
}

fn model(shown: &Shown) -> proto::RoutingModel {
    let Shown {
        listed:
            Listed {
                version,
                fitted_at,
                verdict,
                why,
                size,
                figures:
                    Figures {
                        examples,
                        groups,
                        with_words,
                        intake,
                        rerouter,
                    },
            },
        in_force,
        pinned,
    } = shown;
    let verdict = match verdict {
        Verdict::Accepted => proto::ModelVerdict::Accepted,
        Verdict::Rejected => proto::ModelVerdict::Rejected,
        Verdict::Dropped => proto::ModelVerdict::Dropped,
    };
    proto::RoutingModel {
        version: *version,
        fitted_at: Some(to_proto(*fitted_at)),
        verdict: verdict.into(),
        why: why.clone(),
        in_force: *in_force,
        pinned: *pinned,
        size_bytes: *size,
        examples: *examples,
        examples_with_words: *with_words,
        groups: *groups,
        intake: Some(measured(intake)),
        rerouter: Some(measured(rerouter)),
    }
}

fn measured(measured: &Measured) -> proto::ModelFigures {
    let Measured {
        tickets,
        wrong,
        missed_three,
        brier,
        reliability,
    } = measured;
    let bin = |bin: &Bin| proto::ReliabilityBin {
        from_probability: bin.from,
        tickets: bin.tickets,
        promised: bin.promised,
        kept: bin.kept,
    };
    proto::ModelFigures {
        tickets: *tickets,
        wrong_first: *wrong,
        missed_three: *missed_three,
        brier: *brier,
        reliability: reliability.iter().map(bin).collect(),
    }
}
