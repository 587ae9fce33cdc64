//! `lotse token`: mints a token from a local key.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lotse_auth::{Claims, LocalKey};
use lotse_clock::SystemClock;

use crate::cli::Token;

/// Prints a token; makes the key and writes its public half where asked.
///
/// # Errors
/// When a file cannot be read or written, or a scope is unknown.
#[allow(clippy::print_stdout, reason = "the token is the output")]
pub fn run(args: &Token) -> Result<()> {
    let key = if args.key.exists() {
        LocalKey::read(&args.key)?
    } else {
        let key = LocalKey::generate()?;
        key.save(&args.key)?;
        key
    };
    if let Some(jwks) = &args.jwks {
        std::fs::write(jwks, key.jwks())
            .with_context(|| format!("cannot write {}", jwks.display()))?;
    }
    let claims = Claims {
        subject: args.subject.clone(),
        audience: args.audience.clone(),
        issuer: None,
        scopes: scopes(&args.scopes)?,
        agent_id: args.agent.as_deref().map(str::parse).transpose()?,
        lifetime: Duration::from_secs(86_400) * args.days,
    };
    let token = key.mint(&claims, SystemClock.now())?;
    match &args.out {
        Some(path) => secret_file(path, &token),
        None => {
            println!("{token}");
            Ok(())
        }
    }
}

/// Replaces a file that its owner alone can read, all at once.
fn secret_file(path: &Path, content: &str) -> Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .with_context(|| format!("cannot write beside {}", path.display()))?;
    file.write_all(content.as_bytes())?;
    file.persist(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// The scopes asked for, checked; all there are when none is.
fn scopes(asked: &[String]) -> Result<Vec<String>> {
    let mut known: BTreeSet<&str> = lotse_proto::SCOPES
        .iter()
        .map(|(_, scope)| *scope)
        .collect();
    known.insert(IMPORT);
    for scope in asked {
        let all = known.iter().copied().collect::<Vec<_>>().join(", ");
        ensure!(
            known.contains(scope.as_str()),
            "there is no scope {scope:?}; there are {all}"
        );
    }
    if asked.is_empty() {
        return Ok(known.into_iter().map(str::to_owned).collect());
    }
    Ok(asked.to_vec())
}

/// Allows times in the past; no method asks for it by itself.
const IMPORT: &str = "tickets.import";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scope_is_refused_and_the_known_ones_are_named() {
        let error = scopes(&["tickets.wriet".to_owned()])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("tickets.wriet") && error.contains("tickets.write"),
            "{error}"
        );
        assert!(scopes(&[]).unwrap().contains(&IMPORT.to_owned()));
    }
}
