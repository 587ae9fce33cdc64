//! Who is on duty, turns and what is left for them, in and out.

use lotse_clock::Timestamp;
use lotse_errors::{Error as Refusal, ErrorReason, Text, Violations};
use lotse_grpc::{etag, page};
use lotse_ids::RotaId;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;

use super::{DEFAULT_PAGE, MAX_PAGE, finish, parse, rotas, show};
use crate::app::Ref;
use crate::app::turns::{Turns, WantedNote};
use crate::domain::codes::DutySource;
use crate::domain::duty::OnDuty;
use crate::domain::hand_over_note::HandOverNote;
use crate::domain::turns::Stretch;
use crate::error::Error;

/// Longest window of a list, in days.
const DAYS: i64 = 92;
/// Longest note, in bytes.
const NOTE_BYTES: usize = 4_096;

/// The turns that a request asks for.
pub(super) struct WantedTurns {
    pub(super) rota: Ref<RotaId>,
    pub(super) window: Stretch,
    scope: page::Scope,
    after: Option<Place>,
    limit: usize,
}

/// Beginning, layer and exception of a turn.
type Place = (i64, String, String);

fn place(turn: &OnDuty) -> Place {
    let from = turn.from.map_or(0, Timestamp::as_millis);
    (from, turn.layer.clone(), show::id(turn.by.as_ref()))
}

/// What a request asks for.
pub(super) fn wanted(request: &proto::ListTurnsRequest) -> Result<WantedTurns, Error> {
    let proto::ListTurnsRequest {
        rota_id,
        from,
        until,
        page_size,
        page_token,
    } = request;
    let mut wrong = Violations::new();
    let rota = parse::required_reference(&mut wrong, "rota_id", rota_id);
    let from = rotas::instant(&mut wrong, "from", from.as_ref());
    let until = rotas::instant(&mut wrong, "until", until.as_ref());
    let window = from.zip(until).map(|(from, until)| Stretch { from, until });
    if let Some(Stretch { from, until }) = window {
        wrong.require("until", from < until, "must be later than from");
        let near = until.as_millis().saturating_sub(from.as_millis()) <= DAYS * 86_400_000;
        wrong.require("until", near, "must be at most 92 days after from");
    }
    let (rota, window) = wrong.finish_with(rota.zip(window))?;
    let bounds = [window.from, window.until].map(|at| at.as_millis().to_string());
    let scope = page::Scope::new("ListTurns", &[rota_id, &bounds[0], &bounds[1]]);
    let size = page::size(*page_size, DEFAULT_PAGE, MAX_PAGE)?;
    let after = match scope.key::<3>(page_token)? {
        None => None,
        Some([from, layer, exception]) => {
            let damaged = |_| Refusal::invalid("page_token", "is damaged");
            let from = from.parse().map_err(damaged);
            let from = from.map_err(|refused| refused.because(ErrorReason::InvalidPageToken))?;
            Some((from, layer, exception))
        }
    };
    Ok(WantedTurns {
        rota,
        window,
        scope,
        after,
        limit: usize::try_from(size).unwrap_or(usize::MAX),
    })
}

/// A page of turns.
pub(super) fn listed(wanted: &WantedTurns, found: Turns) -> proto::ListTurnsResponse {
    let Turns { rota, turns, notes } = found;
    let mut turns = turns.into_iter().map(|turn| (place(&turn), turn));
    let mut page: Vec<_> = match &wanted.after {
        // The order of a list is that of its layers, so the place is looked for, not compared.
        Some(after) => {
            let behind = turns.by_ref().skip_while(|(place, _)| place.0 < after.0);
            let (at_once, later): (Vec<_>, Vec<_>) =
                behind.partition(|(place, _)| place.0 == after.0);
            let seen = at_once.iter().position(|(place, _)| place == after);
            let rest = seen.map_or(0, |seen| seen + 1);
            at_once.into_iter().skip(rest).chain(later).collect()
        }
        None => turns.collect(),
    };
    let more = page.len() > wanted.limit;
    page.truncate(wanted.limit);
    let last = page.last().filter(|_| more);
    let token = last.map(|((from, layer, exception), _)| {
        wanted.scope.token(&[&from.to_string(), layer, exception])
    });
    let turns = page.into_iter().map(|(_, turn)| on_duty(turn, &notes));
    proto::ListTurnsResponse {
        turns: turns.collect(),
        rota_id: rota.into(),
        next_page_token: token.unwrap_or_default(),
    }
}

/// Somebody on duty as it is answered, with what was left for them.
pub(super) fn on_duty(one: OnDuty, notes: &[HandOverNote]) -> proto::OnDuty {
    let note = HandOverNote::of_turn(notes, &one).map(note);
    let OnDuty {
        agent,
        source,
        from,
        until,
        layer,
        by,
        shadow,
        next,
    } = one;
    let source = match source {
        DutySource::Rota => proto::DutySource::Rota,
        DutySource::Override => proto::DutySource::Override,
        DutySource::Presence => proto::DutySource::Presence,
        DutySource::Lead => proto::DutySource::Lead,
    };
    proto::OnDuty {
        agent_id: agent.into(),
        source: source.into(),
        from: show::time(from),
        until: show::time(until),
        layer,
        override_id: show::id(by.as_ref()),
        shadow: shadow.as_ref().map(rotas::shadow),
        next_agent_id: show::id(next.as_ref()),
        hand_over_note: note,
    }
}

/// A note as a request wants it.
pub(super) fn wanted_note(request: &proto::PutHandOverNoteRequest) -> Result<WantedNote, Error> {
    let proto::PutHandOverNoteRequest {
        rota_id,
        layer,
        agent_id,
        text,
        etag,
        request_id,
    } = request;
    let mut wrong = Violations::new();
    let rota = parse::required_reference(&mut wrong, "rota_id", rota_id);
    let layer = wrong.text("layer", layer, Text::line(0..=128));
    let author = parse::required_reference(&mut wrong, "agent_id", agent_id);
    let text = wrong.text("text", text, Text::body(1..=NOTE_BYTES));
    let (rota, author) = finish(wrong, request_id, rota.zip(author))?;
    Ok(WantedNote {
        rota,
        layer: Some(layer).filter(|layer| !layer.is_empty()),
        author,
        text,
        etag: etag.clone(),
    })
}

/// A note as it is answered.
pub(super) fn note(note: &HandOverNote) -> proto::HandOverNote {
    let HandOverNote {
        id,
        rota,
        layer,
        author,
        turn_begins,
        text,
        version,
        created_at,
        updated_at,
    } = note;
    proto::HandOverNote {
        id: id.to_string(),
        rota_id: rota.to_string(),
        layer: layer.clone(),
        agent_id: author.to_string(),
        turn_begins_at: Some(to_proto(*turn_begins)),
        text: text.clone(),
        version: show::version(*version),
        etag: etag::of(*version),
        created_at: Some(to_proto(*created_at)),
        updated_at: Some(to_proto(*updated_at)),
    }
}
