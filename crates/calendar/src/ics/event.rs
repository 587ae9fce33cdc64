//! One event: which whole days it takes.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::lines::{Component, Line};
use super::{FileProblem, recurrence};

/// Most days that an event may last.
const MAX_DAYS: i64 = 366;

/// Most bytes of a name that are kept.
const MAX_NAME: usize = 128;

/// A VEVENT, as far as it matters here.
pub(super) struct Event {
    pub(super) line: usize,
    pub(super) uid: String,
    /// For which start of the event with the same UID it stands.
    pub(super) replaces: Option<Date>,
    /// Cancelled, or does not block time.
    pub(super) ignored: bool,
    pub(super) name: String,
    start: Date,
    pub(super) days: usize,
    /// The rule, and its line.
    rule: Option<(usize, String)>,
    also: BTreeSet<Date>,
    except: BTreeSet<Date>,
}

/// The days on which an event starts.
pub(super) struct Reach {
    pub(super) starts: BTreeSet<Date>,
    /// Whether there are more, later than any that are wanted.
    pub(super) goes_on: bool,
}

impl Event {
    pub(super) fn read(component: &Component) -> Result<Event, FileProblem> {
        let all = |name: &'static str| {
            let lines = component.properties.iter();
            lines.filter(move |line| line.name == name)
        };
        let one = |name: &'static str| match all(name).nth(1) {
            Some(second) => Err(FileProblem::new(
                second.number,
                format!("a second {name} in one event"),
            )),
            None => Ok(all(name).next()),
        };
        let is = |name, value: &str| {
            one(name).map(|line| line.is_some_and(|line| line.value.eq_ignore_ascii_case(value)))
        };
        if let Some(line) = all("EXRULE").next() {
            let message = "EXRULE is no longer part of iCalendar: write EXDATE";
            return Err(FileProblem::new(line.number, message));
        }
        let start = one("DTSTART")?;
        let no_start = || FileProblem::new(component.line, "an event without DTSTART");
        let start = date(start.ok_or_else(no_start)?)?;
        let rule = one("RRULE")?.map(|line| (line.number, line.value.clone()));
        let name = one("SUMMARY")?.map_or(String::new(), |line| one_line(&line.value));
        let uid = one("UID")?.map_or(String::new(), |line| line.value.clone());
        Ok(Event {
            line: component.line,
            uid,
            replaces: one("RECURRENCE-ID")?.map(date).transpose()?,
            ignored: is("STATUS", "CANCELLED")? || is("TRANSP", "TRANSPARENT")?,
            name,
            start,
            days: length(start, one("DTEND")?, one("DURATION")?)?,
            rule,
            also: dates(all("RDATE"))?,
            except: dates(all("EXDATE"))?,
        })
    }

    /// When it starts, in order.
    pub(super) fn starts(&self) -> Result<Reach, FileProblem> {
        let mut reach = Reach {
            starts: BTreeSet::from([self.start]),
            goes_on: false,
        };
        if let Some((line, rule)) = &self.rule {
            let expanded = recurrence::expand(rule, self.start);
            reach = expanded.map_err(|message| FileProblem::new(*line, message))?;
        }
        reach.starts.extend(&self.also);
        reach.starts.retain(|start| !self.except.contains(start));
        Ok(reach)
    }
}

/// The days from a start to an end that is not included any more; one if there is neither.
fn length(start: Date, end: Option<&Line>, duration: Option<&Line>) -> Result<usize, FileProblem> {
    let (line, days) = match (end, duration) {
        (None, None) => return Ok(1),
        (Some(_), Some(line)) => {
            return Err(FileProblem::new(line.number, "DURATION beside DTEND"));
        }
        (Some(line), None) => (line, (date(line)? - start).get_days().into()),
        (None, Some(line)) => (line, whole_days(line)?),
    };
    if !(1..=MAX_DAYS).contains(&days) {
        let message = format!("{}: an event lasts 1 to {MAX_DAYS} days", line.name);
        return Err(FileProblem::new(line.number, message));
    }
    Ok(usize::try_from(days).unwrap_or(1)) // invariant: within 1 to 366
}

/// The days of `P3D` or `P2W`.
fn whole_days(line: &Line) -> Result<i64, FileProblem> {
    let value = line.value.strip_prefix('+').unwrap_or(&line.value);
    let count = |unit| {
        value
            .strip_prefix('P')?
            .strip_suffix(unit)?
            .parse::<u16>()
            .ok()
    };
    let days = count('D').or_else(|| count('W').map(|weeks| weeks.saturating_mul(7)));
    let message = "DURATION must be whole days, such as P2D, or weeks, such as P1W";
    days.map(i64::from)
        .ok_or_else(|| FileProblem::new(line.number, message))
}

/// A property that holds one date.
fn date(line: &Line) -> Result<Date, FileProblem> {
    parse_date(line, &line.value)
}

fn dates<'a>(lines: impl Iterator<Item = &'a Line>) -> Result<BTreeSet<Date>, FileProblem> {
    lines
        .flat_map(|line| {
            line.value
                .split(',')
                .map(move |value| parse_date(line, value))
        })
        .collect()
}

fn parse_date(line: &Line, value: &str) -> Result<Date, FileProblem> {
    let typed = line.parameters.iter().find(|(key, _)| key == "VALUE");
    let not_date = typed.is_some_and(|(_, kind)| !kind.eq_ignore_ascii_case("DATE"));
    if not_date || value.contains('T') {
        let message = format!(
            "{} has a time: only events of whole days close dates; write an override for hours",
            line.name
        );
        return Err(FileProblem::new(line.number, message));
    }
    recurrence::date(value).ok_or_else(|| {
        let message = format!("{}: {value:?} is no date, YYYYMMDD", line.name);
        FileProblem::new(line.number, message)
    })
}

/// The first line of a text, as much of it as fits.
fn one_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    let kept = line.char_indices();
    let kept = kept.take_while(|(at, letter)| at + letter.len_utf8() <= MAX_NAME);
    kept.map(|(_, letter)| letter)
        .filter(|letter| !letter.is_control())
        .collect()
}
