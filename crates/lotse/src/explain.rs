//! `lotse explain-routing`: why a ticket is where it is, in words.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use lotse_client::{Channel, Target, Token};
use lotse_proto::routing::v1::routing_service_client::RoutingServiceClient;
use lotse_proto::routing::v1::{Decision, ExplainRoutingRequest, ExplainRoutingResponse};
use lotse_proto::time::from_proto;

/// `lotse explain-routing`
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The ticket (tkt_…).
    pub ticket: String,
    /// Only this decision about it (dec_…).
    #[arg(long)]
    pub decision: Option<String>,
    /// Also why this agent (agt_…) got it, or did not.
    #[arg(long)]
    pub agent: Option<String>,
    /// Where the services answer gRPC.
    #[arg(long, default_value = "http://127.0.0.1:7070")]
    pub address: String,
    /// A file with the token to show; none on loopback without authentication.
    #[arg(long)]
    pub token_file: Option<PathBuf>,
}

/// Asks routing and prints its words on standard output.
///
/// # Errors
/// When routing refuses or is away, or nothing can be written.
pub async fn run(args: &Args) -> Result<()> {
    let token = args.token_file.clone().map_or(Token::Absent, Token::File);
    let channel = lotse_client::connect(&Target::new(&args.address).with_token(token))?;
    tell(channel, args, &mut std::io::stdout()).await
}

/// The same over a channel, on `out`.
///
/// # Errors
/// As [`run`].
pub async fn tell(channel: Channel, args: &Args, out: &mut impl Write) -> Result<()> {
    let request = ExplainRoutingRequest {
        ticket_id: args.ticket.clone(),
        decision_id: args.decision.clone().unwrap_or_default(),
        agent_id: args.agent.clone().unwrap_or_default(),
    };
    let told = RoutingServiceClient::new(channel)
        .explain_routing(request)
        .await
        .with_context(|| format!("routing does not explain {}", args.ticket))?
        .into_inner();
    out.write_all(text(&told).as_bytes())?;
    Ok(())
}

fn text(told: &ExplainRoutingResponse) -> String {
    let mut lines = Vec::new();
    for decision in &told.decisions {
        lines.push(format!("{}  {}", when(decision), decision.id));
        lines.extend(indented(&decision.words));
    }
    if let Some(current) = &told.current {
        lines.push(format!("{}  now, not recorded", when(current)));
        lines.extend(indented(&current.words));
    }
    if let Some(case) = &told.agent_case {
        lines.push(format!("{}: {}", case.name, case.verdict));
        lines.extend(indented(&case.words));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn when(decision: &Decision) -> String {
    let at = decision.decided_at.as_ref();
    let at = at.and_then(|at| from_proto(at).ok());
    at.map(|at| at.to_string()).unwrap_or_default()
}

fn indented(words: &[String]) -> impl Iterator<Item = String> {
    words.iter().map(|sentence| format!("  {sentence}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lotse_proto::routing::v1::AgentCase;

    #[test]
    fn every_sentence_of_the_decisions_and_of_the_case_is_printed() {
        let told = ExplainRoutingResponse {
            decisions: vec![Decision {
                id: "dec_1".to_owned(),
                decided_at: Some(prost_types::Timestamp::default()),
                words: vec!["Anna got it.".to_owned()],
                ..Decision::default()
            }],
            agent_case: Some(AgentCase {
                name: "Ben".to_owned(),
                verdict: "left_out".to_owned(),
                words: vec!["Ben was left out: has no room.".to_owned()],
                ..AgentCase::default()
            }),
            ..ExplainRoutingResponse::default()
        };
        let at = when(&told.decisions[0]);
        assert_eq!(
            text(&told),
            format!(
                "{at}  dec_1\n  Anna got it.\nBen: left_out\n  Ben was left out: has no room.\n"
            )
        );
    }
}
