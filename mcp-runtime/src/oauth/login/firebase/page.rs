//! The page on which people sign in, and its content policy.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{claims::ANONYMOUS, sdk::Sdk, web_app::WebApp};
use crate::oauth::{login::federated::SignIn, pages::layout::STYLE};

/// Ours: it asks the vendor's script for an ID token and posts it.
const SCRIPT: &str = include_str!("page.js");

const PASSWORD: &str = "password";

/// What the window of another provider needs: a script that speaks to a frame of the project's own host.
const WINDOW_SCRIPTS: &str = "https://apis.google.com";

/// What the page is made of.
pub(super) struct Shown<'a> {
    pub(super) project: &'a str,
    pub(super) tenant: Option<&'a str>,
    pub(super) app: &'a WebApp,
    pub(super) sdk: &'a Sdk,
    pub(super) methods: &'a [String],
    pub(super) connect: &'a [String],
}

impl Shown<'_> {
    pub(super) fn html(&self, page: &SignIn<'_>) -> String {
        let title = format!("Log in – {}", page.server);
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    // Google sees which server asks, as keys can be restricted to one, and nothing of the address.
                    meta name="referrer" content="strict-origin";
                    title { (title) }
                    style nonce=(page.nonce) { (PreEscaped(STYLE)) }
                    @if let Some(map) = self.sdk.import_map() {
                        script type="importmap" nonce=(page.nonce) { (PreEscaped(map)) }
                    }
                }
                body { main { (self.content(page)) } }
            }
        };
        page.into_string()
    }

    fn content(&self, page: &SignIn<'_>) -> Markup {
        let [app, auth] = self.sdk.files();
        html! {
            h1 { "Log in to " bdi { (page.server) } }
            p #message .warning role="alert" hidden[page.message.is_none()] { (page.message.unwrap_or_default()) }
            noscript { p.warning { "This page needs JavaScript: it is turned off in this browser." } }
            p #loading role="status" { "Loading the sign-in of Google Firebase…" }
            div #sign-in hidden data-app=(app) data-auth=(auth) data-api-key=(self.app.api_key)
                data-auth-domain=(self.app.auth_domain) data-project=(self.project) data-tenant=[self.tenant] {
                @for method in self.methods.iter().filter(|method| is_window(method)) {
                    p { button type="button" data-method=(method) { "Continue with " (label(method)) } }
                }
                @if self.offers(PASSWORD) { (password_form()) }
                @if self.offers(ANONYMOUS) {
                    p { button type="button" data-method=(ANONYMOUS) { "Continue without an account" } }
                }
            }
            form #result method="post" action=(page.action) {
                @for (name, value) in page.hidden {
                    input type="hidden" name=(name) value=(value);
                }
                input type="hidden" name="id_token" autocomplete="off";
            }
            script type="module" nonce=(page.nonce) { (PreEscaped(SCRIPT)) }
        }
    }

    /// There is no `form-action`, for the reason that other pages have none: browsers apply it to all that follows.
    pub(super) fn policy(&self, nonce: &str) -> String {
        let [app, auth] = self.sdk.files();
        let connect = self.connect.join(" ");
        let (scripts, frames) = if self.methods.iter().any(|method| is_window(method)) {
            (format!(" {WINDOW_SCRIPTS}"), format!("; frame-src https://{}", self.app.auth_domain))
        } else {
            (String::new(), String::new())
        };
        format!(
            "default-src 'none'; script-src 'nonce-{nonce}' {app} {auth}{scripts}; style-src 'nonce-{nonce}'; \
             connect-src {connect}{frames}; frame-ancestors 'none'; base-uri 'none'"
        )
    }

    fn offers(&self, method: &str) -> bool {
        self.methods.iter().any(|offered| offered == method)
    }
}

/// Its fields have no names, so that no browser ever sends them anywhere.
fn password_form() -> Markup {
    html! {
        form #password {
            label {
                "E-mail address"
                input #email type="email" autocomplete="username" maxlength="254" required;
            }
            label {
                "Password"
                input #secret type="password" autocomplete="current-password" maxlength="4096" required;
            }
            button type="submit" { "Log in" }
        }
    }
}

/// The providers that sign in in a window of their own, and what people call them.
const WINDOWS: [(&str, &str); 7] = [
    ("google.com", "Google"),
    ("facebook.com", "Facebook"),
    ("github.com", "GitHub"),
    ("twitter.com", "X"),
    ("apple.com", "Apple"),
    ("microsoft.com", "Microsoft"),
    ("yahoo.com", "Yahoo"),
];

/// Those that a project adds itself.
const OWN: [&str; 2] = ["oidc.", "saml."];

fn is_window(method: &str) -> bool {
    let plain = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    WINDOWS.iter().any(|(id, _)| *id == method) || OWN.iter().any(|kind| method.strip_prefix(kind).is_some_and(plain))
}

/// Whether the page knows how to.
pub(super) fn is_offered(method: &str) -> bool {
    is_window(method) || [PASSWORD, ANONYMOUS].contains(&method)
}

pub(super) fn label(method: &str) -> &str {
    let known = WINDOWS.iter().find(|(id, _)| *id == method).map(|(_, label)| *label);
    let own = || OWN.iter().find_map(|kind| method.strip_prefix(kind));
    match method {
        PASSWORD => "Email/Password",
        ANONYMOUS => "Anonymous",
        _ => known.or_else(own).unwrap_or(method),
    }
}
