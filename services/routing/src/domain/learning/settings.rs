//! What can be chosen about a model.

use serde::{Deserialize, Serialize};

/// What can be chosen about a model. The defaults were chosen on the real incident log by
/// `lotse bench routing-quality`, see there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Fields that say more together than each for itself: one more feature for every list whose
    /// fields are all known. `first group` names the group that people chose first.
    pub crosses: Vec<Vec<String>>,
    /// Days after which an example weighs half.
    pub half_life_days: f64,
    /// What an open ticket weighs beside a settled one, 0 to 1.
    pub open_weight: f64,
    /// How strongly weights are pulled to zero.
    pub l2: f64,
    /// Length of the first step of a fresh weight.
    pub step: f64,
    /// How often a fit goes through all examples.
    pub epochs: u32,
    /// The latest share of the examples, held out to calibrate on.
    pub held_out: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            crosses: [
                &["category", "subcategory"][..],
                &["subcategory", "symptom"],
                &["subcategory", "location"],
                &["requester", "subcategory"],
                &["first group", "category"],
                &["first group", "subcategory"],
                &["first group", "symptom"],
            ]
            .iter()
            .map(|fields| fields.iter().map(|&name| name.to_owned()).collect())
            .collect(),
            half_life_days: 14.0,
            open_weight: 0.5,
            l2: 1.0,
            step: 0.3,
            epochs: 12,
            held_out: 0.1,
        }
    }
}
