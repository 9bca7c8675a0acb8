//! Codes, grants, refresh tokens and access tokens.

pub(crate) mod access;
mod embedded;
mod keys;
mod news;

pub(crate) use self::{embedded::Embedded, keys::Keys, news::News};
