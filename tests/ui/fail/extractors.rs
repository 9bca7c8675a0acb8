//! A tool is not an HTTP handler.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Extractors.
#[tool]
async fn extractors(
    headers: axum::http::HeaderMap,
    request: Request,
    query: Query<String>,
    path: axum::extract::Path<u8>,
    form: Form<u8>,
    body: axum::Json<u8>,
    json: mcp_runtime::Json<u8>,
    extension: Extension<u8>,
    peer: ConnectInfo<u8>,
) {
}

fn main() {
    let _ = tools![extractors];
}
