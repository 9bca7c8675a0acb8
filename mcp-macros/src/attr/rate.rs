//! `"100/h"`: the same grammar as `mcp_runtime::guard::RateLimit`, so that it is checked where it is written.

/// The longest window, 31 days, as in the runtime.
const LONGEST: u32 = 31 * 86_400;

/// A count in any stretch of `seconds`.
#[derive(Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) count: u32,
    pub(crate) seconds: u32,
}

/// Reads a rate limit, or says why not.
pub(crate) fn parse(text: &str) -> Result<Rate, &'static str> {
    let (count, window) = text.split_once('/').ok_or("there is no `/`")?;
    let count = number(count).ok_or("the count is not a whole number from 1 to 4294967295")?;
    let unit_at = window.len() - window.chars().next_back().map_or(0, char::len_utf8);
    let (multiple, unit) = window.split_at(unit_at);
    let unit: u32 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("the unit is not s, m, h or d"),
    };
    let multiple = if multiple.is_empty() { Some(1) } else { number(multiple) };
    let seconds = multiple.and_then(|multiple| multiple.checked_mul(unit)).filter(|seconds| *seconds <= LONGEST);
    let seconds = seconds.ok_or("the window is not between one second and 31 days")?;
    Ok(Rate { count, seconds })
}

/// A plain decimal without sign, space or leading zero.
fn number(text: &str) -> Option<u32> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
