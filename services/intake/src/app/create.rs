//! Taking tickets in: any number in one transaction, in a handful of statements.
//!
//! Each succeeds or fails by itself: what can be wrong with one (an unknown requester, a taken
//! external id) is found by reading before anything of it is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lotse_clock::Timestamp;
use lotse_ids::{MessageId, RequesterId, TicketId};
use lotse_journal::{Origin, Tx, bucket_of, lane_of};
use sea_orm::DbErr;
use tracing::Span;

use crate::config::Config;
use crate::domain::language::Language;
use crate::domain::lifecycle::Life;
use crate::domain::repeat::{self, Solved};
use crate::domain::ticket::{Assignment, Message, Requester, Ticket};
use crate::domain::words::{AuthorKind, Visibility};
use crate::error::Error;
use crate::store::{messages, requesters, tickets};
use crate::wire::create::{NewTicket, Who};
use crate::wire::event;

/// A ticket to take in, with who wants it.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) new: NewTicket,
    pub(crate) origin: Origin,
    /// The trace that the ticket's events go on with.
    pub(crate) span: Span,
}

/// A ticket that was taken in.
#[derive(Debug)]
pub(crate) struct Created {
    pub(crate) ticket: Ticket,
    pub(crate) message: Option<Message>,
}

/// Takes `items` in and returns what became of each, in their order.
pub(super) async fn take_in(
    tx: &Tx,
    config: &Config,
    items: &[&Item],
) -> Result<Vec<Result<Created, Error>>, DbErr> {
    let mut refused = refuse_taken(tx, items).await?;
    let free = items
        .iter()
        .enumerate()
        .filter(|(index, _)| !refused.contains_key(index));
    let mut people = People::load(tx, free.map(|(_, item)| *item)).await?;
    let mut accepted = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if refused.contains_key(&index) {
            continue;
        }
        match people.meet(item) {
            Some(requester) => accepted.push((index, *item, requester)),
            None => {
                let Who::Known(id) = &item.new.who else {
                    continue;
                };
                refused.insert(index, Error::NoRequester(id.to_string()));
            }
        }
    }
    people.save(tx).await?;
    let solved = solved_before(tx, config, &people, &accepted).await?;

    let mut lane = None;
    let mut indices = Vec::with_capacity(accepted.len());
    let mut new_tickets = Vec::with_capacity(accepted.len());
    for (index, item, requester) in &accepted {
        let id = id_in_lane(item.new.when.at, &mut lane);
        indices.push(*index);
        new_tickets.push(ticket(
            config,
            id,
            &item.new,
            people.get(requester),
            &solved,
        ));
    }
    tickets::insert(tx, &mut new_tickets).await?;

    let new_messages: Vec<Option<Message>> = accepted
        .iter()
        .zip(&new_tickets)
        .map(|((_, item, _), ticket)| first_message(&item.new, ticket))
        .collect();
    let stored: Vec<Message> = new_messages.iter().flatten().cloned().collect();
    messages::insert(tx, &stored).await?;

    let mut created: BTreeMap<usize, Created> = BTreeMap::new();
    for ((index, item, requester), (ticket, message)) in accepted
        .iter()
        .zip(new_tickets.into_iter().zip(new_messages))
    {
        item.span.in_scope(|| {
            tell(
                &tx.on_behalf_of(item.origin.clone()),
                &item.new,
                &people.get(requester).profile.organisation,
                &ticket,
                message.as_ref(),
            )
        });
        created.insert(*index, Created { ticket, message });
    }
    let outcome = |index| match created.remove(&index) {
        Some(created) => Ok(created),
        None => Err(refused.remove(&index).unwrap_or(Error::Stopping)),
    };
    Ok((0..items.len()).map(outcome).collect())
}

fn tell(tx: &Tx, new: &NewTicket, organisation: &str, ticket: &Ticket, message: Option<&Message>) {
    tx.emit(event::created(ticket, organisation, new.when.past()));
    if let Some(message) = message {
        tx.emit(event::message_added(ticket, message, None, new.when.past()));
    }
}

/// The items whose external id another ticket has, or another item before them.
async fn refuse_taken(tx: &Tx, items: &[&Item]) -> Result<BTreeMap<usize, Error>, DbErr> {
    let wanted: Vec<&str> = items
        .iter()
        .filter_map(|item| item.new.external_id.as_deref())
        .collect();
    let mut taken: BTreeSet<String> = tickets::taken(tx, &wanted).await?.into_iter().collect();
    let mut refused = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(external_id) = &item.new.external_id
            && !taken.insert(external_id.clone())
        {
            refused.insert(index, Error::ExternalIdTaken(external_id.clone()));
        }
    }
    Ok(refused)
}

/// The solved tickets that one of the accepted may repeat. Who was never here has none.
async fn solved_before(
    tx: &Tx,
    config: &Config,
    people: &People,
    accepted: &[(usize, &Item, String)],
) -> Result<Vec<Solved>, DbErr> {
    let known: BTreeSet<&str> = accepted
        .iter()
        .filter(|(_, _, key)| people.was_known(key))
        .map(|(_, _, key)| people.get(key).id.as_str())
        .collect();
    let times = || accepted.iter().map(|(_, item, _)| item.new.when.at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return Ok(Vec::new());
    };
    let known: Vec<&str> = known.into_iter().collect();
    tickets::solved(tx, &known, first - config.repeat_window(), last).await
}

