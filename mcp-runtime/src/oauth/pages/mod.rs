//! Pages for people: plain HTML, no script, nothing from elsewhere.

pub(crate) mod connect;
pub(crate) mod consent;
pub(crate) mod error;
pub(crate) mod federated;
pub(crate) mod layout;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod message;
