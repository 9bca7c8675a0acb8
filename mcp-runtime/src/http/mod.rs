//! What every HTTP surface of a server shares: its settings, which hosts and origins it answers, and CORS.

mod access;
mod cors;
mod settings;

pub(crate) use access::{Access, Forbidden, single};
pub(crate) use cors::{add_cors, preflight};
pub use settings::HttpSettings;
