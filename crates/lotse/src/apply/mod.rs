//! `lotse apply`: configuration from a file that is kept in git.
//!
//! [`yaml`] reads a tree that knows its lines, [`read`] (and its neighbours) turns it into a
//! [`spec`], noting all that is wrong; [`state`] reads what is there into the same shape, [`plan`]
//! compares the two, and [`carry`] puts what differs, through the public API. [`promises`] holds
//! both ways of calendars and policies; [`targets`] does all of it for notification targets, whose
//! secrets come from the environment or from files.
//!
//! A file says what shall be: a key that is left out means its default. What a file does not name
//! at all is left alone.

mod carry;
mod coverage;
mod escalations;
mod handling;
mod plan;
mod promises;
mod read;
mod read_calendars;
mod read_promises;
mod rotas;
mod spec;
mod state;
mod targets;
mod words;
mod workflows;
mod yaml;

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use lotse_client::{Channel, Target, Token};
use tonic::{Code, Status};

use carry::Carrier;
pub use plan::{Step, Verdict};
pub use read::Kind;
use read::Reader;
use state::{Clients, State};
pub use yaml::Problem;

/// `lotse apply`
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The file (YAML); deploy/lotse.yaml shows every key.
    #[arg(short = 'f', long = "file")]
    pub file: PathBuf,
    /// Only say what would change.
    #[arg(long)]
    pub dry_run: bool,
    /// Where the services answer gRPC.
    #[arg(long, default_value = "http://127.0.0.1:7070")]
    pub address: String,
    /// A file with the token to show; none on loopback without authentication.
    #[arg(long)]
    pub token_file: Option<PathBuf>,
}

/// Applies a file, and says on standard output what it did.
///
/// # Errors
/// When the file cannot be read or is wrong, or a service refuses or is away.
pub async fn run(args: &Args) -> Result<()> {
    let text = std::fs::read_to_string(&args.file)
        .with_context(|| format!("cannot read {}", args.file.display()))?;
    let token = args.token_file.clone().map_or(Token::Absent, Token::File);
    let channel = lotse_client::connect(&Target::new(&args.address).with_token(token))?;
    let folder = args.file.parent().unwrap_or(Path::new("."));
    let out = &mut std::io::stdout();
    let applied = apply(&channel, &text, folder, args.dry_run, out).await;
    applied.with_context(|| args.file.display().to_string())?;
    Ok(())
}

/// Applies the text of a file, or only says what it would do, on `out`; files that it names lie in
/// `folder`. Returns the plan.
///
/// # Errors
/// When the text is wrong, with every problem; then nothing was done. When a service refuses, with
/// what was done before.
pub async fn apply(
    channel: &Channel,
    text: &str,
    folder: &Path,
    dry_run: bool,
    out: &mut (impl Write + Send),
) -> Result<Vec<Step>> {
    let mut reader = Reader::read(text, folder);
    let clients = Clients::new(channel);
    let state = match State::fetch(&clients, &reader.spec).await {
        Ok(state) => state,
        Err(error) => {
            // What is wrong with the file can be said without the services.
            told(reader.problems.into_sorted())?;
            return Err(unread(&error));
        }
    };
    check_references(&mut reader, &state);
    told(std::mem::take(&mut reader.problems).into_sorted())?;
    let plan = plan::plan(&reader.spec, &state);
    for step in &plan {
        writeln!(out, "{step}")?;
    }
    let count =
        |wanted: fn(&Verdict) -> bool| plan.iter().filter(|step| wanted(&step.verdict)).count();
    let created = count(|verdict| *verdict == Verdict::Create);
    let changed = count(|verdict| matches!(verdict, Verdict::Change(_)));
    let unchanged = count(|verdict| matches!(verdict, Verdict::Secrets | Verdict::Unchanged));
    if dry_run {
        writeln!(
            out,
            "would create {created} and change {changed}; {unchanged} unchanged"
        )?;
        return Ok(plan);
    }
    let mut done = Vec::new();
    let carrier = Carrier::new(clients, &reader.spec, &state);
    let outcome = carrier
        .carry_out(&plan, |step| done.push(step.clone()))
        .await;
    if let Err(stopped) = outcome {
        let planned = plan
            .iter()
            .filter(|step| step.verdict != Verdict::Unchanged);
        return Err(half_done(&stopped, &done, planned.count()));
    }
    writeln!(
        out,
        "created {created} and changed {changed}; {unchanged} unchanged"
    )?;
    Ok(plan)
}

/// Notes every name that neither the file nor the services know.
fn check_references(reader: &mut Reader, state: &State) {
    for reference in std::mem::take(&mut reader.references) {
        let (kind, name) = (reference.kind, &reference.name);
        if !reader.defines(kind, name) && !state.has(kind, name) {
            let article = if kind == Kind::Agent { "an" } else { "a" };
            let word = kind.word();
            let message = format!("names {article} {word} that does not exist: {name:?}");
            reader.problems.add(&reference.at, message);
        }
    }
}

/// An error with every problem, if there is any.
fn told(problems: Vec<Problem>) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    for problem in &problems {
        let _ = write!(text, "\n  {problem}"); // A String takes everything.
    }
    match problems.len() {
        1 => bail!("1 problem; nothing was done{text}"),
        many => bail!("{many} problems; nothing was done{text}"),
    }
}

/// What a service said, without the chain of transports beneath.
fn unread(error: &anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<Status>() {
        Some(status) if status.code() == Code::Unavailable => {
            anyhow!("the services cannot be reached: {}", status.message())
        }
        Some(status) => anyhow!("cannot read what there is: {}", status.message()),
        None => anyhow!("cannot read what there is: {error:#}"),
    }
}

fn half_done(stopped: &carry::Stopped, done: &[Step], planned: usize) -> anyhow::Error {
    let carry::Stopped { kind, name, status } = stopped;
    let mut text = format!("{} {name:?} was refused: {}", kind.word(), status.message());
    let _ = write!(
        text,
        "\n{} of {planned} changes were done before",
        done.len()
    );
    for step in done {
        let _ = write!(text, "\n  {step}");
    }
    anyhow!(text)
}
