//! Before somebody goes to another provider, and when they come back without having logged in.

use maud::{Markup, html};

use super::layout::page;
use crate::oauth::clients::redirect;

/// What is shown before anything goes anywhere.
pub(crate) struct Choice<'a> {
    pub(crate) server: &'a str,
    pub(crate) reason: Reason<'a>,
    /// Providers: their labels, where their forms go, and the tokens of these.
    pub(crate) providers: Vec<(&'a str, String, String)>,
    /// Other ways to log in, as labels and links.
    pub(crate) others: &'a [(&'a str, String)],
}

/// What somebody logs in for.
pub(crate) enum Reason<'a> {
    /// An app asks, and this is where they go back to.
    App(Asker<'a>, &'a str),
    /// Tools want to use their account at this provider.
    Tools(&'a str),
}

/// Who asks, as far as it is known before anything was fetched.
pub(crate) enum Asker<'a> {
    /// Registered by the operator, under this name.
    Operator(&'a str),
    /// Known by the URL of its document.
    Document(&'a str),
    /// Registered by itself; its name says nothing.
    Dynamic,
}

impl Choice<'_> {
    pub(crate) fn render(&self) -> String {
        let content = html! {
            h1 { "Log in to " bdi { (self.server) } }
            @match &self.reason {
                Reason::App(asker, redirect_uri) => { (asker.render()) (destination(redirect_uri)) }
                Reason::Tools(label) => p {
                    "After that you are asked whether tools of this server may use your account at "
                    strong { bdi { (label) } } "."
                }
            }
            p { "If you did not start this yourself, close this page." }
            @for (label, action, token) in &self.providers {
                form method="post" action=(action) {
                    input type="hidden" name="token" value=(token);
                    button type="submit" { "Continue with " bdi { (label) } }
                }
            }
            @for (label, link) in self.others {
                p { a href=(link) { "Log in with " bdi { (label) } } }
            }
        };
        page(&format!("Log in – {}", self.server), &content)
    }
}

impl Asker<'_> {
    fn render(&self) -> Markup {
        html! {
            p {
                @match self {
                    Asker::Operator(name) => { "You were sent here by " strong { bdi { (name) } } "." }
                    Asker::Document(id) => {
                        "You were sent here by an app of " strong { bdi { (redirect::host_of(id).unwrap_or("an unknown host")) } } "."
                    }
                    Asker::Dynamic => { "You were sent here by an app that registered itself; nobody has checked what it is." }
                }
            }
        }
    }
}

fn destination(uri: &str) -> Markup {
    let host = redirect::origin_of(uri).unwrap_or_default();
    html! {
        @if redirect::is_loopback(uri) {
            p { "After that you are asked what it may do, and go back to a program on this computer (" strong { bdi { (host) } } ")." }
        } @else {
            p { "After that you are asked what it may do, and go back to " strong { bdi { (host) } } "." }
        }
    }
}

/// Somebody came back without having logged in.
pub(crate) fn not_logged_in(server: &str, text: &str, again: &str) -> String {
    let content = html! {
        h1 { "You are not logged in" }
        p { (text) }
        p { a href=(again) { "Try again" } }
    };
    page(&format!("Not logged in – {server}"), &content)
}
