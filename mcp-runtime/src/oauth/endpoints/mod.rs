//! The endpoints, one file each.

pub(crate) mod register;
#[cfg(test)]
mod register_tests;
