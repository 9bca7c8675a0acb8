//! Pages for people: plain HTML, no script, nothing from elsewhere.
