//! What the model in force says about a ticket, to whoever asks.

use std::collections::HashMap;

use lotse_ids::TicketId;

use super::super::App;
use super::super::hand_over::TICKET;
use super::lexicon::words;
use super::texts::Text;
use super::{Told, case};
use crate::domain::advice::{Advice, Question};
use crate::domain::codes::TextUse;
use crate::domain::directory::Directory;
use crate::domain::item::Item;
use crate::error::Error;
use crate::store::items;

/// Where a ticket belongs.
#[derive(Debug)]
pub(crate) struct Suggestions {
    /// By the model in force now.
    pub(crate) now: Advice,
    /// By the re-router, when a person had chosen the first group.
    pub(crate) second: Option<Advice>,
}

impl App {
    /// What the model in force says about a ticket now; with the group that a person chose first,
    /// where one did.
    pub(crate) async fn suggestions(&self, ticket: &TicketId) -> Result<Suggestions, Error> {
        let found = items::find(self.db.reader(), ticket).await?;
        let item = found.ok_or_else(|| Error::NoSuch {
            resource: TICKET,
            id: ticket.to_string(),
        })?;
        let directory = self.directory().await?;
        let items = std::slice::from_ref(&item);
        let mut told = self.cases(items, &[ticket]).await?;
        let Some(mut told) = told.pop() else {
            return Err(Error::NoSuch {
                resource: TICKET,
                id: ticket.to_string(),
            });
        };
        let Some(model) = self.model_in_force().await? else {
            return Ok(Suggestions {
                now: Advice::without_model(&self.question(&told, &directory)),
                second: None,
            });
        };
        let in_triage = item.group.as_ref() == directory.triage_group();
        let first = item
            .group
            .as_ref()
            .filter(|_| !in_triage && item.trail.had_group);
        told.case.first_group = first.map(ToString::to_string);
        let question = self.question(&told, &directory);
        let asked = match first {
            Some(_) => &model.rerouter,
            None => &model.intake,
        };
        let mut now = Advice::of(asked, model.version, &question);
        let mut second = item.trail.second_opinion;
        self.spell(ticket, std::iter::once(&mut now).chain(&mut second))
            .await?;
        Ok(Suggestions { now, second })
    }

    /// Puts the words of a ticket's text in place of their hashes, where intake still has it.
    pub(crate) async fn spell<'a>(
        &self,
        ticket: &TicketId,
        advice: impl IntoIterator<Item = &'a mut Advice>,
    ) -> Result<(), Error> {
        let advice: Vec<&mut Advice> = advice
            .into_iter()
            .filter(|advice| advice.has_words())
            .collect();
        if advice.is_empty() {
            return Ok(());
        }
        let Some(lexicon) = self.lexicon().await? else {
            return Ok(());
        };
        let Some(Text::Read(text)) = self.learning.texts.read(&[ticket]).await.pop() else {
            return Ok(());
        };
        let known: HashMap<String, String> = words(lexicon, &text)
            .into_iter()
            .map(|(word, hash)| (format!("{:016x}", hash.0), word))
            .collect();
        for one in advice {
            one.spell(|hash| known.get(hash).cloned());
        }
        Ok(())
    }

    /// The cases of some tickets with the words of their texts, as far as these can be had now.
    pub(super) async fn cases(
        &self,
        items: &[Item],
        tickets: &[&TicketId],
    ) -> Result<Vec<Told>, Error> {
        let mut cases: Vec<Told> = items
            .iter()
            .map(|item| Told {
                case: case(item),
                text: TextUse::Unused,
            })
            .collect();
        let Some(lexicon) = self.lexicon().await? else {
            return Ok(cases);
        };
        let texts = self.learning.texts.read(tickets).await;
        self.learning.note_intake(texts.contains(&Text::Away));
        for (told, text) in cases.iter_mut().zip(texts) {
            told.text = match text {
                Text::Read(text) => {
                    let words = words(lexicon, &text).into_iter();
                    told.case.words = words.map(|(_, word)| word).collect();
                    TextUse::Read
                }
                Text::Gone => TextUse::Unused,
                Text::Away => TextUse::Away,
            };
        }
        Ok(cases)
    }

    pub(super) fn question<'a>(&self, told: &'a Told, directory: &'a Directory) -> Question<'a> {
        Question {
            case: &told.case,
            text: told.text,
            groups: &directory.groups,
            except: directory.triage_group(),
            threshold: self.learning.config.confidence,
        }
    }
}
