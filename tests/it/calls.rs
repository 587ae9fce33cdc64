//! Every method of every service, called with nothing and with nonsense.

use http_body_util::{BodyExt as _, Full};
use lotse_grpc::Stack;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::Code;
use tonic::body::Body;
use tower::ServiceExt as _;

use crate::desk::Desk;

/// A method of the suite's own.
struct Method {
    path: String,
    streams: bool,
}

fn methods() -> Vec<Method> {
    let set = FileDescriptorSet::decode(lotse_proto::FILE_DESCRIPTOR_SET).unwrap();
    let of_suite = set
        .file
        .into_iter()
        .filter(|file| file.package().starts_with("lotse."));
    let mut methods = Vec::new();
    for file in of_suite {
        for service in &file.service {
            methods.extend(service.method.iter().map(|method| Method {
                path: format!("/{}.{}/{}", file.package(), service.name(), method.name()),
                streams: method.server_streaming(),
            }));
        }
    }
    methods
}

/// Calls a method with `message` as it stands, and gives the answer's code and text. A stream that
/// is opened has answered OK: it would go on.
async fn call(stack: Stack, method: &Method, message: &'static [u8]) -> (Code, String) {
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend(message);
    let request = http::Request::post(format!("http://127.0.0.1{}", method.path))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(Full::new(framed.into())))
        .unwrap();
    let response = stack.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let mut fields = head.headers;
    if !fields.contains_key("grpc-status") {
        if method.streams {
            return (Code::Ok, String::new());
        }
        let trailers = body.collect().await.unwrap().trailers().cloned();
        fields.extend(trailers.unwrap_or_default());
    }
    let text = |name: &str| {
        fields
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let code = text("grpc-status").unwrap_or_else(|| panic!("{} did not end", method.path));
    (
        Code::from_bytes(code.as_bytes()),
        text("grpc-message").unwrap_or_default(),
    )
}

#[tokio::test]
async fn every_method_has_a_sensible_answer_to_an_empty_request() {
    let desk = Desk::sqlite().await;
    let methods = methods();
    assert_eq!(methods.len(), lotse_proto::SCOPES.len());
    let mut faults = Vec::new();
    for method in &methods {
        let (code, message) = call(desk.suite.stack(), method, b"").await;
        if !matches!(code, Code::Ok | Code::InvalidArgument | Code::NotFound) {
            faults.push(format!("{}: {code:?}: {message}", method.path));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn what_is_no_message_at_all_is_the_callers_fault() {
    let desk = Desk::sqlite().await;
    let mut faults = Vec::new();
    for method in &methods() {
        // A field of type 7, which there is not.
        let (code, message) = call(desk.suite.stack(), method, b"\xff\xff\xff\xff\x0f").await;
        if code != Code::InvalidArgument {
            faults.push(format!("{}: {code:?}: {message}", method.path));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
