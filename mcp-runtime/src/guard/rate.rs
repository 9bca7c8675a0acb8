//! `"100/h"`: how often something may happen.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

/// A rolling-window limit: never more than `count` admissions within *any* stretch of `window`.
///
/// Written `N/s`, `N/m`, `N/h`, `N/d`, or with a multiple of the unit: `5/15m` is five in any fifteen minutes.
///
/// ```
/// use mcp_runtime::guard::RateLimit;
///
/// let limit: RateLimit = "100/h".parse()?;
/// assert_eq!((limit.count(), limit.window().as_secs()), (100, 3600));
/// assert!("100 per hour".parse::<RateLimit>().is_err());
/// # Ok::<(), mcp_runtime::guard::RateLimitError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RateLimit {
    count: NonZeroU32,
    window_secs: NonZeroU32,
}

/// The longest window that can be asked for, 31 days: a longer quota belongs in a database, not in a process.
pub const MAX_WINDOW: Duration = Duration::from_secs(31 * 86_400);

impl RateLimit {
    /// At most `count` in any `window_secs` seconds.
    ///
    /// # Panics
    /// If either is zero or the window is longer than [`MAX_WINDOW`]. In a `const` that is a compile error; the
    /// attribute never gets that far.
    #[must_use]
    pub const fn new(count: u32, window_secs: u32) -> Self {
        assert!(window_secs as u64 <= MAX_WINDOW.as_secs(), "a rate limit's window is at most 31 days");
        match (NonZeroU32::new(count), NonZeroU32::new(window_secs)) {
            (Some(count), Some(window_secs)) => Self { count, window_secs },
            _ => panic!("a rate limit needs a count and a window above zero"),
        }
    }

    /// How many are admitted within one window.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count.get()
    }

    /// How long the window is, in whole seconds.
    #[must_use]
    pub const fn window(self) -> Duration {
        Duration::from_secs(self.window_secs.get() as u64)
    }
}

/// Why a text is not a [`RateLimit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimitError {
    text: String,
    why: &'static str,
}

impl fmt::Display for RateLimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a rate limit: {}; write \"100/h\", \"5/15m\", \"20/s\" or \"1000/d\"",
            self.text, self.why
        )
    }
}

impl std::error::Error for RateLimitError {}

impl FromStr for RateLimit {
    type Err = RateLimitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |why| RateLimitError { text: text.chars().take(40).collect(), why };
        let (count, window) = text.split_once('/').ok_or_else(|| fail("there is no `/`"))?;
        let count = number(count).ok_or_else(|| fail("the count is not a whole number from 1 to 4294967295"))?;
        let unit_at = window.len() - window.chars().next_back().map_or(0, char::len_utf8);
        let (multiple, unit) = window.split_at(unit_at);
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(fail("the unit is not s, m, h or d")),
        };
        let multiple = if multiple.is_empty() { Some(1) } else { number(multiple) };
        let window = multiple
            .and_then(|multiple| multiple.checked_mul(unit))
            .filter(|seconds| u64::from(*seconds) <= MAX_WINDOW.as_secs())
            .ok_or_else(|| fail("the window is not between one second and 31 days"))?;
        Ok(Self::new(count, window))
    }
}

/// A plain decimal without sign, space or leading zero.
fn number(text: &str) -> Option<u32> {
    let plain = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

impl RateLimit {
    /// As it is written: `100/h`.
    pub(crate) fn write(self, out: &mut impl fmt::Write) -> fmt::Result {
        let (multiple, unit) = match self.window_secs.get() {
            s if s % 86_400 == 0 => (s / 86_400, "d"),
            s if s % 3_600 == 0 => (s / 3_600, "h"),
            s if s % 60 == 0 => (s / 60, "m"),
            s => (s, "s"),
        };
        write_number(out, self.count.get().into())?;
        out.write_str("/")?;
        if multiple > 1 {
            write_number(out, multiple.into())?;
        }
        out.write_str(unit)
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

/// A number, without what `write!` does around it: every answer says what is left of a limit.
pub(crate) fn write_number(out: &mut impl fmt::Write, mut number: u64) -> fmt::Result {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.write_str(std::str::from_utf8(&digits[at..]).unwrap_or_default())
}
