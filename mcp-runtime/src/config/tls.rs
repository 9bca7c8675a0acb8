//! Https on our own listener.

use std::path::Path;

use crate::server::ServerBuilder;

#[cfg(feature = "tls")]
pub(super) fn apply(builder: ServerBuilder, cert: &Path, key: &Path) -> ServerBuilder {
    builder.tls(crate::http::Tls::files(cert, key))
}

/// Not reached: variables of a feature that is not compiled in are refused before.
#[cfg(not(feature = "tls"))]
pub(super) fn apply(builder: ServerBuilder, _: &Path, _: &Path) -> ServerBuilder {
    builder
}
