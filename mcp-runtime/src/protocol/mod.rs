//! JSON-RPC 2.0 and MCP on the wire: messages, revisions, error codes. Pure data, no I/O.

mod error_code;
mod message;
mod params;
mod reply;
mod revision;

pub(crate) use error_code::{ErrorCode, RpcError};
pub(crate) use message::{Id, Message, MessageSeed, Text, brief};
pub(crate) use params::{
    ArgumentSeed, CallParams, CallParamsSeed, InitializeParams, ListParams, ListenParams, Meta, PlainParams,
    SubscriptionFilter,
};
pub(crate) use reply::Reply;
pub use revision::Revision;
