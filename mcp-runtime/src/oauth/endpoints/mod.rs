//! The endpoints, one file each.

pub(crate) mod authorize;
pub(crate) mod consent;
pub(crate) mod login;
pub(crate) mod logout;
