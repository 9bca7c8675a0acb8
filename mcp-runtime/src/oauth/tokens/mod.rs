//! Codes, grants, refresh tokens and access tokens.

pub(crate) mod codes;
