//! The grammar of `"100/h"`, against a checker written a second time.

use proptest::prelude::*;

use super::rate::{MAX_WINDOW, RateLimit};

/// What the documentation says, character by character: the count and the window in seconds.
fn naive(text: &str) -> Option<(u64, u64)> {
    let mut rest = text.chars().peekable();
    let mut digits = || {
        let mut digits = String::new();
        while let Some(digit) = rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        (digits, rest.next())
    };
    let ((count, slash), (multiple, unit)) = (digits(), digits());
    let plain = |digits: &str| !digits.is_empty() && digits.len() <= 12 && !digits.starts_with('0');
    let unit = match unit? {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    if slash != Some('/') || rest.next().is_some() || !plain(&count) || !(multiple.is_empty() || plain(&multiple)) {
        return None;
    }
    let (count, multiple): (u64, u64) =
        (count.parse().ok()?, if multiple.is_empty() { 1 } else { multiple.parse().ok()? });
    let window = multiple * unit;
    (count <= u64::from(u32::MAX) && window <= 31 * 24 * 60 * 60).then_some((count, window))
}

fn agrees(text: &str) -> Option<(u64, u64)> {
    let parsed = text.parse::<RateLimit>().ok().map(|limit| (limit.count().into(), limit.window().as_secs()));
    assert_eq!(parsed, naive(text), "{text:?}");
    parsed
}

#[test]
fn limits_of_the_grammar() {
    for (text, expected) in [
        ("1/s", Some((1, 1))),
        ("100/h", Some((100, 3600))),
        ("5/15m", Some((5, 900))),
        ("4294967295/s", Some((u32::MAX.into(), 1))),
        ("4294967296/s", None),
        ("1/31d", Some((1, MAX_WINDOW.as_secs()))),
        ("1/32d", None),
        ("1/744h", Some((1, MAX_WINDOW.as_secs()))),
        ("1/745h", None),
        ("1/2678400s", Some((1, MAX_WINDOW.as_secs()))),
        ("1/2678401s", None),
        ("1/71582789m", None),
        ("1/4294967295d", None),
        ("1/4294967296s", None),
        ("1/99999999999999999999d", None),
    ] {
        assert_eq!(agrees(text), expected, "{text}");
    }
}

#[test]
fn what_only_looks_like_a_limit_is_refused() {
    for text in [
        "",
        "/",
        "/h",
        "1/",
        "1",
        "h",
        "0/h",
        "1/0h",
        "01/h",
        "1/01h",
        "+1/h",
        "-1/h",
        "1/+1h",
        "1 /h",
        "1/ h",
        " 1/h",
        "1/h ",
        "1/h\n",
        "1/H",
        "1//h",
        "1/h/h",
        "1/hh",
        "1/1",
        "1/1h1",
        "1.5/h",
        "1e3/h",
        "1_000/h",
        "1,000/h",
        "1/w",
        "1/ms",
        "١/h",
        "1/１h",
        "1/é",
        "1/1é",
        "é/h",
        "100 per hour",
        "0x10/h",
    ] {
        assert_eq!(agrees(text), None, "{text:?}");
    }
}

#[test]
fn an_error_repeats_only_the_beginning_of_what_was_written() {
    let error = "é".repeat(10_000).parse::<RateLimit>().unwrap_err().to_string();
    assert!(error.len() < 300, "{error}");
    let error = "5/week".parse::<RateLimit>().unwrap_err().to_string();
    assert!(error.contains("`5/week`") && error.contains("s, m, h or d") && error.contains("5/15m"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(
        count in prop_oneof![1..=200_u32, 1..=u32::MAX],
        window in prop_oneof![1..=200_u32, (1..=744_u32).prop_map(|h| h * 3600), 1..=31 * 86_400_u32],
    ) {
        let limit = RateLimit::new(count, window);
        prop_assert_eq!(limit.to_string().parse(), Ok(limit));
        prop_assert_eq!(agrees(&limit.to_string()), Some((count.into(), window.into())));
    }

    #[test]
    fn nearly_right_texts_are_judged_right(text in "[0-9]{0,11}[/ ]{0,2}[0-9]{0,11}[smhdwM]{0,2}") {
        agrees(&text);
    }

    #[test]
    fn plausible_texts_are_judged_right(text in "[1-9][0-9]{0,9}/([1-9][0-9]{0,6})?[smhd]") {
        agrees(&text);
    }

    #[test]
    fn anything_at_all_is_judged_right(text in "\\PC{0,12}", bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        agrees(&text);
        agrees(&String::from_utf8_lossy(&bytes));
    }
}
