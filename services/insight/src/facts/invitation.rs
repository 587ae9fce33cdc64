//! What insight knows of one invitation to a survey and of its answer.

use lotse_clock::Timestamp;
use lotse_proto::journal::v1::invitation_changed::Change;
use lotse_proto::journal::v1::{AnswerRecorded, InvitationChanged};

use super::code::{code, given};

/// One invitation with its answer, if there is one. Attribution is the survey's snapshot from when
/// it decided to ask, not the ticket's present state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Invitation {
    /// Its id; the answer's own where nobody was invited.
    pub id: String,
    /// The ticket it is about, if any.
    pub ticket_id: Option<String>,
    /// Code of what the survey asks.
    pub kind: Option<String>,
    /// The survey.
    pub survey_id: Option<String>,
    /// When somebody was asked; for an answer without invitation, when it came.
    pub invited_at: Timestamp,
    /// Whether it was withdrawn before an answer.
    pub cancelled: bool,
    /// When the first answer came.
    pub answered_at: Option<Timestamp>,
    /// The scale of the score.
    pub scale: Option<String>,
    /// The score of the latest revision.
    pub score: Option<i64>,
    /// The agent.
    pub agent: Option<String>,
    /// The group.
    pub group: Option<String>,
    /// Code of the channel.
    pub channel: Option<String>,
    /// The language, BCP 47.
    pub language: Option<String>,
    /// The category.
    pub category: Option<String>,
}

impl Invitation {
    /// An invitation that insight hears of for the first time at `at`.
    pub fn new(id: &str, ticket_id: Option<&str>, at: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            ticket_id: ticket_id.map(str::to_owned),
            invited_at: at,
            ..Self::default()
        }
    }

    /// Applies a change of the invitation.
    pub fn changed(&mut self, at: Timestamp, event: &InvitationChanged) {
        self.kind = code(event.kind().as_str_name(), "SURVEY_KIND_");
        self.survey_id = given(&event.survey_id);
        match event.change() {
            Change::Invited => self.invited_at = at,
            Change::Cancelled => self.cancelled = true,
            // Opened or expired: asked all the same. Skipped ones have no row.
            Change::Unspecified | Change::Skipped | Change::Opened | Change::Expired => {}
        }
    }

    /// Takes an answer, or a later revision of it; the first one's time stays.
    pub fn answered(&mut self, at: Timestamp, event: &AnswerRecorded) {
        self.kind = code(event.kind().as_str_name(), "SURVEY_KIND_");
        self.survey_id = given(&event.survey_id);
        self.answered_at.get_or_insert(at);
        self.scale = given(&event.scale);
        self.score = Some(i64::from(event.score));
        self.agent = given(&event.agent_id);
        self.group = given(&event.group_id);
        self.channel = code(event.channel().as_str_name(), "CHANNEL_");
        self.language = given(&event.language);
        self.category = given(&event.category);
    }
}
