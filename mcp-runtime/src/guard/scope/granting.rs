//! What can be granted: declared scopes, and those that a declared scope with arguments stands for.

use super::{Catalogue, expr::is_scope_value, pattern::pieces_of};

/// A declared scope that a granted one is made of, and the values in it.
struct Declaration<'c, 's> {
    name: &'c str,
    description: &'c str,
    values: Vec<(&'c str, &'s str)>,
}

impl Declaration<'_, '_> {
    /// A text with the values in place.
    fn fill(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }
}

impl Catalogue {
    /// Pairs of which one stands for the other: whoever may have it with any argument could have the other as well.
    pub(super) fn ambiguous(&self) -> impl Iterator<Item = String> {
        let pairs = self.declared.iter().enumerate().flat_map(|(at, one)| {
            let others = self.declared[..at].iter();
            others.map(move |other| (&*other.0, &*one.0))
        });
        let template = |(one, other)| match (stands_for(one, other), stands_for(other, one)) {
            (true, _) => Some((one, other)),
            (_, true) => Some((other, one)),
            _ => None,
        };
        pairs.filter_map(template).map(|(template, scope)| {
            format!(
                "the scope `{template}` stands for `{scope}` as well: whoever may have it with any argument could have \
                 that, so give one of the two another form"
            )
        })
    }

    /// Whether a token may carry this scope: it is declared, or made of a declared one.
    pub(crate) fn knows(&self, scope: &str) -> bool {
        self.declaration(scope).is_some()
    }

    /// What it allows, for people, with its values in place.
    pub(crate) fn description(&self, scope: &str) -> Option<String> {
        let found = self.declaration(scope)?;
        Some(found.fill(found.description))
    }

    /// What it implies, directly or through others, nearest first: scopes and what they allow, with its values in place.
    pub(crate) fn included(&self, scope: &str) -> Vec<(String, String)> {
        let Some(found) = self.declaration(scope) else { return Vec::new() };
        let (mut reached, mut next) = (vec![found.name], 0);
        while let Some(&name) = reached.get(next) {
            for implied in self.implied_by(name) {
                if !reached.contains(&implied) {
                    reached.push(implied);
                }
            }
            next += 1;
        }
        let declared = |name: &str| self.declared.iter().find(|(declared, _)| declared == name);
        let implied = reached.into_iter().skip(1).filter_map(declared);
        implied.map(|(name, description)| (found.fill(name), found.fill(description))).collect()
    }

    /// Whether whoever may grant `allowed` may grant `scope`: it is the same, or implied. `allowed` may be a declared scope
    /// with its arguments open; then it stands for all values.
    pub(crate) fn covers(&self, allowed: &str, scope: &str) -> bool {
        let Some(found) = self.declaration(scope) else { return false };
        self.satisfied_by(found.name).iter().any(|holder| {
            **holder == *allowed
                || values_in(holder, allowed).is_some_and(|held| held.iter().all(|value| found.values.contains(value)))
        })
    }

    fn declaration<'c, 's>(&'c self, scope: &'s str) -> Option<Declaration<'c, 's>> {
        self.declared.iter().find_map(|(name, description)| {
            values_in(name, scope).map(|values| Declaration { name, description, values })
        })
    }
}

/// Whether a scope with arguments is another one, or one made of that, for some values.
fn stands_for(template: &str, scope: &str) -> bool {
    let filled: String = pieces_of(scope).map(|piece| piece.unwrap_or("x")).collect();
    template != scope && values_in(template, &filled).is_some_and(|values| !values.is_empty())
}

