//! What the chart and the compose file set, the program knows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn defaults() -> Table {
    let text = fs::read_to_string(root().join("crates/config/defaults.toml"));
    text.expect("the defaults").parse().expect("valid TOML")
}

/// Whether `section.key` is a documented setting; in a variable the key of a
/// section within it is `inner__key`. A service whose section documents nothing
/// checks its keys itself.
fn known(defaults: &Table, section: &str, key: &str) -> bool {
    let Some(keys) = defaults.get(section).and_then(|section| section.as_table()) else {
        return false;
    };
    match key.split_once("__") {
        Some((inner, key)) => known(keys, inner, key),
        None => keys.is_empty() || keys.contains_key(key),
    }
}

/// Section and key of every variable such as `LOTSE__SERVER__GRPC` in a text. A
/// name that is put together (`LOTSE__PEERS__%s`) has no key to look at.
fn variables(text: &str) -> BTreeSet<(String, String)> {
    text.split("LOTSE__")
        .skip(1)
        .filter_map(|rest| {
            let end = rest.find(|sign: char| !(sign.is_ascii_uppercase() || sign == '_'));
            let (section, key) = rest[..end.unwrap_or(rest.len())].split_once("__")?;
            (!key.is_empty()).then(|| (section.to_lowercase(), key.to_lowercase()))
        })
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn variables_of_chart_and_compose_file_are_known_settings() {
    let defaults = defaults();
    let mut found = 0;
    let mut unknown = Vec::new();
    for folder in ["deploy", "helm"] {
        for file in files(&root().join(folder)) {
            let text = fs::read_to_string(&file).expect("text");
            for (section, key) in variables(&text) {
                found += 1;
                if !known(&defaults, &section, &key) {
                    unknown.push(format!("{}: {section}.{key}", file.display()));
                }
            }
        }
    }
    assert!(found > 10, "only {found} variables were found");
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn keys_of_the_compose_files_configuration_are_known_settings() {
    let defaults = defaults();
    let text = fs::read_to_string(root().join("deploy/config.toml")).expect("the file");
    let file: Table = text.parse().expect("valid TOML");
    for (section, keys) in &file {
        for key in keys.as_table().expect("a section").keys() {
            assert!(known(&defaults, section, key), "{section}.{key}");
        }
    }
    assert!(!file.is_empty());
}

#[test]
fn the_rule_tells_good_from_bad() {
    let defaults: Table = "[server]\ngrpc = 1\n[survey]\n[sla.mail]\nkey = 1\n"
        .parse()
        .expect("valid TOML");
    assert!(known(&defaults, "server", "grpc"));
    assert!(!known(&defaults, "server", "gprc"));
    assert!(!known(&defaults, "sever", "grpc"));
    assert!(known(&defaults, "survey", "link_key"));
    assert!(known(&defaults, "sla", "mail__key"));
    assert!(!known(&defaults, "sla", "mail__kye"));
    let text = "- name: LOTSE__SERVER__LAME_DUCK\n LOTSE__PEERS__%s";
    assert_eq!(
        variables(text),
        [("server".to_owned(), "lame_duck".to_owned())].into()
    );
}
