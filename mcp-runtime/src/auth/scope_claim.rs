//! Where issuers write what a token allows.

use serde_json::{Map, Value};

use super::Scopes;

/// A claim that grants scopes. The standard's is `scope` (RFC 9068 §2.2.3), and the only one that is read unless you
/// name others; what counts as permission in one issuer's tokens is decoration in another's.
///
/// An entry that is not a scope token (RFC 6749 §3.3), and a claim in another form than the one given here, grants
/// nothing.
///
/// ```
/// # #[cfg(feature = "jwt")] {
/// use mcp_runtime::auth::{Jwt, ScopeClaim};
///
/// // Instead of `scope`:
/// let entra = Jwt::issuer("https://login.microsoftonline.com/TENANT/v2.0").scope_claim(ScopeClaim::Scp);
/// // What both grant:
/// let auth0 = Jwt::issuer("https://example.auth0.com/")
///     .scope_claim(ScopeClaim::Scope)
///     .scope_claim(ScopeClaim::Permissions);
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScopeClaim {
    /// `scope`, a text with spaces between scopes.
    Scope,
    /// `scp`, such a text or a list of scopes (Microsoft Entra, Okta).
    Scp,
    /// `roles`, a list: each role is a scope of that name (Microsoft Entra).
    Roles,
    /// `permissions`, a list (Auth0).
    Permissions,
    /// `realm_access.roles`, a list (Keycloak).
    RealmRoles,
}

/// Those that one issuer uses.
#[derive(Default)]
pub(crate) struct ScopeClaims(Vec<ScopeClaim>);

impl std::fmt::Debug for ScopeClaims {
    /// The claims that are read, also where nothing was said.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let claims = if self.0.is_empty() { &[ScopeClaim::Scope][..] } else { &self.0 };
        f.debug_list().entries(claims).finish()
    }
}

impl ScopeClaims {
    pub(crate) fn add(&mut self, claim: ScopeClaim) {
        if !self.0.contains(&claim) {
            self.0.push(claim);
        }
    }

    /// All that the claims grant together.
    pub(crate) fn granted(&self, claims: &Map<String, Value>) -> Scopes {
        let read = if self.0.is_empty() { &[ScopeClaim::Scope][..] } else { &self.0 };
        read.iter().flat_map(|claim| claim.granted(claims)).collect()
    }
}

impl ScopeClaim {
    fn granted(self, claims: &Map<String, Value>) -> Vec<&str> {
        match self {
            // Only text: a list here would be read differently by others.
            Self::Scope => words(claims.get("scope")),
            Self::Scp => match claims.get("scp") {
                Some(Value::Array(list)) => texts(list),
                text => words(text),
            },
            Self::Roles => list(claims.get("roles")),
            Self::Permissions => list(claims.get("permissions")),
            Self::RealmRoles => list(claims.get("realm_access").and_then(|realm| realm.as_object()?.get("roles"))),
        }
    }
}

fn words(claim: Option<&Value>) -> Vec<&str> {
    claim.and_then(Value::as_str).map(|text| text.split(' ').collect()).unwrap_or_default()
}

fn list(claim: Option<&Value>) -> Vec<&str> {
    claim.and_then(Value::as_array).map(|list| texts(list)).unwrap_or_default()
}

fn texts(list: &[Value]) -> Vec<&str> {
    list.iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn granted(read: &[ScopeClaim], claims: &Value) -> Vec<String> {
        let mut all = ScopeClaims::default();
        read.iter().for_each(|claim| all.add(*claim));
        all.granted(claims.as_object().unwrap()).iter().map(str::to_owned).collect()
    }

    #[test]
    fn each_claim_in_its_own_form_only() {
        use ScopeClaim::{Permissions, RealmRoles, Roles, Scope, Scp};
        let all = json!({
            "scope": "a b", "scp": ["c"], "roles": ["d"], "permissions": ["e:f"], "realm_access": { "roles": ["g"] },
        });
        for (read, expected) in [
            (&[][..], &["a", "b"][..]),
            (&[Scope], &["a", "b"]),
            (&[Scp], &["c"]),
            (&[Roles], &["d"]),
            (&[Permissions], &["e:f"]),
            (&[RealmRoles], &["g"]),
            (&[Scope, Scp, Roles, Permissions, RealmRoles, Scp], &["a", "b", "c", "d", "e:f", "g"]),
        ] {
            assert_eq!(granted(read, &all), expected, "{read:?}");
        }
        assert_eq!(granted(&[Scp], &json!({ "scp": "a b" })), ["a", "b"]);
        for (read, claims) in [
            (Scope, json!({ "scope": ["a"] })),
            (Scope, json!({ "scp": "a", "Scope": "a" })),
            (Scp, json!({ "scp": { "a": true } })),
            (Scp, json!({ "scope": "a" })),
            (Roles, json!({ "roles": "a" })),
            (Roles, json!({ "roles": { "a": 1 } })),
            (Permissions, json!({ "permissions": "a b" })),
            (Permissions, json!({ "permissions": null })),
            (RealmRoles, json!({ "realm_access": ["a"] })),
            (RealmRoles, json!({ "realm_access": { "roles": "a" } })),
            (RealmRoles, json!({ "realm_access.roles": ["a"], "roles": ["a"] })),
        ] {
            assert_eq!(granted(&[read], &claims), Vec::<String>::new(), "{claims}");
        }
    }

    #[test]
    fn entries_that_are_no_scopes_grant_nothing() {
        let entries =
            json!({ "scp": ["a b", "", "\"c\"", "d\te", "f\\g", "ä", 1, null, ["h"], "x".repeat(129), "good"] });
        assert_eq!(granted(&[ScopeClaim::Scp], &entries), ["good"]);
    }
}
