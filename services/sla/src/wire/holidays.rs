//! Where a calendar's holidays come from, as callers write and read it.

use std::collections::BTreeSet;

use lotse_calendar::{
    FILE_DATES, FileProblem, Holiday, HolidayFile, REGION_YEARS, Region, Source, SpecialDay,
    UnknownRegion,
};
use lotse_errors::{Text, Violations};
use lotse_proto::sla::v1 as proto;

use super::calendar::write_hours;
use crate::settings::Holidays;

const MAX_FILES: usize = 16;
const MAX_REGIONS: usize = 32;
const MAX_TEXT: usize = 256 * 1024;
/// Problems of one file that are told; the others are told when these are mended.
const MAX_PROBLEMS: usize = 20;

/// Reads the holidays of a calendar, files first, as they go before regions.
pub(super) fn read(
    files: &[proto::HolidayFile],
    regions: &[proto::HolidayRegion],
    wrong: &mut Violations,
) -> Holidays {
    let mut holidays = Holidays {
        files: read_files(files, wrong),
        regions: read_regions(regions, wrong),
        ..Holidays::default()
    };
    let mut all = Vec::new();
    for (index, file) in holidays.files.iter().enumerate() {
        match file.holidays() {
            Ok(found) => {
                if found.goes_on {
                    holidays.until = Some(*FILE_DATES.end());
                }
                all.extend(found.holidays);
            }
            Err(problems) => tell(&format!("holiday_files[{index}].text"), &problems, wrong),
        }
    }
    for (index, region) in holidays.regions.iter().enumerate() {
        match region.holidays() {
            Ok(found) => {
                holidays.until = jiff::civil::Date::new(*REGION_YEARS.end(), 12, 31).ok();
                all.extend(found);
            }
            Err(unknown) => {
                let field = match unknown {
                    UnknownRegion::Country => "country",
                    UnknownRegion::Subdivision(_) => "subdivision",
                };
                wrong.add(
                    format!("holiday_regions[{index}].{field}"),
                    unknown.to_string(),
                );
            }
        }
    }
    holidays.days = first_of_each_date(all);
    holidays
}

fn read_files(given: &[proto::HolidayFile], wrong: &mut Violations) -> Vec<HolidayFile> {
    wrong.require(
        "holiday_files",
        given.len() <= MAX_FILES,
        "must be at most 16",
    );
    let bytes: usize = given.iter().map(|file| file.text.len()).sum();
    if bytes > MAX_TEXT {
        wrong.add("holiday_files", "must be at most 256 KiB together");
        return Vec::new();
    }
    let mut names = BTreeSet::new();
    let mut files = Vec::new();
    for (index, file) in given.iter().take(MAX_FILES).enumerate() {
        let proto::HolidayFile { name, text } = file;
        let mut inner = Violations::new();
        let name = inner.text("name", name, Text::line(1..=64));
        inner.require(
            "name",
            names.insert(name.clone()),
            "is the name of an earlier file",
        );
        wrong.nest(&format!("holiday_files[{index}]"), inner);
        files.push(HolidayFile {
            name,
            text: text.clone(),
        });
    }
    files
}

fn read_regions(given: &[proto::HolidayRegion], wrong: &mut Violations) -> Vec<Region> {
    wrong.require(
        "holiday_regions",
        given.len() <= MAX_REGIONS,
        "must be at most 32",
    );
    let region = |region: &proto::HolidayRegion| {
        let proto::HolidayRegion {
            country,
            subdivision,
        } = region;
        Region {
            country: country.clone(),
            subdivision: subdivision.clone(),
        }
    };
    given.iter().take(MAX_REGIONS).map(region).collect()
}

fn tell(field: &str, problems: &[FileProblem], wrong: &mut Violations) {
    for problem in problems.iter().take(MAX_PROBLEMS) {
        wrong.add(field, problem.to_string());
    }
}

/// One holiday a date, the first that was named.
fn first_of_each_date(mut all: Vec<Holiday>) -> Vec<Holiday> {
    // A stable sort: of one date, the first stays first.
    all.sort_by_key(|holiday| holiday.date);
    all.dedup_by_key(|holiday| holiday.date);
    all
}

/// The files and regions as they were put.
pub(super) fn write(holidays: &Holidays) -> (Vec<proto::HolidayFile>, Vec<proto::HolidayRegion>) {
    let Holidays {
        files,
        regions,
        days: _,
        until: _,
    } = holidays;
    let file = |file: &HolidayFile| proto::HolidayFile {
        name: file.name.clone(),
        text: file.text.clone(),
    };
    let region = |region: &Region| proto::HolidayRegion {
        country: region.country.clone(),
        subdivision: region.subdivision.clone(),
    };
    (
        files.iter().map(file).collect(),
        regions.iter().map(region).collect(),
    )
}

/// A special day as callers see it.
pub(crate) fn write_special_day(version: u32, day: &SpecialDay) -> proto::SpecialDay {
    let SpecialDay {
        date,
        name,
        source,
        hours,
    } = day;
    let (source, origin) = match source {
        Source::Override => (proto::SpecialDaySource::Override, String::new()),
        Source::File(name) => (proto::SpecialDaySource::File, name.clone()),
        Source::Region(code) => (proto::SpecialDaySource::Region, code.clone()),
    };
    proto::SpecialDay {
        date: date.to_string(),
        name: name.clone(),
        source: source.into(),
        origin,
        intervals: hours.iter().map(write_hours).collect(),
        calendar_version: version,
    }
}
