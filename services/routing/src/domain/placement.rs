//! Where a waiting ticket stands: in which group's queue, and what it asks of an agent there.

use lotse_clock::Timestamp;
use lotse_ids::GroupId;

use super::choice::Needs;
use super::directory::Directory;
use super::item::Item;
use super::workflow::Step;

/// A place in a group's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// The group.
    pub(crate) group: GroupId,
    /// Which part of the workflow led there; none when the group was given.
    pub(crate) step: Option<Step>,
    /// What an agent must bring along now.
    pub(crate) needs: Needs,
    /// When time alone changes any of this: a step or a preference runs out. None when only an
    /// event does.
    pub(crate) changes_at: Option<Timestamp>,
}

/// Places an item: where it is already, else where its creator asked for, else where the workflow
/// leads. None while nobody configured where tickets go.
pub(crate) fn place(item: &Item, directory: &Directory, _now: Timestamp) -> Option<Placement> {
    let given = item.group.as_ref().or_else(|| requested(item, directory));
    let step = match (given, &directory.workflow) {
        (None, Some(workflow)) => Some(workflow.choose(item)),
        _ => None,
    };
    let group = given.or(step.as_ref().map(|step| &step.group))?;
    let group = directory.groups.get(group)?;
    Some(Placement {
        group: group.id.clone(),
        needs: item.needs(group),
        step,
        changes_at: None,
    })
}

/// The group that the ticket's creator asked for, if there is such a group.
fn requested<'a>(item: &'a Item, directory: &Directory) -> Option<&'a GroupId> {
    let group = item.facts.requested_group.as_ref();
    group.filter(|group| directory.groups.contains_key(*group))
}
