//! Learning where tickets end up, and using it.
//!
//! [`texts`] asks intake for what tickets say, [`reading`] keeps their words, [`lexicon`] the secret that these are
//! hashed with, [`refit`] makes models and [`models`] shows and chooses them, [`in_force`] keeps the
//! one that answers, [`advise`] asks it about what waits, [`reconsider`] about what people chose,
//! and [`chances`] publishes who is likely to solve what.

mod advise;
mod chances;
mod in_force;
mod lexicon;
pub(crate) mod models;
mod reading;
mod reconsider;
pub(crate) mod refit;
mod suggest;
mod texts;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lotse_client::Channel;
use tokio::sync::{Notify, OnceCell};

use super::App;
use crate::config;
use crate::domain::codes::TextUse;
use crate::domain::evidence::Intake;
use crate::domain::item::Item;
use crate::domain::learning::{Case, Lexicon};
use in_force::InForce;
use texts::Texts;

/// What learning keeps in memory.
pub(crate) struct Learning {
    pub(crate) config: config::Learning,
    texts: Texts,
    /// The secret in use and its fingerprint, once it is known.
    lexicon: OnceCell<(String, Lexicon)>,
    in_force: InForce,
    /// Whether intake did not answer when it was asked last.
    intake_is_away: AtomicBool,
    /// A model was wanted.
    wanted: Notify,
    /// There may be something to look at.
    came: Arc<Notify>,
}

impl Learning {
    pub(crate) fn new(config: config::Learning, intake: &Channel) -> Self {
        Self {
            config,
            texts: Texts::new(intake),
            lexicon: OnceCell::new(),
            in_force: InForce::default(),
            intake_is_away: AtomicBool::new(false),
            wanted: Notify::new(),
            came: Arc::default(),
        }
    }

    /// Is told when there may be something to look at.
    pub(crate) fn came(&self) -> Arc<Notify> {
        self.came.clone()
    }

    fn note_intake(&self, away: bool) {
        if self.intake_is_away.swap(away, Ordering::Relaxed) != away {
            if away {
                tracing::warn!("intake does not answer: routing goes by without words");
            } else {
                tracing::info!("intake answers again");
            }
        }
    }
}

impl App {
    /// Is told when there may be something to look at.
    pub(crate) fn learning_came(&self) -> Arc<Notify> {
        self.learning.came()
    }

    /// Returns when a model was wanted.
    pub(crate) async fn wanted_model(&self) {
        self.learning.wanted.notified().await;
    }
}

/// The case that a ticket makes, without words.
fn case(item: &Item) -> Case {
    let facts = &item.facts;
    let language = facts.language.as_ref().map(ToString::to_string);
    let intake = Intake {
        category: &facts.category,
        channel: item.channel,
        language: language.as_deref().unwrap_or_default(),
        requester: &facts.requester,
        organisation: &facts.organisation,
        attributes: &facts.attributes,
    };
    Case {
        fields: intake.fields(),
        ..Case::default()
    }
}

/// A case with words, as far as they could be had.
#[derive(Clone, Debug)]
struct Told {
    case: Case,
    text: TextUse,
}