/// The values that make a declared scope this one; `None` if none do. The arguments stand alone, between separators that no
/// value contains, so the first possible end of a value is the only one.
fn values_in<'c, 's>(declared: &'c str, scope: &'s str) -> Option<Vec<(&'c str, &'s str)>> {
    let (mut rest, mut values) = (scope, Vec::new());
    for piece in pieces_of(declared) {
        match piece {
            Ok(text) => rest = rest.strip_prefix(text)?,
            Err(name) => {
                let end = rest.find(|c: char| !is_scope_value(c.encode_utf8(&mut [0; 4]))).unwrap_or(rest.len());
                let (value, after) = rest.split_at(end);
                let agrees = values.iter().all(|(known, other)| *known != name || *other == value);
                if !is_scope_value(value) || !agrees {
                    return None;
                }
                values.push((name, value));
                rest = after;
            }
        }
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        let mut catalogue = Catalogue::default();
        catalogue.declare("notes:read", "Read notes");
        catalogue.declare("project:{project}:write", "Change the project {project}");
        catalogue.declare("project:{project}:read", "Read the project {project}");
        catalogue.declare("admin", "Everything");
        catalogue.imply("project:{project}:write", ["project:{project}:read"]);
        catalogue.imply("admin", ["notes:read"]);
        catalogue
    }

    #[test]
    fn declared_scopes_and_what_is_made_of_them_are_known() {
        let catalogue = catalogue();
        for known in ["notes:read", "project:p1:write", "project:P_1.~-:read"] {
            assert!(catalogue.knows(known), "{known}");
        }
        for unknown in [
            "",
            "notes",
            "notes:read:x",
            "project::write",
            "project:a:b:write",
            "project:{project}:write",
            "project:*:write",
            "Notes:read",
            "xproject:p1:write",
        ] {
            assert!(!catalogue.knows(unknown), "{unknown}");
        }
        assert_eq!(catalogue.description("project:p1:write").as_deref(), Some("Change the project p1"));
        assert_eq!(catalogue.description("project:p1"), None);
    }

    #[test]
    fn what_a_scope_includes_is_told_with_its_values() {
        let mut catalogue = catalogue();
        catalogue.declare("root", "More than everything");
        catalogue.imply("root", ["admin"]);
        let scopes = |scope| catalogue.included(scope).into_iter().map(|(scope, _)| scope).collect::<Vec<_>>();
        assert_eq!(scopes("root"), ["admin", "notes:read"]);
        let read = ("project:p1:read".to_owned(), "Read the project p1".to_owned());
        assert_eq!(catalogue.included("project:p1:write"), [read]);
        assert!(scopes("notes:read").is_empty() && scopes("unknown").is_empty());
    }

    #[test]
    fn who_may_grant_one_may_grant_what_it_implies_and_no_more() {
        let catalogue = catalogue();
        for (allowed, scope) in [
            ("notes:read", "notes:read"),
            ("admin", "notes:read"),
            ("project:{project}:write", "project:p1:write"),
            ("project:{project}:write", "project:p1:read"),
            ("project:p1:write", "project:p1:read"),
        ] {
            assert!(catalogue.covers(allowed, scope), "{allowed} {scope}");
        }
        for (allowed, scope) in [
            ("notes:read", "admin"),
            ("project:p1:write", "project:p2:write"),
            ("project:p1:write", "project:p2:read"),
            ("project:p1:read", "project:p1:write"),
            ("admin", "project:p1:read"),
            ("secret", "secret"),
        ] {
            assert!(!catalogue.covers(allowed, scope), "{allowed} {scope}");
        }
    }

    #[test]
    fn a_scope_that_another_one_stands_for_is_refused() {
        let problems = |names: &[&str]| {
            let mut catalogue = Catalogue::default();
            names.iter().for_each(|name| catalogue.declare(*name, "Something"));
            catalogue.problems()
        };
        for names in [
            ["notes:{folder}", "notes:all"],
            ["notes:all", "notes:{folder}"],
            ["project:{project}:write", "project:{id}:write"],
            ["project:{project}:{action}", "project:{id}:write"],
        ] {
            let problems = problems(&names);
            assert!(problems.len() == 1 && problems[0].contains("stands for"), "{names:?}: {problems:?}");
        }
        for names in [["notes:{folder}", "notes"], ["notes:{folder}", "notes:a:b"], ["a:{x}:read", "a:{x}:write"]] {
            assert_eq!(problems(&names), Vec::<String>::new(), "{names:?}");
        }
    }
}
