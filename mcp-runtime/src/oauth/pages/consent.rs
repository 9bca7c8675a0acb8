//! Who wants what, and whether it may.

use maud::{Markup, html};

use super::{connect::access, layout::page};
use crate::oauth::clients::{Client, Origin, redirect};

/// What is asked.
pub(crate) struct Question<'a> {
    pub(crate) server: &'a str,
    pub(crate) account: &'a str,
    pub(crate) client: &'a Client,
    pub(crate) redirect_uri: &'a str,
    pub(crate) scopes: Vec<Offer>,
    /// Asked for, but beyond the account.
    pub(crate) withheld: Vec<String>,
    /// What tools do with accounts of the person at other providers.
    pub(crate) elsewhere: Vec<(&'a str, Vec<&'a str>)>,
    /// Where the answer goes, and what it must carry.
    pub(crate) action: String,
    pub(crate) token: String,
    pub(crate) logout: (String, String),
}

/// A scope that can be granted.
pub(crate) struct Offer {
    pub(crate) scope: String,
    pub(crate) description: Option<String>,
    /// What else whoever has it may do, as scopes and descriptions.
    pub(crate) includes: Vec<(String, String)>,
    pub(crate) standing: Standing,
}

/// How it stands with what was allowed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing was allowed before.
    First,
    Allowed,
    /// Something else was.
    Additional,
}

/// The name of a scope's checkbox.
pub(crate) fn field(scope: &str) -> String {
    format!("scope:{scope}")
}

/// Host and port, if one is named: another port can be somebody else.
fn authority(uri: &str) -> Option<&str> {
    redirect::origin_of(uri)?.split_once("://").map(|(_, authority)| authority)
}

impl Question<'_> {
    pub(crate) fn render(&self) -> String {
        let client = &self.client.name;
        let asks = !self.scopes.is_empty() || self.withheld.is_empty();
        let content = html! {
            h1 { bdi { (client) } " wants to use " bdi { (self.server) } }
            (self.about())
            p { "You are logged in as " strong { bdi { (self.account) } } "." }
            form method="post" action=(self.action) {
                input type="hidden" name="token" value=(self.token);
                @if asks {
                    (self.offers())
                } @else {
                    p.warning { "Your account cannot allow anything of what this app asks for." }
                }
                (self.beyond())
                @if asks {
                    @for (provider, descriptions) in &self.elsewhere { (access(provider, descriptions)) }
                    button type="submit" name="decision" value="allow" { "Allow" }
                    button type="submit" name="decision" value="deny" { "Deny" }
                } @else {
                    button type="submit" name="decision" value="deny" { "Back to the app" }
                }
            }
            form method="post" action=(self.logout.0) {
                input type="hidden" name="token" value=(self.logout.1);
                button type="submit" { "Not " bdi { (self.account) } "? Log out" }
            }
        };
        page(&format!("{client} – {}", self.server), &content)
    }

    /// Names are what clients say; hosts are what is known.
    fn about(&self) -> Markup {
        html! {
            @match self.client.origin {
                Origin::Operator => p { "This app was registered by whoever runs this server." },
                Origin::Document => p {
                    "This app is published by "
                    strong { bdi { (authority(&self.client.id).unwrap_or("an unknown host")) } } "."
                },
                Origin::Dynamic => p.warning {
                    "This app registered itself. Nobody has checked that it is what its name says."
                },
            }
            (self.destination())
        }
    }

    fn destination(&self) -> Markup {
        let uri = self.redirect_uri;
        let host = authority(uri).unwrap_or_default();
        html! {
            @if redirect::is_loopback(uri) {
                p.warning {
                    "You will be sent to a program on this computer (" strong { bdi { (host) } } "). Go on only if you have "
                    "just started it yourself: any program here could be asking."
                }
            } @else if uri.starts_with("https:") {
                p { "You will be sent to " strong { bdi { (host) } } "." }
            } @else {
                p.warning {
                    "You will be sent to the program on this device that opens "
                    strong { bdi { (redirect::origin_of(uri).unwrap_or_default()) } }
                    " links. Go on only if you have just started it yourself."
                }
            }
        }
    }

    fn offers(&self) -> Markup {
        html! {
            @if self.scopes.is_empty() {
                p { "It asks for nothing but to know that it is you." }
            } @else {
                fieldset {
                    legend { "It may" }
                    @for offer in &self.scopes {
                        label {
                            input type="checkbox" name=(field(&offer.scope)) value="on" checked;
                            " " (offer.description.as_deref().unwrap_or(&offer.scope)) " "
                            code { (offer.scope) }
                            @match offer.standing {
                                Standing::First => {},
                                Standing::Allowed => small { " (allowed before)" },
                                Standing::Additional => small { " (new)" },
                            }
                            @if !offer.includes.is_empty() {
                                small { " This includes:" @for (scope, description) in &offer.includes {
                                    " " (description) " " code { (scope) }
                                } }
                            }
                        }
                    }
                }
            }
        }
    }

    fn beyond(&self) -> Markup {
        html! {
            @if !self.withheld.is_empty() {
                p {
                    "It also asked for what your account cannot allow:"
                    @for scope in &self.withheld { " " code { (scope) } }
                }
            }
        }
    }
}
