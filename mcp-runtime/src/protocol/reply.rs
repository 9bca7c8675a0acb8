//! Answers, written once into one buffer.

use serde::Serialize;

use super::{Id, RpcError};

/// One finished JSON-RPC response, as bytes.
#[derive(Debug)]
pub(crate) struct Reply(Vec<u8>);

#[derive(Serialize)]
struct Success<'a, R> {
    jsonrpc: &'static str,
    id: Id<'a>,
    result: R,
}

#[derive(Serialize)]
struct Failure<'a> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id<'a>>,
    error: &'a RpcError,
}

#[derive(Serialize)]
struct Notification<P> {
    jsonrpc: &'static str,
    method: &'static str,
    params: P,
}

impl Reply {
    /// A result.
    pub(crate) fn result(id: Id<'_>, result: &impl Serialize) -> Self {
        Self::write(&Success { jsonrpc: "2.0", id, result })
    }

    /// An error; without an id if none could be read (MCP 2026-07-28: omitted, never null).
    pub(crate) fn error(id: Option<Id<'_>>, error: &RpcError) -> Self {
        Self::write(&Failure { jsonrpc: "2.0", id, error })
    }

    /// A notification from the server.
    pub(crate) fn notification(method: &'static str, params: &impl Serialize) -> Self {
        Self::write(&Notification { jsonrpc: "2.0", method, params })
    }

    fn write(response: &impl Serialize) -> Self {
        let mut buffer = Vec::with_capacity(512);
        // Everything we serialize has string keys and is written to memory, so this cannot fail; if it ever did,
        // the caller still gets a well-formed answer.
        match serde_json::to_writer(&mut buffer, response) {
            Ok(()) => Self(buffer),
            Err(_) => Self(br#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"internal error"}}"#.to_vec()),
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Several responses as one array, for batches of the 2025-03-26 revision.
    pub(crate) fn batch(replies: Vec<Self>) -> Self {
        let mut buffer = vec![b'['];
        for (i, reply) in replies.into_iter().enumerate() {
            if i > 0 {
                buffer.push(b',');
            }
            buffer.extend(reply.0);
        }
        buffer.push(b']');
        Self(buffer)
    }
}
