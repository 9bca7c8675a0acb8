//! What every HTTP surface of a server shares: its settings, which hosts and origins it answers, CORS, and where a
//! request comes from.

mod access;
mod cors;
mod forwarded;
mod media_type;
mod network;
mod proxies;
mod settings;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use access::{Access, Forbidden, single};
pub(crate) use cors::{add_cors, preflight};
#[cfg(feature = "oauth")]
pub(crate) use cors::{add_open_cors, open_preflight};
pub use forwarded::ForwardedHeader;
pub(crate) use media_type::media_type;
pub(crate) use proxies::{Peer, is_forwarded};
pub use settings::HttpSettings;
#[cfg(feature = "tls")]
pub(crate) use tls::Fingerprint;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
