//! What all pages have in common.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The one style element; pages are served with its hash.
pub(crate) const STYLE: &str = ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;\
max-width:32rem;padding:1rem;overflow-wrap:anywhere}label{display:block;margin:.75rem 0}input:not([type=checkbox])\
{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.5rem}button{font:inherit;padding:.5rem 1.5rem;\
margin:.5rem .5rem .5rem 0}.warning{border-inline-start:.25rem solid #b60;padding-inline-start:.75rem}";

pub(super) fn page(title: &str, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                // It must be there byte for byte, or its hash is another.
                style { (PreEscaped(STYLE)) }
            }
            body { main { (content) } }
        }
    };
    page.into_string()
}
