//! Guides: what to do, one subject each. There is nothing here but text; its code is compiled and run as tests.

#[doc = include_str!("../../docs/from_rmcp.md")]
pub mod from_rmcp {}

#[doc = include_str!("../../docs/from_fastmcp.md")]
pub mod from_fastmcp {}

#[doc = include_str!("../../docs/add_login.md")]
pub mod add_login {}

#[doc = include_str!("../../docs/federated_login.md")]
pub mod federated_login {}

#[doc = include_str!("../../docs/upstream_access_tokens.md")]
pub mod upstream_access_tokens {}

#[doc = include_str!("../../docs/connect_your_client.md")]
pub mod connect_your_client {}

#[doc = include_str!("../../docs/curl.md")]
pub mod curl {}

#[doc = include_str!("../../docs/troubleshooting.md")]
pub mod troubleshooting {}

#[doc = include_str!("../../docs/choosing_limits.md")]
pub mod choosing_limits {}

// Not `testing`, so that it is not taken for the module of that name.
#[doc = include_str!("../../docs/testing.md")]
pub mod testing_your_server {}

#[doc = include_str!("../../docs/https.md")]
pub mod https {}

#[doc = include_str!("../../docs/behind_a_proxy.md")]
pub mod behind_a_proxy {}

#[doc = include_str!("../../docs/configuration.md")]
pub mod configuration {}
