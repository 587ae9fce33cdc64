//! One trace from the caller through the journal to whoever gets the ticket, as an OTLP collector
//! receives it.

use std::time::Duration;

use lotse_clock::BusinessClock;
use lotse_supervise::Supervisor;
use lotse_telemetry::Config;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::mpsc;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::clients::printer_on_fire;
use crate::desk::Desk;

/// The caller's own trace and span.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A real OTLP receiver, which hands on what it gets.
struct Receiver(mpsc::UnboundedSender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.send(request.into_inner()).unwrap();
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test]
async fn one_trace_shows_a_ticket_from_creation_to_assignment() {
    let supervisor = Supervisor::new(BusinessClock::system());
    let (send, mut received) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config {
        otlp_endpoint: Some(format!("http://{}", listener.local_addr().unwrap())),
        log_filter: "off".to_owned(),
        // This process's other tests begin traces too; only the caller's is exported.
        sample_ratio: 0.0,
        ..Config::default()
    };
    supervisor.spawn_task("receiver", async move {
        tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(Receiver(send)))
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await
            .unwrap();
    });
    // For the whole process: with one per thread, a test beside this one could switch spans off.
    let (subscriber, tracer) = lotse_telemetry::subscriber(&config, std::io::sink).unwrap();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let desk = Desk::sqlite().await;
    let team = desk.clients.staff().await;
    desk.settle().await;
    let mut request = Request::new(printer_on_fire("customer-1"));
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    request
        .metadata_mut()
        .insert("traceparent", traceparent.parse().unwrap());
    let created = desk
        .clients
        .tickets
        .clone()
        .create_ticket(request)
        .await
        .unwrap()
        .into_inner();
    desk.settle().await;
    let id = created.ticket.unwrap().id;
    assert_eq!(desk.clients.ticket(&id).await.assignee_id, team.ada);

    tracer.shutdown().await;
    let mut spans = Vec::new();
    while let Ok(export) = received.try_recv() {
        let scopes = export
            .resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans);
        spans.extend(scopes.flat_map(|scope| scope.spans));
    }
    let strangers = spans
        .iter()
        .filter(|span| hex(&span.trace_id) != TRACE)
        .count();
    assert_eq!(strangers, 0, "only the caller's trace is sampled");

    let call = find(&spans, |span| span.name.ends_with("CreateTicket"));
    assert_eq!(hex(&call.parent_span_id), CALLER);
    let consumer = find(&spans, |span| {
        span.name == "journal.apply" && attribute(span, "consumer") == Some("routing")
    });
    let assignment = find(&spans, |span| {
        span.name == "routing.assign" && attribute(span, "ticket") == Some(id.as_str())
    });
    for span in [consumer, assignment] {
        assert!(
            descends(&spans, span, call),
            "{} is not below the call",
            span.name
        );
    }
    supervisor.shutdown(Duration::from_secs(5)).await.unwrap();
}

fn find(spans: &[Span], wanted: impl Fn(&Span) -> bool) -> &Span {
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    let found = spans.iter().find(|span| wanted(span));
    found.unwrap_or_else(|| panic!("not among {names:?}"))
}

/// Whether `span` is below `ancestor`, parent by parent.
fn descends(spans: &[Span], span: &Span, ancestor: &Span) -> bool {
    let parent = |of: &Span| spans.iter().find(|span| span.span_id == of.parent_span_id);
    std::iter::successors(parent(span), |span| parent(span))
        .any(|span| span.span_id == ancestor.span_id)
}

fn attribute<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    let found = span
        .attributes
        .iter()
        .find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
