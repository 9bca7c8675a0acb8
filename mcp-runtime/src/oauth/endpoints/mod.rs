//! The endpoints, one file each.

pub(crate) mod register;
