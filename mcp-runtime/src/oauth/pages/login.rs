//! Name and password.

use maud::html;

use super::layout::page;
use crate::oauth::LoginPage;

pub(crate) fn render(login: &LoginPage<'_>) -> String {
    let content = html! {
        h1 { "Log in to " bdi { (login.server) } }
        @if let Some(message) = login.message {
            p.warning role="alert" { (message) }
        }
        form method="post" action=(login.action) {
            @for (name, value) in login.hidden {
                input type="hidden" name=(name) value=(value);
            }
            label {
                "User name"
                input type="text" name="username" autocomplete="username" autocapitalize="none" spellcheck="false"
                    maxlength="256" required autofocus;
            }
            label {
                "Password"
                input type="password" name="password" autocomplete="current-password" maxlength="1024" required;
            }
            button type="submit" { "Log in" }
        }
        @for (name, link) in login.others {
            p { a href=(link) { "Log in with " (name) } }
        }
    };
    page(&format!("Log in – {}", login.server), &content)
}
