//! gRPC: convert in, call the use case, convert out.
//!
//! [`workflows`], [`agents`], [`duty`] and [`routing`] hold one service each, [`rotas`] converts what
//! the duty service is configured with, [`turns`] what it answers with, [`board`], [`decisions`], [`rebalance`] and [`watch`] what
//! routing answers with,
//! [`parse`] what they check alike, [`show`] what they answer alike, [`lasting`] pages of what begins
//! and ends.

mod agents;
mod board;
mod channels;
mod coverage;
mod covers;
mod decisions;
mod duty;
mod explanation;
mod gaps;
mod hand_over;
mod lasting;
mod learning;
mod offers;
mod parse;
mod rebalance;
mod replies;
mod report;
mod rotas;
mod routing;
mod shifts;
mod show;
mod simulate;
mod turns;
mod watch;
pub(crate) mod workflow_in;
mod workflow_out;
mod workflows;

use std::sync::Arc;

use lotse_auth::Caller;
use lotse_errors::{Text, Violations};
use lotse_grpc::page;
use lotse_journal::{Origin, Tx};
use prost::Message;
use tonic::{Response, Status};

use crate::app::App;
use crate::error::Error;

const DEFAULT_PAGE: u32 = 100;
const MAX_PAGE: u32 = 1_000;

/// All gRPC services of routing.
#[derive(Clone)]
pub(crate) struct Api {
    app: Arc<App>,
}

impl Api {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Runs a mutation in one transaction, at most once per request id.
    async fn command<Req, Resp, F, Fut>(
        &self,
        caller: &Caller,
        method: &'static str,
        request_id: &str,
        request: &Req,
        work: F,
    ) -> Result<Response<Resp>, Status>
    where
        Req: Message,
        Resp: Message + Default,
        F: Fn(Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Resp, Error>> + Send,
    {
        let origin = origin(caller, request_id);
        let journal = &self.app.journal;
        let response = journal
            .command(&origin, method, request_id, request, work)
            .await?;
        Ok(Response::new(response))
    }
}

/// Who calls, and by which request.
fn origin(caller: &Caller, request_id: &str) -> Origin {
    Origin {
        principal: caller.principal.to_string(),
        cause: request_id.to_owned(),
    }
}

/// Ends the check of a request that carries a request id.
fn finish<T>(mut wrong: Violations, request_id: &str, value: Option<T>) -> Result<T, Error> {
    wrong.text("request_id", request_id, Text::line(0..=128));
    Ok(wrong.finish_with(value)?)
}

/// Where in a list by name a page begins, and how long it may be.
fn place(
    scope: &page::Scope,
    page_size: i32,
    page_token: &str,
) -> Result<(Option<String>, usize), Error> {
    let size = page::size(page_size, DEFAULT_PAGE, MAX_PAGE)?;
    let after = scope.key::<1>(page_token)?.map(|[name]| name);
    Ok((after, usize::try_from(size).unwrap_or(usize::MAX)))
}

/// One page of `all`, which is sorted by name, and the token of the next.
fn cut<T>(
    mut all: Vec<T>,
    scope: &page::Scope,
    (after, size): (Option<String>, usize),
    name: impl Fn(&T) -> &str,
) -> (Vec<T>, String) {
    if let Some(after) = after {
        let begin = all.partition_point(|one| name(one) <= after.as_str());
        all.drain(..begin);
    }
    let more = all.len() > size;
    all.truncate(size);
    let token = match all.last() {
        Some(last) if more => scope.token(&[name(last)]),
        _ => String::new(),
    };
    (all, token)
}
