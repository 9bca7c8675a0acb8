//! "Did you mean": the declared name that a misspelt one probably stands for.

/// The candidate with the fewest edits to `name`, if they are few for a name of its length.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Two swapped letters are two edits: even a short name gets that many.
    nearest_within(name.chars().count().div_ceil(3), name, candidates)
}

/// The name with the fewest edits, if they are not more than `few`.
pub(crate) fn nearest_within<'a>(few: usize, name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let ranked = candidates.map(|candidate| (edits(name, candidate), candidate));
    ranked.filter(|&(edits, _)| (1..=few).contains(&edits)).min_by_key(|&(edits, _)| edits).map(|(_, best)| best)
}

/// Levenshtein's distance: how many characters to insert, delete or replace.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{edits, nearest};

    #[test]
    fn edits_are_counted() {
        for (from, to, distance) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("admin", "admin", 0)]
        {
            assert_eq!((edits(from, to), edits(to, from)), (distance, distance), "{from} {to}");
        }
    }

    #[test]
    fn only_what_looks_alike_is_proposed() {
        let names = ["notes:read", "notes:write", "admin"];
        assert_eq!(nearest("note:read", names.into_iter()), Some("notes:read"));
        assert_eq!(nearest("notes:wrote", names.into_iter()), Some("notes:write"));
        assert_eq!(nearest("Admin", names.into_iter()), Some("admin"));
        assert_eq!(nearest("amdin", names.into_iter()), Some("admin"));
        assert_eq!(nearest("billing", names.into_iter()), None);
        assert_eq!(nearest("admin", ["admin"].into_iter()), None);
    }
}
