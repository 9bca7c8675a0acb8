//! Codes, grants, refresh tokens and access tokens.

pub(crate) mod access;
mod answer;
pub(crate) mod codes;
mod embedded;
mod grants;
mod keys;
mod news;
pub(crate) mod refresh;
pub(crate) mod service;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    access::{Access, GRANT, random_id},
    answer::Answer,
    embedded::Embedded,
    grants::{Grant, Holder, insert_steps},
    keys::{Keys, LONGEST_TOKEN},
    news::News,
};
