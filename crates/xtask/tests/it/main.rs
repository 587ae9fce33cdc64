//! The rules of the architecture that a compiler does not hold, and the promise
//! of the throwaway servers to leave nothing behind.

mod dependencies;
mod domain;
mod services;
mod settings;

use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};

/// What cargo knows of the workspace's own packages.
fn workspace() -> Metadata {
    MetadataCommand::new()
        .manifest_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata")
}

/// The folder of a package, relative to the workspace's: `services/sla`.
fn folder(metadata: &Metadata, package: &cargo_metadata::Package) -> PathBuf {
    package
        .manifest_path
        .parent()
        .and_then(|folder| folder.strip_prefix(&metadata.workspace_root).ok())
        .expect("members live below the root")
        .as_std_path()
        .to_owned()
}
