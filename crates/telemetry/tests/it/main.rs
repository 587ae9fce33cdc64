//! Spans and logs as a collector receives them.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lotse_clock::BusinessClock;
use lotse_supervise::Supervisor;
use lotse_telemetry::{Config, LogFormat, span_with_parent, subscriber};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

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

async fn receiver(
    supervisor: &Supervisor,
) -> (String, mpsc::UnboundedReceiver<ExportTraceServiceRequest>) {
    let (send, received) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    supervisor.spawn_task("receiver", async move {
        tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(Receiver(send)))
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await
            .unwrap();
    });
    (endpoint, received)
}

#[tokio::test]
async fn span_arrives_at_a_real_otlp_receiver_as_part_of_the_stored_trace() {
    let supervisor = Supervisor::new(BusinessClock::system());
    let (endpoint, mut received) = receiver(&supervisor).await;
    let config = Config {
        service: "sla".to_owned(),
        otlp_endpoint: Some(endpoint),
        ..Config::default()
    };
    let (subscriber, tracer) = subscriber(&config, std::io::sink).unwrap();
    {
        let _installed = tracing::subscriber::set_default(subscriber);
        let stored = format!("00-{TRACE}-b7ad6b7169203331-01");
        let apply = span_with_parent(tracing::info_span!("journal.apply"), &stored);
        let _applying = apply.enter();
        let _inner = tracing::info_span!("clock.start", metric = "first_reply").entered();
    }
    tracer.shutdown().await;

    let export = tokio::time::timeout(Duration::from_secs(10), received.recv()).await;
    let resource = export.unwrap().unwrap().resource_spans.remove(0);
    let service = resource
        .resource
        .unwrap()
        .attributes
        .into_iter()
        .find(|a| a.key == "service.name");
    let service = service.unwrap().value.unwrap().value;
    assert_eq!(service, Some(Value::StringValue("sla".to_owned())));
    let spans: Vec<_> = resource
        .scope_spans
        .into_iter()
        .flat_map(|scope| scope.spans)
        .collect();
    let span = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let (outer, inner) = (span("journal.apply"), span("clock.start"));
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert_eq!(hex(&outer.trace_id), TRACE);
    assert_eq!(hex(&outer.parent_span_id), "b7ad6b7169203331");
    assert_eq!(inner.trace_id, outer.trace_id);
    assert_eq!(inner.parent_span_id, outer.span_id);
}

#[tokio::test]
async fn absent_collector_does_not_hold_up_the_shutdown() {
    // A listener that nobody accepts from: the connection opens and then says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config {
        otlp_endpoint: Some(format!("http://{}", silent.local_addr().unwrap())),
        otlp_timeout: Duration::from_millis(100),
        ..Config::default()
    };
    let (subscriber, tracer) = subscriber(&config, std::io::sink).unwrap();
    tracing::subscriber::with_default(subscriber, || tracing::info_span!("lost").in_scope(|| ()));
    tokio::time::timeout(Duration::from_secs(10), tracer.shutdown())
        .await
        .unwrap();
}

#[test]
fn json_log_line_is_one_object_that_names_its_span() {
    let config = Config {
        log_format: LogFormat::Json,
        ..Config::default()
    };
    let line = logged(&config, || {
        let _span = tracing::info_span!("rpc", trace_id = "abc").entered();
        tracing::info!(ticket = "tkt_1", "assigned");
        tracing::debug!("not at this level");
    });
    let object: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(object["message"], "assigned");
    assert_eq!(object["ticket"], "tkt_1");
    assert_eq!(object["span"]["trace_id"], "abc");
}

#[test]
fn wrong_filter_is_an_error_that_shows_it() {
    let config = Config {
        log_filter: "info,lotse=loud".to_owned(),
        ..Config::default()
    };
    let error = subscriber(&config, std::io::sink).err().unwrap();
    assert!(error.to_string().contains("lotse=loud"), "{error}");
}

/// What `work` logs.
fn logged(config: &Config, work: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let (subscriber, _tracer) = subscriber(config, move || writer.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, work);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}
