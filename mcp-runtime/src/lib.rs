//! Protected MCP tools.

pub mod auth;
pub mod clock;
pub mod guard;

pub use async_trait::async_trait;
