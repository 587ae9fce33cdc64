//! Settings from a file and the environment.

use std::path::Path;

use anyhow::{Context as _, Result};
use lotse_config::{Draft, Problems, Secret, Settings, Sources};
use lotse_db::DbConfig;
use serde::Deserialize;

use crate::keys;
use crate::suite::Behaviour;

/// Everything that `file` and the environment set, over the defaults.
pub(crate) fn load(file: Option<&Path>) -> Result<Settings> {
    Ok(Settings::load(sources(file))?)
}

/// The same for a service with tables, and how the services behave.
pub(crate) fn load_for_service(file: Option<&Path>) -> Result<(Settings, Behaviour)> {
    load_with(file, |draft, problems| {
        problems.take(draft.check_for_serve());
        behaviour(draft, problems)
    })
}

/// The same for the gateway, and its own section.
pub(crate) fn load_for_gateway(file: Option<&Path>) -> Result<(Settings, lotse_gateway::Config)> {
    load_with(file, |draft, problems| {
        problems.take(draft.section("gateway"))
    })
}

/// All that is wrong is told at once: what the services say of their sections too.
fn load_with<T>(
    file: Option<&Path>,
    own: impl FnOnce(&Draft<'_>, &mut Problems) -> Option<T>,
) -> Result<(Settings, T)> {
    let mut read = None;
    let check = |draft: &Draft<'_>, problems: &mut Problems| read = own(draft, problems);
    let settings = Settings::load_with(sources(file), check)?;
    Ok((settings, read.context("the settings cannot be read")?))
}

fn sources(file: Option<&Path>) -> Sources {
    let sources = Sources::new().environment(std::env::vars().collect());
    match file {
        Some(file) => sources.file(file),
        None => sources,
    }
}

/// How the database is reached.
pub(crate) fn database(settings: &Settings) -> DbConfig {
    let wanted = &settings.database;
    DbConfig {
        max_connections: wanted.max_connections,
        reader_connections: wanted.reader_connections,
        acquire_timeout: wanted.acquire_timeout,
        statement_timeout: wanted.statement_timeout,
        ..DbConfig::new(wanted.url.expose())
    }
}

/// `[survey]`: the service's own settings and the secrets that sign its links.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Survey {
    ask: bool,
    link_key: Secret,
    previous_link_key: Secret,
}

impl Default for Survey {
    fn default() -> Self {
        let lotse_survey::Config { ask } = lotse_survey::Config::default();
        Self {
            ask,
            link_key: Secret::new(""),
            previous_link_key: Secret::new(""),
        }
    }
}

/// How SLA timing behaves in a process without a file of settings: as the environment says.
pub(crate) fn sla_of_environment() -> Result<lotse_sla::Config> {
    let (_, sla) = load_with(None, |draft, problems| Some(sla(draft, problems)))?;
    Ok(sla)
}

/// How SLA timing behaves.
fn sla(draft: &Draft<'_>, problems: &mut Problems) -> lotse_sla::Config {
    let sla: lotse_sla::Config = problems.take(draft.section("sla")).unwrap_or_default();
    for (key, problem) in sla.problems() {
        problems.add(format!("sla.notifications.{key}"), problem);
    }
    sla
}

/// How the services behave, unless something is wrong.
fn behaviour(draft: &Draft<'_>, problems: &mut Problems) -> Option<Behaviour> {
    let survey: Survey = problems.take(draft.section("survey")).unwrap_or_default();
    let secrets = [&survey.link_key, &survey.previous_link_key];
    let links = keys::of_secrets(secrets.map(|secret| secret.expose().as_bytes()));
    if let Err(error) = &links {
        problems.add("survey.link_key", error.to_string());
    }
    let intake: lotse_intake::Config = problems.take(draft.section("intake")).unwrap_or_default();
    for (key, problem) in intake.problems() {
        problems.add(format!("intake.{key}"), problem);
    }
    let routing: lotse_routing::Config =
        problems.take(draft.section("routing")).unwrap_or_default();
    for (key, problem) in routing.problems() {
        problems.add(format!("routing.{key}"), problem);
    }
    let sla = sla(draft, problems);
    let insight = problems.take(draft.section("insight")).unwrap_or_default();
    Some(Behaviour {
        intake,
        routing,
        sla,
        survey: lotse_survey::Config { ask: survey.ask },
        insight,
        links: links.ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeOwned;
    use toml::Table;

    /// The keys that a section takes, as it names them to whoever sets an unknown one.
    fn keys_of<T: DeserializeOwned>() -> BTreeSet<String> {
        let refused = toml::from_str::<T>("no_such_key = 1").err();
        let told = refused.expect("an unknown key is refused").to_string();
        let (_, expected) = told.split_once("expected").expect("the keys are named");
        let quoted = expected.split('`').skip(1).step_by(2);
        quoted.map(str::to_owned).collect()
    }

    fn keys_in(section: &Table) -> BTreeSet<String> {
        section.keys().cloned().collect()
    }

    #[test]
    fn every_key_of_routing_is_documented_with_its_default() {
        let documented: Table = lotse_config::DEFAULTS.parse().expect("valid TOML");
        let routing = documented["routing"].as_table().expect("a section");
        let learning = routing["learning"].as_table().expect("a section");
        assert_eq!(keys_in(routing), keys_of::<lotse_routing::Config>());
        assert_eq!(keys_in(learning), keys_of::<lotse_routing::Learning>());
        let read: lotse_routing::Config = routing.clone().try_into().expect("sound");
        assert_eq!(read, lotse_routing::Config::default());
    }
}
