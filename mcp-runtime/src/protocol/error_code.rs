//! Every error code that can leave the server.
//!
//! JSON-RPC's own and the three that MCP 2026-07-28 defines are negative; ours are positive, because the negative
//! ranges are reserved (MCP 2026-07-28, "Error codes"), and equal the HTTP status they come with.

use serde::{Serialize, Serializer};
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    /// The body is not JSON.
    Parse = -32700,
    /// The JSON is not a message that this server takes.
    InvalidRequest = -32600,
    MethodNotFound = -32601,
    InvalidParams = -32602,
    /// Something went wrong here; the log knows what.
    Internal = -32603,
    /// A header is missing, malformed, or says something else than the body.
    HeaderMismatch = -32020,
    UnsupportedProtocolVersion = -32022,
    /// No token where one is needed, or a bad one.
    Unauthenticated = 401,
    /// The token lacks a scope, or a guard refused.
    Forbidden = 403,
    RateLimited = 429,
    Unavailable = 503,
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(*self as i32)
    }
}

/// A JSON-RPC error object.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RpcError {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Value>,
    /// Answered with another HTTP status than its code usually is.
    #[serde(skip)]
    missing_meta: bool,
}

impl RpcError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None, missing_meta: false }
    }

    /// The metadata that every stateless request carries is not there (MCP 2026-07-28: HTTP 400).
    pub(crate) fn missing_meta() -> Self {
        let message =
            "params._meta needs io.modelcontextprotocol/protocolVersion and io.modelcontextprotocol/clientCapabilities";
        Self { missing_meta: true, ..Self::new(ErrorCode::InvalidParams, message) }
    }

    pub(crate) fn is_missing_meta(&self) -> bool {
        self.missing_meta
    }

    pub(crate) fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }
}
