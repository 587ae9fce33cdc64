//! What operators see of calls.

use lotse_auth::Authenticator;
use lotse_grpc::Config;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::scripted::{ask, open, request, server, soon};

const METHOD: &str = "lotse.intake.v1.TicketService/GetTicket";

#[tokio::test]
async fn calls_are_counted_by_method_and_code_and_dropped_ones_too() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let (server, gate) = server(Config::default(), Authenticator::local());
    let origin: http::Uri = "/".parse().unwrap();
    for text in ["one", "two", "fail"] {
        let _ = ask(server.stack(), origin.clone(), request(text)).await;
    }
    tokio::select! {
        answer = ask(server.stack(), origin.clone(), request("hang")) => panic!("{answer:?}"),
        () = gate.entered.notified() => {}
    }
    let mut stream = open(server.stack(), origin, request("on")).await.unwrap();
    soon(stream.message()).await.unwrap().unwrap();
    let text = recorder.handle().render();
    assert!(
        text.contains("lotse_rpcs_in_flight 1"),
        "the stream: {text}"
    );
    drop(stream);
    let text = recorder.handle().render();
    for (code, count) in [("OK", 2), ("INTERNAL", 1), ("DROPPED", 1)] {
        let line = format!("lotse_rpcs_total{{method=\"{METHOD}\",code=\"{code}\"}} {count}");
        assert!(text.contains(&line), "{line} in {text}");
    }
    let stream = "method=\"lotse.intake.v1.EventService/StreamEvents\",code=\"DROPPED\"} 1";
    assert!(text.contains(stream), "{text}");
    assert!(text.contains("lotse_rpcs_in_flight 0"), "{text}");
    assert!(text.contains("lotse_rpc_seconds"), "{text}");
}

#[tokio::test]
async fn callers_trace_goes_on_in_the_service() {
    let (server, _gate) = server(Config::default(), Authenticator::local());
    let mut asked = request("trace");
    let sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    asked
        .metadata_mut()
        .insert("traceparent", sent.parse().unwrap());
    let seen = ask(server.stack(), "/".parse().unwrap(), asked)
        .await
        .unwrap();
    assert!(
        seen.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
        "{seen}"
    );
    assert_ne!(seen, sent);
}
