//! Https on our own listener.

use std::path::Path;

use super::error::Problems;
use crate::server::ServerBuilder;

/// Waits for `ServerBuilder::tls(Tls::files(cert, key))`: rather no server than one that speaks plain HTTP.
pub(super) fn apply(builder: ServerBuilder, _: &Path, _: &Path, problems: &mut Problems) -> ServerBuilder {
    problems.add("`MCP_TLS_CERT` cannot be kept: this version speaks plain HTTP only");
    builder
}
