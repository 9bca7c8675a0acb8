//! What a client calls itself, made fit for being shown.

/// The longest name that is accepted, in characters.
pub(super) const MAX_CHARS: usize = 100;

/// The name without anything that changes how the text around it is shown, or that cannot be seen; `None` if it is too
/// long, or nothing is left.
pub(super) fn clean(name: &str) -> Option<String> {
    if name.len() > 4 * MAX_CHARS || name.chars().count() > MAX_CHARS {
        return None;
    }
    let shown: String =
        name.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| is_shown(*c)).collect();
    let words: Vec<&str> = shown.split(' ').filter(|word| !word.is_empty()).collect();
    if words.is_empty() { None } else { Some(words.join(" ")) }
}

/// Not a control, not something that turns the direction of writing, not something of no width.
fn is_shown(c: char) -> bool {
    let hidden = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        // Zero width, marks and embeddings of direction, separators, invisible operators, isolates.
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        // Variation selectors, private use, tags.
        | '\u{fe00}'..='\u{fe0f}' | '\u{e000}'..='\u{f8ff}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{10ffff}');
    !c.is_control() && !hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_they_look_like() {
        for (hostile, shown) in [
            ("Claude", "Claude"),
            ("  Visual \t Studio\nCode ", "Visual Studio Code"),
            ("Büro-Assistent 助手", "Büro-Assistent 助手"),
            ("safe\u{202e}live", "safelive"),
            ("Cla\u{200b}ude\u{feff}", "Claude"),
            ("a\u{0}b\u{1b}[31mc\u{7f}", "ab[31mc"),
            ("\u{2066}x\u{2069}\u{e0041}", "x"),
            ("line\u{2028}break\u{85}", "line break"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ] {
            assert_eq!(clean(hostile).as_deref(), Some(shown), "{hostile:?}");
        }
        for nothing in ["", " ", "\u{200b}\u{202e}", "\n\t\u{3164}"] {
            assert_eq!(clean(nothing), None, "{nothing:?}");
        }
        assert!(clean(&"ä".repeat(100)).is_some() && clean(&"ä".repeat(101)).is_none());
        assert!(clean(&"x".repeat(10 * 1024)).is_none());
    }
}
