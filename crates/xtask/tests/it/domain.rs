//! The domain is pure: `src/domain` of a service uses the standard library, ids,
//! clock, calendar and small value crates, and nothing else of the service.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::DependencyKind;

use crate::{folder, workspace};

/// What a domain may use: values and pure functions of them; no input or
/// output, no storage, no transport, no time of its own.
const ALLOWED: [&str; 11] = [
    "hmac",
    "jiff",
    "lotse_calendar",
    "lotse_clock",
    "lotse_ids",
    "lotse_scores",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
    "whatlang",
];

/// The forbidden uses in `source`, a file of a domain whose package depends on
/// `dependencies` (as names in code): `tonic::Status`, `use sqlx;`, `crate::store`.
fn faults(source: &str, dependencies: &[String]) -> Vec<String> {
    let code = without_comments(source);
    let words = words(&code);
    let mut faults = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let next = words.get(index + 1).copied();
        let starts_a_path = index == 0 || words[index - 1] != "::";
        if !starts_a_path {
            continue;
        }
        let used = next == Some("::") || (index > 0 && words[index - 1] == "use");
        if used && dependencies.iter().any(|it| it == word) && !ALLOWED.contains(word) {
            faults.push(format!("uses {word}"));
        }
        if *word == "crate" && next == Some("::") {
            match words.get(index + 2) {
                Some(&"domain") | None => {}
                Some(module) => faults.push(format!("uses crate::{module}")),
            }
        }
    }
    faults.dedup();
    faults
}

/// Identifiers, `::`, and every other sign by itself.
fn words(code: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            rest.find(|sign: char| !(sign.is_alphanumeric() || sign == '_'))
                .unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        if !word.trim().is_empty() {
            words.push(word);
        }
        rest = after;
    }
    words
}

/// Drops `// …` to the end of each line. A `//` within a text hides the rest of
/// its line from the check, which is the harmless direction.
fn without_comments(source: &str) -> String {
    source
        .lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .collect::<Vec<_>>()
        .join("\n")
}

/// `src/domain.rs` and everything below `src/domain`.
fn domain_files(package: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![package.join("src/domain")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.extend(Some(package.join("src/domain.rs")).filter(|file| file.is_file()));
    files
}

#[test]
fn domains_use_nothing_but_values() {
    let metadata = workspace();
    let mut looked_at = 0;
    let mut all = Vec::new();
    for package in &metadata.packages {
        if !folder(&metadata, package).starts_with("services") {
            continue;
        }
        let dependencies: Vec<String> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Normal)
            .map(|dependency| {
                let name = dependency.rename.as_ref().unwrap_or(&dependency.name);
                name.replace('-', "_")
            })
            .collect();
        let root = package
            .manifest_path
            .parent()
            .expect("a manifest lies in a folder");
        for file in domain_files(root.as_std_path()) {
            looked_at += 1;
            let source = fs::read_to_string(&file).expect("a readable source");
            let found = faults(&source, &dependencies);
            all.extend(
                found
                    .into_iter()
                    .map(|fault| format!("{} {fault}", file.display())),
            );
        }
    }
    assert!(
        looked_at >= 5,
        "only {looked_at} files of domains were found"
    );
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn the_rule_tells_good_from_bad() {
    let dependencies = ["tonic", "serde", "sea_orm", "lotse_ids"].map(str::to_owned);
    let of = |source| faults(source, &dependencies);
    assert_eq!(of("use tonic::Status;"), ["uses tonic"]);
    assert_eq!(of("fn f() -> sea_orm::DbErr {}"), ["uses sea_orm"]);
    assert_eq!(of("use sea_orm;"), ["uses sea_orm"]);
    assert_eq!(of("use crate::store::Row;"), ["uses crate::store"]);
    let none: [&str; 0] = [];
    assert_eq!(of("use lotse_ids::TicketId; // not tonic::Status"), none);
    assert_eq!(
        of("use crate::domain::Ticket; let tonic = 1; a::tonic::b()"),
        none
    );
}
