//! Whether to log out.

use maud::html;

use super::layout::page;

pub(crate) fn render(server: &str, action: &str, token: &str) -> String {
    let content = html! {
        h1 { "Log out of " bdi { (server) } "?" }
        form method="post" action=(action) {
            input type="hidden" name="token" value=(token);
            button type="submit" { "Log out" }
        }
    };
    page(&format!("Log out – {server}"), &content)
}
