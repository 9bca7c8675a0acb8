//! How much of itself a server shows, and how it says no.

/// Who is shown which tools; see [`ServerBuilder::visibility`](crate::ServerBuilder::visibility).
///
/// Whatever is chosen, a protected tool runs for nobody without the rights it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Visibility {
    /// Lists show every tool to whoever may list; a call without rights is answered with what it needs. Clients can log in,
    /// or step up, when a tool is called.
    #[default]
    Advertise,
    /// Lists show what the caller has the rights to call. A call by name is still answered with what it needs: hidden, but
    /// clients that know the name can step up.
    Discreet,
    /// Lists show what the caller has the rights to call, and anything else looks like an unknown tool; callers without
    /// credentials get one and the same 401 for every name that is not public.
    Hidden,
}

/// How a denied call is told; see [`ServerBuilder::denial_style`](crate::ServerBuilder::denial_style).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DenialStyle {
    /// With HTTP's statuses and headers, as OAuth and MCP have it: 401, 403 and 429.
    #[default]
    Status,
    /// As a failed result that the model reads, with the challenge in `_meta["mcp/www_authenticate"]` and in `_meta["denial"]`
    /// what would be the error's `data` (`reason`, and `required`, or `limit` and `retryAfterMs`), for hosts that look at
    /// results only. It is for missing tokens, missing scopes and spent quotas; a token that was sent and is bad is a 401
    /// all the same. Denied calls are answered after their body was read.
    InBand,
}
