//! What a message came to, before a transport puts it on its wire.

use crate::{
    guard::{Denial, LimitState},
    protocol::{ErrorCode, Id, Reply, RpcError},
};

/// The answer to one message.
pub(crate) enum Outcome<'b> {
    /// A finished response. The limit is what the caller has left, where a limit applied.
    Reply(Reply, Option<LimitState>),
    /// A JSON-RPC error of the protocol.
    Error(Option<Id<'b>>, RpcError),
    /// The gate said no.
    Denied(Option<Id<'b>>, Denial),
    /// A notification: there is nothing to answer.
    Accepted,
    /// A `subscriptions/listen` that is to stay open, where the transport can.
    Listen(Id<'b>),
}

impl<'b> Outcome<'b> {
    pub(crate) fn error(id: Option<Id<'b>>, code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Error(id, RpcError::new(code, message))
    }

    /// The same words for a name that does not exist and for one that may not be known.
    pub(crate) fn unknown_tool(id: Id<'b>) -> Self {
        Self::error(Some(id), ErrorCode::InvalidParams, "unknown tool")
    }
}
