//! What several examples share.

pub mod notebook;
