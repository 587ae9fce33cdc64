//! The figures as text.

use std::fmt::Write as _;

use super::Report;

/// The table of policies, and how far the chances of those that give some can be believed.
pub(super) fn text(report: &Report) -> String {
    let mut out = format!(
        "{} tickets, {} rows set aside; {} resolved before {}; {} opened until before {} with first \
         and last group known; fitted anew every {} h\nfields: {}\n\n",
        report.tickets,
        report.set_aside,
        report.trained,
        report.split,
        report.tested,
        report.until,
        report.refit_hours,
        report.fields.join(", "),
    );
    out.push_str("| policy | wrong first group | 95 % interval | hit@3 | hit@5 | transfers | Brier | calibration error |\n");
    out.push_str("|---|---|---|---|---|---|---|---|\n");
    for policy in &report.policies {
        let [low, high] = policy.wrong_first_interval;
        let (brier, error) = match &policy.calibration {
            Some(calibration) => (
                format!("{:.3}", calibration.brier),
                format!("{:.3}", calibration.error),
            ),
            None => ("–".to_owned(), "–".to_owned()),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(
            out,
            "| {} | {} | {} to {} | {} | {} | {:.2} | {brier} | {error} |",
            policy.name,
            percent(policy.wrong_first),
            percent(low),
            percent(high),
            percent(policy.hit3),
            percent(policy.hit5),
            policy.expected_transfers,
        );
    }
    for policy in &report.policies {
        let Some(calibration) = &policy.calibration else {
            continue;
        };
        let _ = writeln!(out, "\n{}, chance of the first answer:", policy.name);
        out.push_str("| from | tickets | said | came |\n|---|---|---|---|\n");
        for bin in &calibration.reliability {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                percent(bin.from),
                bin.tickets,
                percent(bin.said),
                percent(bin.came),
            );
        }
    }
    out
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
