//! A page that says something and asks nothing.

use maud::html;

use super::layout::page;

pub(crate) fn render(server: &str, title: &str, text: &str) -> String {
    page(&format!("{title} – {server}"), &html! { h1 { (title) } p { (text) } })
}
