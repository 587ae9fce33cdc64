//! Moves of tickets between agents, as they are asked for and answered.

use std::collections::BTreeSet;

use lotse_auth::Caller;
use lotse_errors::{Text, Violations};
use lotse_grpc::{etag, page};
use lotse_ids::{AgentId, GroupId, TicketId};
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;
use tonic::{Response, Status};

use super::{Api, finish, origin, parse, show};
use crate::app::hand_over::shown;
use crate::app::rebalance::{Done, Suggestion, Wish};
use crate::domain::codes::TransferReason;
use crate::domain::directory::Directory;
use crate::domain::item::Item;
use crate::domain::rebalance::Move;
use crate::error::Error;

const DEFAULT_MOVES: u32 = 50;
const MAX_MOVES: u32 = 500;
/// The note, in bytes.
const NOTE: usize = 2_000;

impl Api {
    pub(super) async fn suggest(
        &self,
        request: proto::SuggestRebalanceRequest,
    ) -> Result<Response<proto::SuggestRebalanceResponse>, Status> {
        let proto::SuggestRebalanceRequest {
            group_ids,
            max_moves,
        } = request;
        let mut wrong = Violations::new();
        let groups = parse::groups(&mut wrong, &group_ids);
        wrong.require("max_moves", max_moves >= 0, "must not be negative");
        wrong.finish().map_err(Error::from)?;
        let most = page::size(max_moves, DEFAULT_MOVES, MAX_MOVES).map_err(Error::from)?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let suggestion = self.app.suggest_rebalance(&groups, most).await?;
        Ok(Response::new(answer(&suggestion)))
    }

    pub(super) async fn apply(
        &self,
        caller: &Caller,
        request: proto::ApplyRebalanceRequest,
    ) -> Result<Response<proto::ApplyRebalanceResponse>, Status> {
        let proto::ApplyRebalanceRequest {
            moves,
            note,
            request_id,
        } = &request;
        let (wishes, note) = read(moves, note, request_id)?;
        let mut results = Vec::with_capacity(moves.len());
        for (wish, asked) in wishes.iter().zip(moves) {
            // Of its own, so that a call that was cut off goes on where it stopped.
            let request_id = match request_id.as_str() {
                "" => String::new(),
                id => format!("{id}/{}", wish.ticket),
            };
            let (origin, note) = (origin(caller, &request_id), note.as_str());
            let work = |tx| async move {
                let done = self.app.rebalance(&tx, wish, note).await;
                done.map(|done| result(&wish.ticket, &done))
            };
            let journal = &self.app.journal;
            let done = journal.command(&origin, "ApplyRebalance", &request_id, asked, work);
            results.push(done.await?);
        }
        self.app.changed().await;
        Ok(Response::new(proto::ApplyRebalanceResponse { results }))
    }
}

fn read(moves: &[proto::Move], note: &str, request_id: &str) -> Result<(Vec<Wish>, String), Error> {
    let mut wrong = Violations::new();
    let most = usize::try_from(MAX_MOVES).unwrap_or(usize::MAX);
    wrong.require("moves", !moves.is_empty(), "must not be empty");
    parse::at_most(&mut wrong, "moves", moves.len(), most);
    let note = wrong.text("note", note, Text::body(0..=NOTE));
    let mut seen = BTreeSet::new();
    let each = moves.iter().take(most).enumerate();
    let wishes: Vec<Wish> = each
        .filter_map(|(at, one)| {
            let field = format!("moves[{at}]");
            let fresh = seen.insert(one.ticket_id.as_str());
            wrong.require(
                &format!("{field}.ticket_id"),
                fresh,
                "must be moved once only",
            );
            wish(&mut wrong, &field, one)
        })
        .collect();
    finish(wrong, request_id, Some((wishes, note)))
}

