//! The content lines of a file, by the events they belong to.

use icalendar::parser::Property;

use super::FileProblem;

/// A VEVENT: where it begins, and its properties.
pub(super) struct Component {
    pub(super) line: usize,
    pub(super) properties: Vec<Line>,
}

/// A property, its value unescaped where it is text.
pub(super) struct Line {
    pub(super) number: usize,
    /// In capitals, as the keys of its parameters are.
    pub(super) name: String,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) value: String,
}

/// The events of a file; what else is in it, such as time zones and alarms, is passed over.
pub(super) fn events(text: &str) -> Result<Vec<Component>, FileProblem> {
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut events: Vec<Component> = Vec::new();
    for (number, line) in unfolded(text) {
        let wrong = |message: String| Err(FileProblem::new(number, message));
        if let Some(name) = marker(&line, "BEGIN:") {
            if open.is_empty() && name != "VCALENDAR" {
                return wrong(format!("BEGIN:{name} outside of a VCALENDAR"));
            }
            if name == "VEVENT" {
                events.push(Component {
                    line: number,
                    properties: Vec::new(),
                });
            }
            open.push((name, number));
        } else if let Some(name) = marker(&line, "END:") {
            match open.pop() {
                Some((begun, _)) if begun == name => {}
                Some((begun, at)) => {
                    return wrong(format!(
                        "END:{name} where BEGIN:{begun} of line {at} is open"
                    ));
                }
                None => return wrong(format!("END:{name} without a BEGIN")),
            }
        } else if open.is_empty() {
            return wrong("an iCalendar file begins with BEGIN:VCALENDAR".to_owned());
        } else if open.last().is_some_and(|(name, _)| name == "VEVENT") {
            let property = property(number, &line)?;
            let event = events.last_mut();
            event.expect("an event is open").properties.push(property); // invariant: pushed above
        }
    }
    match open.pop() {
        Some((name, line)) => Err(FileProblem::new(line, format!("BEGIN:{name} has no END"))),
        None => Ok(events),
    }
}

/// Lines with their numbers, continued ones as one (RFC 5545, section 3.1), without blank ones.
fn unfolded(text: &str) -> Vec<(usize, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((_, last))) => last.push_str(rest),
            _ if line.is_empty() => {}
            _ => lines.push((number, line.to_owned())),
        }
    }
    lines
}

/// The name after `BEGIN:` or `END:`, in capitals.
fn marker(line: &str, start: &str) -> Option<String> {
    let (head, name) = line.split_at_checked(start.len())?;
    head.eq_ignore_ascii_case(start)
        .then(|| name.trim_end().to_ascii_uppercase())
}

fn property(number: usize, line: &str) -> Result<Line, FileProblem> {
    let unread = || FileProblem::new(number, "no property: expected NAME:VALUE");
    // The parser would take a line without a value too.
    let parsed = line.contains(':').then(|| Property::try_from(line).ok());
    let Property { name, val, params } = parsed.flatten().ok_or_else(unread)?;
    let value = |value: Option<icalendar::parser::ParseString<'_>>| {
        value.map_or_else(String::new, |value| value.as_str().to_owned())
    };
    Ok(Line {
        number,
        name: name.as_str().to_ascii_uppercase(),
        parameters: params
            .into_iter()
            .map(|one| (one.key.as_str().to_ascii_uppercase(), value(one.val)))
            .collect(),
        value: val.as_str().to_owned(),
    })
}