/// A new id in `lane`, or in any, which `lane` then is. A transaction that stays inside one lane
/// waits for no other lane's, so ids are drawn (sixteen times, on average) until they fit.
fn id_in_lane(at: Timestamp, lane: &mut Option<u8>) -> TicketId {
    loop {
        let id = TicketId::generate(at);
        let its = lane_of(bucket_of(id.as_str()));
        if *lane.get_or_insert(its) == its {
            return id;
        }
    }
}

fn ticket(
    config: &Config,
    id: TicketId,
    new: &NewTicket,
    requester: &Requester,
    solved: &[Solved],
) -> Ticket {
    let NewTicket {
        who: _,
        subject,
        body,
        composed_at: _,
        channel,
        category,
        tags,
        priority,
        language,
        attributes,
        external_id,
        required_skills,
        requested_group_id,
        when,
        follow_up_of,
        written_by: _,
    } = new;
    let language = if language.is_empty() {
        let detected = Language::detect(subject, body, config.language_confidence);
        detected.or_of_requester(&requester.profile.language)
    } else {
        Language::given(language.clone())
    };
    let since = when.at - config.repeat_window();
    let own = solved.iter().filter(|old| {
        old.requester_id == requester.id && (since..=when.at).contains(&old.solved_at)
    });
    let repeated = repeat::repeated(own, category, subject);
    Ticket {
        id,
        number: 0,
        external_id: external_id.clone(),
        requester_id: requester.id.clone(),
        subject: subject.clone(),
        channel: *channel,
        category: category.clone(),
        tags: tags.clone(),
        priority: *priority,
        language,
        attributes: attributes.clone(),
        required_skills: required_skills.clone(),
        requested_group_id: requested_group_id.clone(),
        life: Life::begin(when.at),
        repeat_of: repeated.map(|old| old.id.clone()),
        repeat_count: repeated.map_or(0, |old| old.repeat_count.saturating_add(1)),
        follow_up_of: follow_up_of.clone(),
        merged_into: None,
        created_at: when.at,
        updated_at: when.now,
        version: 1,
        assignment: Assignment::default(),
    }
}

fn first_message(new: &NewTicket, ticket: &Ticket) -> Option<Message> {
    let author = new.written_by.as_ref().unwrap_or(&ticket.requester_id);
    (!new.body.is_empty()).then(|| Message {
        id: MessageId::generate(new.when.at),
        ticket_id: ticket.id.clone(),
        author_kind: AuthorKind::Requester,
        author_id: author.to_string(),
        visibility: Visibility::Public,
        body: new.body.clone(),
        composed_at: new.composed_at,
        received_at: new.when.at,
        recorded_at: new.when.now,
    })
}

/// The requesters of one transaction, each under a name: its key, or its id where that is how it
/// was named.
struct People {
    by_name: HashMap<String, Requester>,
    /// Names of those that were there before.
    known: BTreeSet<String>,
    /// Keys of those that are new or have changed.
    changed: BTreeSet<String>,
}

impl People {
    async fn load(tx: &Tx, items: impl Iterator<Item = &Item>) -> Result<Self, DbErr> {
        let (mut ids, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for item in items {
            match &item.new.who {
                Who::Known(id) => ids.insert(id.as_str()),
                Who::Described { key, .. } => keys.insert(key.as_str()),
            };
        }
        let (by_id, by_key): (Vec<&str>, Vec<&str>) = (
            ids.iter().copied().collect(),
            keys.iter().copied().collect(),
        );
        let mut by_name = HashMap::new();
        for (key, requester) in requesters::load(tx, &by_id, &by_key).await? {
            if ids.contains(requester.id.as_str()) {
                by_name.insert(requester.id.to_string(), requester.clone());
            }
            if keys.contains(key.as_str()) {
                by_name.insert(key, requester);
            }
        }
        let known = by_name.keys().cloned().collect();
        Ok(Self {
            by_name,
            known,
            changed: BTreeSet::new(),
        })
    }

    /// Learns what an item says about its requester, and returns the name; `None` when it names
    /// somebody who does not exist.
    fn meet(&mut self, item: &Item) -> Option<String> {
        let now = item.new.when.now;
        match &item.new.who {
            Who::Known(id) => self
                .by_name
                .contains_key(id.as_str())
                .then(|| id.to_string()),
            Who::Described { key, profile } => {
                match self.by_name.get_mut(key) {
                    Some(requester) => {
                        if requester.profile.learn(profile) {
                            requester.updated_at = now;
                            self.changed.insert(key.clone());
                        }
                    }
                    None => {
                        let id = RequesterId::generate(now);
                        let profile = profile.clone();
                        let requester = Requester {
                            id,
                            profile,
                            created_at: now,
                            updated_at: now,
                        };
                        self.by_name.insert(key.clone(), requester);
                        self.changed.insert(key.clone());
                    }
                }
                Some(key.clone())
            }
        }
    }

    fn was_known(&self, name: &str) -> bool {
        self.known.contains(name)
    }

    fn get(&self, name: &str) -> &Requester {
        self.by_name.get(name).expect("met before") // invariant: names come from `meet`
    }

    async fn save(&mut self, tx: &Tx) -> Result<(), DbErr> {
        let changed = self
            .changed
            .iter()
            .map(|key| (key.clone(), self.get(key).clone()))
            .collect();
        for (key, id) in requesters::save(tx, &changed).await? {
            if let Some(requester) = self.by_name.get_mut(&key) {
                requester.id = id;
            }
        }
        Ok(())
    }
}
