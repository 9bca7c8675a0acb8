//! Whether tools may use an account elsewhere, and that they may now.

use maud::{Markup, html};

use super::{layout::page, message};

/// What is asked before anything goes to the provider.
pub(crate) struct Asked<'a> {
    pub(crate) server: &'a str,
    pub(crate) account: &'a str,
    pub(crate) provider: &'a str,
    /// What tools may do there.
    pub(crate) access: Vec<&'a str>,
    /// Whether an account is connected already.
    pub(crate) replaces: bool,
    pub(crate) action: String,
    pub(crate) token: String,
}

impl Asked<'_> {
    pub(crate) fn render(&self) -> String {
        let content = html! {
            h1 { "Connect your " bdi { (self.provider) } " account?" }
            p { "You are logged in to " bdi { (self.server) } " as " strong { bdi { (self.account) } } "." }
            (access(self.provider, &self.access))
            @if self.replaces {
                p.warning { "An account there is connected already. If you choose another one, it takes its place." }
            }
            p { "Go on only if a tool that you use has just asked for this." }
            form method="post" action=(self.action) {
                input type="hidden" name="token" value=(self.token);
                button type="submit" { "Continue to " bdi { (self.provider) } }
            }
        };
        page(&format!("Connect {} – {}", self.provider, self.server), &content)
    }
}

/// What tools may do with an account of whoever lets them.
pub(super) fn access(provider: &str, descriptions: &[&str]) -> Markup {
    html! {
        p {
            "Tools of this server may use your " bdi { (provider) } " account"
            @if descriptions.is_empty() { ", to see who you are there." } @else { " to:" }
        }
        @if !descriptions.is_empty() {
            ul { @for description in descriptions { li { (description) } } }
        }
    }
}

/// It is done.
pub(crate) struct Connected<'a> {
    pub(crate) server: &'a str,
    pub(crate) provider: &'a str,
    /// Whether another account was connected before.
    pub(crate) replaced: bool,
}

impl Connected<'_> {
    pub(crate) fn render(&self) -> String {
        let replaced = if self.replaced { " It took the place of the account that was connected before." } else { "" };
        let text = format!(
            "Tools of this server may use your {} account now.{replaced} Go back to the app and try again.",
            self.provider
        );
        message::render(self.server, "Connected", &text)
    }
}
