//! Who may depend on whom.

use crate::{folder, workspace};

/// The crates that put services together, and so may depend on all of them.
const ASSEMBLERS: [&str; 3] = ["crates/lotse", "crates/testkit", "tests"];

/// What is wrong with `from` depending on `to`, both as folders; development
/// and build dependencies count too.
fn fault(from: &str, to: &str) -> Option<String> {
    let of_service = to.starts_with("services/");
    if !of_service || ASSEMBLERS.contains(&from) {
        None
    } else if from.starts_with("services/") {
        Some(format!(
            "{from} depends on {to}: services speak through the journal or over gRPC"
        ))
    } else {
        Some(format!(
            "{from} depends on {to}: only {} may",
            ASSEMBLERS.join(", ")
        ))
    }
}

#[test]
fn services_do_not_depend_on_each_other_nor_crates_on_services() {
    let metadata = workspace();
    let mut looked_at = 0;
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let from = folder(&metadata, package);
        for dependency in package
            .dependencies
            .iter()
            .filter_map(|it| it.path.as_deref())
        {
            let to = dependency
                .strip_prefix(&metadata.workspace_root)
                .expect("no dependency by path from outside the workspace");
            looked_at += 1;
            faults.extend(fault(&from.to_string_lossy(), to.as_str()));
        }
    }
    assert!(
        looked_at > 10,
        "only {looked_at} dependencies inside the workspace were found"
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_rule_tells_good_from_bad() {
    assert!(fault("services/sla", "services/intake").is_some());
    assert!(fault("crates/journal", "services/intake").is_some());
    assert!(fault("crates/lotse", "services/intake").is_none());
    assert!(fault("tests", "services/intake").is_none());
    assert!(fault("services/sla", "crates/journal").is_none());
}
