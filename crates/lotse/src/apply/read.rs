//! Reads a file into what it wants, noting every problem, every definition and every reference.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::coverage;
use super::handling::{self, by_channel};
use super::read_calendars;
use super::rotas;
use super::spec::{Agent, Group, Skill, Spec};
use super::targets;
use super::words::Vocabulary;
use super::yaml::{self, At, Entry, Map, Problems};
use super::{escalations, read_promises, workflows};

/// A kind of resource, in the order in which they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What agents can do.
    Skill,
    /// Teams.
    Group,
    /// People.
    Agent,
    /// How a ticket finds its group.
    Workflow,
    /// Who is on duty when.
    Rota,
    /// When an agent should be at work.
    ShiftPlan,
    /// How many must be there of a group.
    Coverage,
    /// Who answers for a group for a while.
    Cover,
    /// When time counts.
    Calendar,
    /// Where notices are sent.
    NotificationTarget,
    /// Who is told when a promise is in danger.
    Escalation,
    /// What is promised.
    Policy,
    /// What is asked.
    Survey,
}

impl Kind {
    /// The word for one of them.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Skill => "skill",
            Self::Group => "group",
            Self::Agent => "agent",
            Self::Workflow => "workflow",
            Self::Rota => "rota",
            Self::ShiftPlan => "shift plan",
            Self::Coverage => "coverage",
            Self::Cover => "cover",
            Self::Calendar => "calendar",
            Self::Escalation => "escalation",
            Self::Policy => "policy",
            Self::NotificationTarget => "target",
            Self::Survey => "survey",
        }
    }
}

/// A name that something else must bear.
pub(crate) struct Reference {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) at: At,
}

/// What was read.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) spec: Spec,
    pub(crate) problems: Problems,
    pub(crate) references: Vec<Reference>,
    names: BTreeMap<(Kind, String), usize>,
    /// Where files that it names lie.
    folder: PathBuf,
}

impl Reader {
    /// Reads a file as far as it can be read; files that it names lie in `folder`.
    pub(crate) fn read(text: &str, folder: &Path) -> Self {
        let mut reader = Self {
            folder: folder.to_owned(),
            ..Self::default()
        };
        if let Some(documents) = yaml::documents(text, &mut reader.problems)
            && let Some(top) = yaml::top(&documents, &mut reader.problems)
        {
            reader.top(top);
        }
        reader
    }

    /// Whether the file itself defines it.
    pub(crate) fn defines(&self, kind: Kind, name: &str) -> bool {
        self.names.contains_key(&(kind, name.to_owned()))
    }

    fn top(&mut self, mut top: Map<'_>) {
        self.spec.skills = self.section(&mut top, "skills", Self::skill);
        self.spec.groups = self.section(&mut top, "groups", Self::group);
        self.spec.agents = self.section(&mut top, "agents", Self::agent);
        let workflow = top
            .take("workflow")
            .and_then(|entry| entry.map(&mut self.problems));
        self.spec.workflow = workflow.and_then(|map| workflows::read(self, map));
        self.spec.rotas = self.section(&mut top, "rotas", rotas::read);
        self.spec.shift_plans = self.section(&mut top, "shift_plans", coverage::shift_plan);
        self.spec.coverage = self.section(&mut top, "coverage", coverage::coverage);
        self.spec.covers = self.section(&mut top, "covers", coverage::cover);
        self.spec.calendars = self.section(&mut top, "calendars", read_calendars::calendar);
        self.spec.escalations = self.section(&mut top, "escalations", escalations::escalation);
        self.spec.policies = self.section(&mut top, "policies", read_promises::policy);
        for (place, policy) in (1..).zip(&mut self.spec.policies) {
            if policy.position == 0 {
                policy.position = place;
            }
        }
        self.spec.notification_targets =
            self.section(&mut top, "notification_targets", targets::read);
        self.spec.surveys = self.section(&mut top, "surveys", read_promises::survey);
        top.finish(&mut self.problems);
    }

