//! How much a commit may hold.

use std::collections::HashSet;

use super::{Key, Step, StoreError};

/// The longest [`Key::name`](super::Key::name), in bytes.
pub const MAX_NAME: usize = 1_024;

/// The largest [`Entry::value`](super::Entry::value), in bytes: 1 MiB.
pub const MAX_VALUE: usize = 1 << 20;

/// The most steps of one commit.
pub const MAX_STEPS: usize = 1_000;

/// For implementations of [`Store::commit`](super::Store::commit): refuses what no store may accept.
///
/// # Errors
/// A name longer than [`MAX_NAME`], a value larger than [`MAX_VALUE`], more than [`MAX_STEPS`] steps, or two steps with
/// the same key.
pub fn check_limits(steps: &[Step]) -> Result<(), StoreError> {
    if steps.len() > MAX_STEPS {
        return Err(StoreError::new(format!("a commit has at most {MAX_STEPS} steps, not {}", steps.len())));
    }
    let mut keys = HashSet::with_capacity(steps.len());
    for step in steps {
        if let Some(size) = step.value().map(<[u8]>::len).filter(|size| *size > MAX_VALUE) {
            return Err(StoreError::new(format!("a value has at most {MAX_VALUE} bytes, not {size}")));
        }
        let Some(key) = step.key() else { continue };
        check_key(key)?;
        if !keys.insert(key) {
            return Err(StoreError::new(format!("two steps of a commit have the same key, of kind `{}`", key.kind)));
        }
    }
    Ok(())
}

fn check_key(key: &Key) -> Result<(), StoreError> {
    match key.name.len() {
        0..=MAX_NAME => Ok(()),
        // The name itself may be what a stranger sent.
        size => Err(StoreError::new(format!("a name of kind `{}` has at most {MAX_NAME} bytes, not {size}", key.kind))),
    }
}

impl Step {
    fn key(&self) -> Option<&Key> {
        match self {
            Self::Insert { key, .. }
            | Self::Replace { key, .. }
            | Self::Delete { key, .. }
            | Self::Check { key, .. } => Some(key),
            Self::Append { .. } => None,
        }
    }

    pub(super) fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Insert { value, .. } | Self::Replace { value, .. } | Self::Append { value, .. } => Some(value),
            Self::Delete { .. } | Self::Check { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Kind;

    const THING: Kind = Kind::new("thing");

    fn insert(name: &str, bytes: usize) -> Step {
        Step::insert(Key::new(THING, name), vec![0; bytes], None)
    }

    #[test]
    fn what_fits_exactly_is_accepted_and_one_more_is_not() {
        let name = "ä".repeat(MAX_NAME / 2);
        assert!(check_limits(&[]).is_ok());
        assert!(check_limits(&[insert(&name, MAX_VALUE), Step::append(THING, vec![0; MAX_VALUE], None)]).is_ok());
        for step in [
            insert(&(name.clone() + "a"), 0),
            insert("a", MAX_VALUE + 1),
            Step::append(THING, vec![0; MAX_VALUE + 1], None),
            Step::replace(Key::new(THING, "a"), 1, vec![0; MAX_VALUE + 1], None),
            Step::delete(Key::new(THING, name.clone() + "a"), None),
            Step::check(Key::new(THING, name.clone() + "a"), 1),
        ] {
            assert!(check_limits(&[step]).is_err());
        }
        let many: Vec<Step> = (0..=MAX_STEPS).map(|n| insert(&n.to_string(), 1)).collect();
        assert!(check_limits(&many[1..]).is_ok());
        assert!(check_limits(&many).is_err());
    }

    #[test]
    fn a_key_stands_in_one_step_only() {
        let other = Step::delete(Key::new(Kind::new("other"), "a"), None);
        let again = Step::check(Key::new(THING, "a"), 1);
        assert!(check_limits(&[insert("a", 1), other.clone()]).is_ok());
        assert!(check_limits(&[insert("a", 1), other, again]).is_err());
        let append = Step::append(THING, Vec::new(), None);
        assert!(check_limits(&[append.clone(), append]).is_ok());
    }

    #[test]
    fn a_refusal_does_not_repeat_what_a_stranger_sent() {
        let error = check_limits(&[insert(&"secret".repeat(1_000), 0)]).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
        assert!(error.contains("1024 bytes, not 6000") && error.contains("`thing`"), "{error}");
    }
}
