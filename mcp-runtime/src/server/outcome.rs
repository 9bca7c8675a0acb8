//! What a message came to, before a transport puts it on its wire.

use serde_json::json;

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

    /// The response on a wire without statuses; `None` if there is none to send, or if it is a stream to be kept open.
    pub(crate) fn into_reply(self) -> Option<Reply> {
        match self {
            Self::Reply(reply, _) => Some(reply),
            Self::Error(id, error) => Some(Reply::error(id, &error)),
            Self::Denied(id, denial) => Some(Reply::error(id, &denial_error(&denial))),
            Self::Accepted | Self::Listen(_) => None,
        }
    }

    /// The same words for a name that does not exist and for one that may not be known.
    pub(crate) fn unknown_tool(id: Id<'b>) -> Self {
        Self::error(Some(id), ErrorCode::InvalidParams, "unknown tool")
    }
}

/// A denial as a JSON-RPC error. What a transport has besides, such as a status, it adds itself.
pub(crate) fn denial_error(denial: &Denial) -> RpcError {
    let reason = denial.reason();
    match denial {
        Denial::Unauthenticated { scopes, token_sent } => {
            let data = if scopes.is_empty() {
                json!({"reason": reason})
            } else {
                json!({"reason": reason, "required": scopes})
            };
            let message =
                if *token_sent { "the token was not accepted" } else { "log in first: a bearer token is needed" };
            RpcError::new(ErrorCode::Unauthenticated, message).with_data(data)
        }
        Denial::MissingScopes { required } => {
            RpcError::new(ErrorCode::Forbidden, "the token does not grant the scopes this call needs")
                .with_data(json!({"reason": reason, "required": required}))
        }
        Denial::RateLimited { limit } => {
            let wait = u64::try_from(limit.wait().as_millis()).unwrap_or(u64::MAX);
            RpcError::new(ErrorCode::RateLimited, "too many calls; try again later")
                .with_data(json!({"reason": reason, "limit": limit.limit().to_string(), "retryAfterMs": wait}))
        }
        Denial::Busy { concurrency, retry_after } => {
            RpcError::new(ErrorCode::RateLimited, "as many calls of this tool run as may at once; try again soon")
                .with_data(json!({
                    "reason": reason,
                    "concurrency": concurrency,
                    "retryAfterMs": u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX),
                }))
        }
        Denial::Refused { message } => {
            RpcError::new(ErrorCode::Forbidden, message.clone()).with_data(json!({"reason": reason}))
        }
        Denial::Unavailable { .. } => {
            RpcError::new(ErrorCode::Unavailable, "this cannot be decided right now; try again later")
                .with_data(json!({"reason": reason}))
        }
    }
}

/// The challenge of a denial that a login, or a better one, can cure (RFC 6750 §3). Without a token there is no `error`:
/// nothing was wrong yet. `metadata` is where clients find the authorization server, if there is one (RFC 9728 §5.1).
pub(crate) fn challenge(denial: &Denial, metadata: Option<&str>) -> Option<String> {
    let (error, scopes) = match denial {
        Denial::Unauthenticated { scopes, token_sent } => (token_sent.then_some("invalid_token"), scopes),
        Denial::MissingScopes { required } => (Some("insufficient_scope"), required),
        _ => return None,
    };
    let scope = (!scopes.is_empty()).then(|| scopes.join(" "));
    let parameters = [("error", error), ("scope", scope.as_deref()), ("resource_metadata", metadata)];
    // Scope tokens and URLs hold no quotes or backslashes, so nothing needs escaping.
    let parameters: Vec<_> =
        parameters.iter().filter_map(|(name, value)| value.map(|value| format!("{name}=\"{value}\""))).collect();
    Some(format!("Bearer {}", parameters.join(", ")).trim_end().to_owned())
}
