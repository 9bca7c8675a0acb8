//! `"30s"`: how long something may take.

/// One day: what takes longer is a job to start, not a call to wait for.
const LONGEST: u64 = 86_400_000;

/// Reads milliseconds, or says why not.
pub(crate) fn parse(text: &str) -> Result<u64, &'static str> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(unit_at);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("the unit is not ms, s, m or h"),
    };
    if count.is_empty() || count.starts_with('0') {
        return Err("it does not start with a whole number above zero");
    }
    let millis = count.parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
    millis.filter(|millis| *millis <= LONGEST).ok_or("it is longer than 24 hours")
}
