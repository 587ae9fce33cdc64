//! Cover of one group by another, and what requesters are told of it.

use lotse_clock::Timestamp;
use lotse_errors::Violations;
use lotse_grpc::etag;
use lotse_ids::{CoverId, GroupId, TicketId};
use lotse_journal::Tx;

use super::settings::announce;
use super::{App, Outcome, Ref, find_group, one_more, page};
use crate::domain::cover::{Cover, CoverWords, Notice};
use crate::domain::directory::Directory;
use crate::domain::language::Language;
use crate::domain::placement::{SeatPools, place};
use crate::domain::turns::Stretch;
use crate::error::Error;
use crate::store::lasting::Range;
use crate::store::{agents, covers as store, directory, items};

/// A cover as a caller wants it.
#[derive(Clone, Debug)]
pub(crate) struct WantedCover {
    /// Which one to change; none for a new one.
    pub(crate) id: Option<CoverId>,
    pub(crate) group: Ref<GroupId>,
    pub(crate) by: Ref<GroupId>,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) words: CoverWords,
    pub(crate) etag: String,
}

/// What an acknowledgement is about.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Ticket(TicketId),
    Group(Ref<GroupId>),
}

/// What an acknowledgement should say.
#[derive(Debug, Default)]
pub(crate) struct Acknowledgement {
    pub(crate) group: Option<GroupId>,
    pub(crate) cover: Option<Cover>,
    pub(crate) notice: Option<Notice>,
}

impl App {
    /// Has a group covered, or changes how.
    pub(crate) async fn put_cover(
        &self,
        tx: &Tx,
        wanted: &WantedCover,
    ) -> Result<(Cover, Outcome), Error> {
        directory::lock(tx).await?;
        let directory = directory::load(tx, self.now()).await?;
        let before = match &wanted.id {
            Some(id) => Some(found(tx, id).await?),
            None => None,
        };
        let others = match find_group(&directory, &wanted.group) {
            Ok(group) => {
                let window = Stretch {
                    from: wanted.starts_at,
                    until: wanted.ends_at,
                };
                store::list(tx, Some(&group.id), &Range::within(window), None).await?
            }
            Err(_) => Vec::new(),
        };
        let new = cover(&directory, &others, before.as_ref(), wanted, self.now())?;
        if let Some(before) = &before {
            etag::check(&wanted.etag, before.version)?;
            let same = Cover {
                version: before.version,
                updated_at: before.updated_at,
                ..new.clone()
            };
            if same == *before {
                return Ok((same, Outcome::Unchanged));
            }
        }
        store::save(tx, &new).await?;
        announce(tx, "cover", new.id.as_str(), new.version);
        let outcome = before.map_or(Outcome::Created, |_| Outcome::Updated);
        Ok((new, outcome))
    }

    /// Takes a cover back.
    pub(crate) async fn delete_cover(
        &self,
        tx: &Tx,
        id: &CoverId,
        etag: &str,
    ) -> Result<(), Error> {
        directory::lock(tx).await?;
        let before = found(tx, id).await?;
        etag::check(etag, before.version)?;
        store::delete(tx, id).await?;
        announce(tx, "cover", id.as_str(), before.version + 1);
        Ok(())
    }

    /// A page of covers, and whether there are more.
    pub(crate) async fn covers(
        &self,
        group: Option<&Ref<GroupId>>,
        range: &Range<CoverId>,
        limit: usize,
    ) -> Result<(Vec<Cover>, bool), Error> {
        let directory = self.directory().await?;
        let group = group.map(|group| find_group(&directory, group));
        let group = group.transpose()?.map(|group| &group.id);
        let found = store::list(self.db.reader(), group, range, Some(one_more(limit))).await?;
        Ok(page(found, limit))
    }

    /// What the acknowledgement of a ticket, or of any ticket of a group, should say now.
    pub(crate) async fn acknowledgement(
        &self,
        subject: &Subject,
        language: Option<Language>,
    ) -> Result<Acknowledgement, Error> {
        let directory = self.directory().await?;
        let now = self.now();
        let (group, spoken) = match subject {
            Subject::Group(group) => (Some(find_group(&directory, group)?.id.clone()), None),
            Subject::Ticket(ticket) => {
                let item = items::find(self.db.reader(), ticket).await?;
                let item = item.ok_or_else(|| Error::NoSuch {
                    resource: "ticket",
                    id: ticket.to_string(),
                })?;
                let seats = &agents::seats(self.db.reader()).await?;
                let directory = &*directory;
                let pools = SeatPools { directory, seats };
                let place = place(&item, directory, &pools, now);
                (place.map(|place| place.group), item.facts.language)
            }
        };
        let cover = group.as_ref();
        let cover = cover.and_then(|group| directory.cover_of(group, now));
        let language = language.or(spoken);
        let notice = cover.and_then(|cover| cover.words.notice(language.as_ref()));
        Ok(Acknowledgement {
            notice: notice.cloned(),
            cover: cover.cloned(),
            group,
        })
    }
}

async fn found(tx: &Tx, id: &CoverId) -> Result<Cover, Error> {
    let found = store::find(tx, id).await?;
    found.ok_or_else(|| Error::NoSuch {
        resource: "cover",
        id: id.to_string(),
    })
}

/// The cover as it will be, or everything that is wrong with it; `others` last at that time.
fn cover(
    directory: &Directory,
    others: &[Cover],
    before: Option<&Cover>,
    wanted: &WantedCover,
    now: Timestamp,
) -> Result<Cover, Error> {
    let mut wrong = Violations::new();
    let group = wrong.take("cover.group_id", find_group(directory, &wanted.group));
    let field = "cover.covered_by_group_id";
    let by = wrong.take(field, find_group(directory, &wanted.by));
    if let (Some(group), Some(by)) = (group, by) {
        wrong.require(field, group.id != by.id, "must be another group");
    }
    if let (Some(group), Some(before)) = (group, before) {
        let stays = group.id == before.group;
        wrong.require("cover.group_id", stays, "must not change");
    }
    let own = before.map(|before| &before.id);
    let mut others = others.iter().filter(|other| Some(&other.id) != own);
    if let Some(other) = others.next() {
        let message = format!("the group is covered at that time already, by {}", other.id);
        wrong.add("cover.starts_at", message);
    }
    let (group, by) = wrong.finish_with(group.zip(by))?;
    Ok(Cover {
        id: before.map_or_else(|| CoverId::generate(now), |before| before.id.clone()),
        group: group.id.clone(),
        by: by.id.clone(),
        starts_at: wanted.starts_at,
        ends_at: wanted.ends_at,
        words: wanted.words.clone(),
        version: before.map_or(1, |before| before.version + 1),
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: now,
    })
}
