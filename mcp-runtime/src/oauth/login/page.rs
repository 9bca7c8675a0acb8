//! The login page for providers without one of their own.

use super::LoginPage;
use crate::oauth::pages;

/// A page with the fields `username` and `password`: for your own [`LoginProvider`](super::LoginProvider) that has no page of
/// its own.
///
/// ```
/// use mcp_runtime::oauth::{LoginPage, login::default_page};
///
/// fn page(page: &LoginPage<'_>) -> String {
///     default_page(page)
/// }
/// ```
#[must_use]
pub fn default_page(page: &LoginPage<'_>) -> String {
    pages::login::render(page)
}
