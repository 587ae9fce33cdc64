//! What is known of every method served, from its descriptor.

use std::collections::HashMap;
use std::sync::Arc;

use prost::Message as _;
use prost_types::FileDescriptorSet;

/// One method.
#[derive(Debug)]
pub(crate) struct Method {
    /// `lotse.intake.v1.TicketService/CreateTicket`, for metrics and spans.
    pub(crate) label: Arc<str>,
    /// Whether it answers with a stream.
    pub(crate) streams: bool,
    /// Who may call it.
    pub(crate) access: Access,
}

/// Who may call a method.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Callers with this scope.
    Scope(&'static str),
    /// Everybody, also under load: probes carry no token.
    Probe,
    /// Everybody: the schema is public.
    Schema,
}

/// The methods served, by path.
#[derive(Debug)]
pub(crate) struct Methods {
    known: HashMap<String, Arc<Method>>,
    unknown: Arc<Method>,
}

impl Methods {
    /// Every method of the gRPC services `names`, of health and of reflection.
    ///
    /// # Errors
    /// The paths of methods that have no scope: they must not be served.
    pub(crate) fn of(names: &[&str]) -> Result<Self, Vec<String>> {
        let mut known = HashMap::new();
        let mut without_scope = Vec::new();
        for (service, method, streams) in described() {
            let label = format!("{service}/{method}");
            let path = format!("/{label}");
            let access = if service == "grpc.health.v1.Health" {
                Access::Probe
            } else if service.starts_with("grpc.reflection.") {
                Access::Schema
            } else if !names.contains(&service.as_str()) {
                continue;
            } else if let Some(scope) = lotse_proto::scope(&path) {
                Access::Scope(scope)
            } else {
                without_scope.push(path);
                continue;
            };
            known.insert(
                path,
                Arc::new(Method {
                    label: label.into(),
                    streams,
                    access,
                }),
            );
        }
        for name in names {
            let prefix = format!("/{name}/");
            let mut paths = known.keys().chain(&without_scope);
            if !paths.any(|path| path.starts_with(&prefix)) {
                without_scope.push(format!("{prefix}*"));
            }
        }
        let unknown = Method {
            label: "unknown".into(),
            streams: false,
            access: Access::Schema,
        }
        .into();
        if without_scope.is_empty() {
            Ok(Self { known, unknown })
        } else {
            Err(without_scope)
        }
    }

    /// The method at `path`. A path nobody serves shares one entry, so that made-up names do not
    /// fill the metrics; the router answers it with UNIMPLEMENTED.
    pub(crate) fn find(&self, path: &str) -> Arc<Method> {
        Arc::clone(self.known.get(path).unwrap_or(&self.unknown))
    }
}

/// The descriptor sets of everything a server may serve.
pub(crate) fn descriptor_sets() -> [&'static [u8]; 4] {
    [
        lotse_proto::FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ]
}

/// Service, method and whether it answers with a stream.
fn described() -> Vec<(String, String, bool)> {
    let mut all = Vec::new();
    for set in descriptor_sets() {
        let set = FileDescriptorSet::decode(set).expect("generated"); // invariant: compiled in
        for file in set.file {
            let package = file.package().to_owned();
            for service in &file.service {
                for method in &service.method {
                    all.push((
                        format!("{package}.{}", service.name()),
                        method.name().to_owned(),
                        method.server_streaming(),
                    ));
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_and_schema_are_open_and_unknown_paths_share_one_entry() {
        let methods = Methods::of(&[]).unwrap();
        let watch = methods.find("/grpc.health.v1.Health/Watch");
        assert_eq!((watch.streams, &watch.access), (true, &Access::Probe));
        let info = methods.find("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
        assert_eq!((info.streams, &info.access), (true, &Access::Schema));
        assert_eq!(&*methods.find("/made.Up/Name").label, "unknown");
    }

    #[test]
    fn service_without_described_methods_is_refused() {
        assert_eq!(Methods::of(&["made.Up"]).unwrap_err(), ["/made.Up/*"]);
    }

    #[test]
    fn every_method_of_the_suite_has_a_scope() {
        let names: Vec<String> = described()
            .into_iter()
            .map(|(service, ..)| service)
            .collect();
        let ours: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| name.starts_with("lotse."))
            .collect();
        assert!(Methods::of(&ours).is_ok());
    }
}