fn wish(wrong: &mut Violations, field: &str, one: &proto::Move) -> Option<Wish> {
    let proto::Move {
        ticket_id,
        group_id,
        from_agent_id,
        to_agent_id,
        reason,
        words: _,
        etag,
    } = one;
    let ticket: Option<TicketId> = wrong.parse(&format!("{field}.ticket_id"), ticket_id);
    let group: Option<GroupId> = wrong.parse(&format!("{field}.group_id"), group_id);
    let from: Option<AgentId> = wrong.parse(&format!("{field}.from_agent_id"), from_agent_id);
    let to: Option<AgentId> = wrong.parse(&format!("{field}.to_agent_id"), to_agent_id);
    let reason = parse::transfer_reason(wrong, &format!("{field}.reason"), *reason);
    let planned = matches!(reason, TransferReason::Capacity | TransferReason::ShiftEnd);
    let reason_field = format!("{field}.reason");
    wrong.require(&reason_field, planned, "must be CAPACITY or SHIFT_END");
    let given = !etag.is_empty();
    wrong.require(&format!("{field}.etag"), given, "is required");
    Some(Wish {
        ticket: ticket?,
        group: group?,
        from: from?,
        to: to?,
        reason,
        etag: etag.clone(),
    })
}

fn answer(suggestion: &Suggestion) -> proto::SuggestRebalanceResponse {
    let Suggestion {
        as_of,
        directory,
        moves,
        before,
        after,
    } = suggestion;
    let concerned: BTreeSet<&AgentId> = moves.iter().flat_map(|one| [&one.from, &one.to]).collect();
    let agents = directory.agents_by_name().into_iter();
    let effects = agents.filter_map(|agent| {
        let (before, after) = (before.get(&agent.id)?, after.get(&agent.id)?);
        concerned.contains(&agent.id).then(|| proto::MoveEffect {
            agent_id: agent.id.to_string(),
            load_before: before.load.as_tickets(),
            load_after: after.load.as_tickets(),
            capacity: agent.profile.capacity,
        })
    });
    proto::SuggestRebalanceResponse {
        as_of: Some(to_proto(*as_of)),
        moves: moves.iter().map(|one| suggested(one, directory)).collect(),
        effects: effects.collect(),
    }
}

fn suggested(one: &Move, directory: &Directory) -> proto::Move {
    proto::Move {
        ticket_id: one.ticket.to_string(),
        group_id: one.group.to_string(),
        from_agent_id: one.from.to_string(),
        to_agent_id: one.to.to_string(),
        reason: shown(one.reason).into(),
        words: words(one, directory),
        etag: etag::of(one.version),
    }
}

fn words(one: &Move, directory: &Directory) -> String {
    let name = |id: &AgentId| {
        let agent = directory.agents.get(id);
        agent.map_or_else(|| id.to_string(), |agent| agent.profile.name.clone())
    };
    let (from, to) = (name(&one.from), name(&one.to));
    let taken = one.to_load.as_tickets();
    match one.reason {
        TransferReason::ShiftEnd => {
            format!("{from} is not there, and {to} can take it, with a load of {taken} then.")
        }
        _ => format!(
            "{from} has a load of {}, and {to} would have {taken} with it.",
            one.from_load.as_tickets()
        ),
    }
}

fn result(ticket: &TicketId, done: &Done) -> proto::MoveResult {
    use proto::MoveOutcome as Outcome;
    let (outcome, item): (_, Option<&Item>) = match done {
        Done::Moved(item) => (Outcome::Moved, Some(item)),
        Done::Changed(item) => (Outcome::Changed, Some(item)),
        Done::Begun(item) => (Outcome::Begun, Some(item)),
        Done::NotEligible(item) => (Outcome::NotEligible, Some(item)),
        Done::NotFound => (Outcome::NotFound, None),
    };
    proto::MoveResult {
        ticket_id: ticket.to_string(),
        outcome: outcome.into(),
        agent_id: show::id(item.and_then(|item| item.agent.as_ref())),
        etag: item.map(|item| etag::of(item.version)).unwrap_or_default(),
    }
}