    fn section<T>(
        &mut self,
        top: &mut Map<'_>,
        key: &str,
        read: fn(&mut Self, &mut Map<'_>) -> Option<T>,
    ) -> Vec<T> {
        let entries = top.take(key).map(|entry| entry.list(&mut self.problems));
        let mut all = Vec::new();
        for entry in entries.unwrap_or_default() {
            if let Some(mut map) = entry.map(&mut self.problems) {
                all.extend(read(self, &mut map));
                map.finish(&mut self.problems);
            }
        }
        all
    }

    fn skill(&mut self, map: &mut Map<'_>) -> Option<Skill> {
        let description = self.text(map, "description").unwrap_or_default();
        let name = self.name(Kind::Skill, map)?;
        let fits = |letter: char| letter.is_ascii_lowercase() || "0123456789_-.".contains(letter);
        if name.len() > 64 || !name.chars().all(fits) {
            let message = "has a name that is not 1 to 64 of a-z, 0-9, `_`, `-` and `.`";
            self.problems.add(&map.at, message);
        }
        Some(Skill { name, description })
    }

    fn group(&mut self, map: &mut Map<'_>) -> Option<Group> {
        let tier = self.whole(map, "tier", 1..=9).unwrap_or(1);
        let required_skills = self.levels(map, "required_skills", Some(Kind::Skill));
        let lead = self.reference(map, "lead", Kind::Agent).unwrap_or_default();
        let escalates_to = self
            .reference(map, "escalates_to", Kind::Group)
            .unwrap_or_default();
        let handling = handling::read(self, map);
        let name = self.name(Kind::Group, map)?;
        Some(Group {
            name,
            tier,
            required_skills,
            lead,
            escalates_to,
            handling,
        })
    }

    fn agent(&mut self, map: &mut Map<'_>) -> Option<Agent> {
        let groups = self.references(map, "groups", Kind::Group);
        let tier = self.whole(map, "tier", 1..=9).unwrap_or(1);
        let skills = self.levels(map, "skills", Some(Kind::Skill));
        let languages = self.levels(map, "languages", None);
        let capacity = match map.require("capacity", &mut self.problems) {
            Some(entry) => entry
                .whole(0..=10_000, &mut self.problems)
                .unwrap_or_default(),
            None => 0,
        };
        let channel_weights = by_channel(self, map, "channel_weights", &(1..=1_000_000));
        let channel_caps = by_channel(self, map, "channel_caps", &(0..=10_000));
        let presence_never_expires = self.truth(map, "presence_never_expires", false);
        let retired = self.truth(map, "retired", false);
        let name = self.name(Kind::Agent, map)?;
        Some(Agent {
            name,
            groups,
            tier,
            skills,
            languages,
            capacity,
            channel_weights,
            channel_caps,
            presence_never_expires,
            retired,
        })
    }

    /// The name of what is defined here, which nothing else of its kind may have.
    pub(crate) fn name(&mut self, kind: Kind, map: &mut Map<'_>) -> Option<String> {
        let entry = map.require("name", &mut self.problems)?;
        let name = entry.text(&mut self.problems)?;
        if name.len() > 128 {
            self.problems.add(&entry.at, "must be at most 128 bytes");
        }
        self.once(kind, name, &entry.at)
    }

    /// A name that nothing else of its kind may have.
    pub(crate) fn once(&mut self, kind: Kind, name: String, at: &At) -> Option<String> {
        match self.names.insert((kind, name.clone()), at.line) {
            Some(line) => {
                let message = format!("repeats the {} {name:?} of line {line}", kind.word());
                self.problems.add(at, message);
            }
            None => return Some(name),
        }
        None
    }

    pub(crate) fn text(&mut self, map: &mut Map<'_>, key: &str) -> Option<String> {
        map.take(key)?.text(&mut self.problems)
    }

    /// The name without its ending, and the text, of a file that is named.
    pub(crate) fn file(&mut self, entry: &Entry<'_>) -> Option<(String, String)> {
        let path = self.folder.join(entry.text(&mut self.problems)?);
        let stem = path.file_stem().map(|stem| stem.to_string_lossy());
        match std::fs::read_to_string(&path) {
            Ok(text) => Some((stem.unwrap_or_default().into_owned(), text)),
            Err(error) => entry.bad(
                format!("cannot be read: {}: {error}", path.display()),
                &mut self.problems,
            ),
        }
    }

    pub(crate) fn truth(&mut self, map: &mut Map<'_>, key: &str, default: bool) -> bool {
        let truth = map
            .take(key)
            .and_then(|entry| entry.truth(&mut self.problems));
        truth.unwrap_or(default)
    }

    pub(crate) fn whole(
        &mut self,
        map: &mut Map<'_>,
        key: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        map.take(key)?.whole(range, &mut self.problems)
    }

    pub(crate) fn texts(&mut self, map: &mut Map<'_>, key: &str) -> BTreeSet<String> {
        let texts = map.take(key).map(|entry| entry.texts(&mut self.problems));
        texts
            .unwrap_or_default()
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    /// BCP 47 tags, which compare without case.
    pub(crate) fn languages(&mut self, map: &mut Map<'_>) -> BTreeSet<String> {
        let tags = self.texts(map, "languages");
        tags.into_iter()
            .map(|tag| tag.to_ascii_lowercase())
            .collect()
    }

    /// One of a vocabulary.
    pub(crate) fn word(&mut self, entry: &Entry<'_>, of: Vocabulary) -> Option<String> {
        let word = entry.text(&mut self.problems)?;
        if of.code(&word) == 0 {
            return entry.bad(format!("must be one of {}", of.all()), &mut self.problems);
        }
        Some(word)
    }

    pub(crate) fn words(
        &mut self,
        map: &mut Map<'_>,
        key: &str,
        of: Vocabulary,
    ) -> BTreeSet<String> {
        let entries = map.take(key).map(|entry| entry.list(&mut self.problems));
        let entries = entries.unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| self.word(entry, of))
            .collect()
    }

    /// The entries of a mapping whose keys are names.
    pub(crate) fn entries<'a>(&mut self, map: &mut Map<'a>, key: &str) -> Vec<(String, Entry<'a>)> {
        let inner = map
            .take(key)
            .and_then(|entry| entry.map(&mut self.problems));
        inner.map(Map::into_entries).unwrap_or_default()
    }

