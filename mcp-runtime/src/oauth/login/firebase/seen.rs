//! ID tokens that came before.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How many are remembered. Only tokens that were good count, and only for the five minutes in which they could be used
/// again, so this many people can log in within that time.
const MOST: usize = 16_384;

/// Hashes of tokens, with the moment from which on each is too old anyway.
#[derive(Default)]
pub(super) struct Seen(Mutex<HashMap<String, u64>>);

/// Why a token is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotNew {
    Again,
    Full,
}

impl Seen {
    pub(super) fn take(&self, key: &str, until: u64, now: u64) -> Result<(), NotNew> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.contains_key(key) {
            return Err(NotNew::Again);
        }
        if seen.len() >= MOST {
            seen.retain(|_, until| now < *until);
        }
        // Forgetting one that is still good would let it in twice.
        if seen.len() >= MOST {
            return Err(NotNew::Full);
        }
        seen.insert(key.to_owned(), until);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_still_good_is_never_forgotten() {
        let seen = Seen::default();
        assert_eq!(seen.take("first", 10, 0), Ok(()));
        for number in 1..MOST {
            assert_eq!(seen.take(&number.to_string(), 20, 0), Ok(()));
        }
        assert_eq!(seen.take("more", 20, 9), Err(NotNew::Full));
        assert_eq!(seen.take("first", 20, 9), Err(NotNew::Again));
        // Its time is over.
        assert_eq!(seen.take("more", 20, 10), Ok(()));
        assert_eq!(seen.take("1", 20, 10), Err(NotNew::Again));
        assert_eq!(seen.take("again", 20, 10), Err(NotNew::Full));
    }
}
