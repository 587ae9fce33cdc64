//! What operators configure: content under a name, in versions that never change.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use lotse_clock::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of setting.
pub(crate) trait Content:
    Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync
{
    /// What settings of the kind are known by for good.
    type Id: Clone + Debug + Eq + Display + FromStr<Err: Display> + Send + Sync;

    /// What it is called, also in the journal's `ConfigurationChanged`.
    const KIND: &'static str;

    /// The id of a new one.
    fn new_id(&self, now: Timestamp) -> Self::Id;

    /// Unique among the settings of the kind that are in force.
    fn name(&self) -> &str;

    /// The version whose content this one brought back, if it was not put.
    fn restores(&self) -> Option<u32> {
        None
    }
}

/// One version of a setting.
#[derive(Clone, Debug)]
pub(crate) struct Setting<C: Content> {
    /// The setting.
    pub(crate) id: C::Id,
    /// What is configured.
    pub(crate) profile: C,
    /// From 1, raised by every change.
    pub(crate) version: i64,
    /// When the setting was made.
    pub(crate) created_at: Timestamp,
    /// When this version was put.
    pub(crate) updated_at: Timestamp,
}

impl<C: Content> Setting<C> {
    /// The first version.
    pub(crate) fn new(profile: C, now: Timestamp) -> Self {
        Self {
            id: profile.new_id(now),
            profile,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// The next version.
    pub(crate) fn next(&self, profile: C, now: Timestamp) -> Self {
        Self {
            id: self.id.clone(),
            profile,
            version: self.version + 1,
            created_at: self.created_at,
            updated_at: now,
        }
    }
}