    /// Levels by skill, or by language where no kind is named.
    pub(crate) fn levels(
        &mut self,
        map: &mut Map<'_>,
        key: &str,
        kind: Option<Kind>,
    ) -> BTreeMap<String, u32> {
        let mut levels = BTreeMap::new();
        for (name, entry) in self.entries(map, key) {
            let level = entry.whole(1..=5, &mut self.problems).unwrap_or(1);
            let name = match kind {
                Some(kind) => {
                    let at = entry.at.clone();
                    self.references.push(Reference {
                        kind,
                        name: name.clone(),
                        at,
                    });
                    name
                }
                None => name.to_ascii_lowercase(),
            };
            levels.insert(name, level);
        }
        levels
    }

    pub(crate) fn reference(&mut self, map: &mut Map<'_>, key: &str, kind: Kind) -> Option<String> {
        let entry = map.take(key)?;
        let name = entry.text(&mut self.problems)?;
        self.references.push(Reference {
            kind,
            name: name.clone(),
            at: entry.at,
        });
        Some(name)
    }

    /// A reference that must be there.
    pub(crate) fn needed(&mut self, map: &mut Map<'_>, key: &str, kind: Kind) -> Option<String> {
        let entry = map.require(key, &mut self.problems)?;
        let name = entry.text(&mut self.problems)?;
        self.references.push(Reference {
            kind,
            name: name.clone(),
            at: entry.at,
        });
        Some(name)
    }

    pub(crate) fn references(
        &mut self,
        map: &mut Map<'_>,
        key: &str,
        kind: Kind,
    ) -> BTreeSet<String> {
        let texts = map.take(key).map(|entry| entry.texts(&mut self.problems));
        let mut names = BTreeSet::new();
        for (at, name) in texts.unwrap_or_default() {
            self.references.push(Reference {
                kind,
                name: name.clone(),
                at,
            });
            names.insert(name);
        }
        names
    }
}
