//! Tokens that are written into the configuration.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{AuthError, Authenticator, BearerToken, Identity, Principal, Verify, is_scope_token};

const ISSUER: &str = "static";
const ADVICE: &str = "generate one with `openssl rand -base64 32`";

/// Long-lived tokens that you hand out yourself: for programs, for a first try, for a server without an identity
/// provider. Their issuer is `static`.
///
/// Only hashes are kept, and looking one up takes as long for a good guess as for a bad one. A secret that could be
/// guessed keeps the server from starting.
///
/// ```
/// use mcp_runtime::auth::StaticTokens;
///
/// # fn secret(_: &str) -> String { "Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZg".into() }
/// let tokens = StaticTokens::new()
///     .token(secret("ALICE_TOKEN"), "alice", ["notes:read", "notes:write"])
/// #   ;
/// # fn secret2(_: &str) -> String { "aGVsbG8gd29ybGQgdGhpcyBpcyBhIHRlc3Qh".into() }
/// # let tokens = tokens
///     .service(secret2("BACKUP_TOKEN"), "nightly-backup", ["notes:read"]);
/// # use mcp_runtime::auth::Authenticator;
/// # assert_eq!(tokens.problems(None), Vec::<String>::new());
/// ```
#[derive(Default)]
pub struct StaticTokens {
    tokens: Vec<Token>,
    problems: Vec<String>,
}

struct Token {
    hash: [u8; 32],
    identity: Identity,
}

impl StaticTokens {
    /// No tokens yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets whoever shows `secret` call as the person `subject` with `scopes`.
    #[must_use]
    pub fn token<'a>(
        self,
        secret: impl AsRef<str>,
        subject: impl Into<Box<str>>,
        scopes: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        self.add(secret.as_ref(), subject.into(), scopes, Principal::User)
    }

    /// As [`token`](Self::token), for a program that acts for itself.
    #[must_use]
    pub fn service<'a>(
        self,
        secret: impl AsRef<str>,
        subject: impl Into<Box<str>>,
        scopes: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        self.add(secret.as_ref(), subject.into(), scopes, Principal::Service)
    }

    fn add<'a>(
        mut self,
        secret: &str,
        subject: Box<str>,
        scopes: impl IntoIterator<Item = &'a str>,
        principal: Principal,
    ) -> Self {
        let scopes: Vec<&str> = scopes.into_iter().collect();
        let hash = hash(secret);
        let duplicate = self.find(&hash).is_some();
        self.problems.extend(problems(secret, &subject, &scopes, duplicate));
        let identity = Identity::new(ISSUER, subject).scopes(scopes.into_iter().collect()).principal(principal).build();
        self.tokens.push(Token { hash, identity });
        self
    }

    /// Compares with every hash, found or not, so that time tells nothing.
    fn find(&self, hash: &[u8; 32]) -> Option<&Identity> {
        let mut found = None;
        for token in &self.tokens {
            if bool::from(token.hash.ct_eq(hash)) {
                found = Some(&token.identity);
            }
        }
        found
    }
}

#[async_trait::async_trait]
impl Authenticator for StaticTokens {
    /// What it knows, and nothing else: another authenticator may have secrets of the same look.
    fn claims(&self, token: &BearerToken<'_>) -> bool {
        self.find(&hash(token.expose())).is_some()
    }

    async fn authenticate(&self, token: &BearerToken<'_>, _: &Verify<'_>) -> Result<Identity, AuthError> {
        self.find(&hash(token.expose())).cloned().ok_or(AuthError::invalid("not one of the static tokens"))
    }

    fn admission(&self) -> Option<String> {
        let one = |token: &Token| {
            let scopes: Vec<_> = token.identity.scopes().iter().collect();
            format!("{:?} with {scopes:?}", token.identity.subject())
        };
        Some(format!("[{}]", self.tokens.iter().map(one).collect::<Vec<_>>().join(", ")))
    }

    fn issuer(&self) -> Option<&str> {
        Some(ISSUER)
    }

    fn problems(&self, _: Option<&str>) -> Vec<String> {
        let none = self.tokens.is_empty().then(|| format!("static tokens: there are none; {ADVICE}"));
        self.problems.iter().cloned().chain(none).collect()
    }
}

impl fmt::Debug for StaticTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticTokens").field("tokens", &self.tokens.len()).finish_non_exhaustive()
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// What is wrong with one entry. Never shows the secret: these sentences are logged.
fn problems(secret: &str, subject: &str, scopes: &[&str], duplicate: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let mut problem = |what: &str| problems.push(format!("static token of {subject:?}: {what}"));
    if BearerToken::new(secret).is_none() {
        problem(&format!("a token is 1 to 8192 of the characters A-Z a-z 0-9 - . _ ~ + / =; {ADVICE}"));
    } else if !is_plausibly_random(secret) {
        problem(&format!("it can be guessed: at least 128 random bits are needed; {ADVICE}"));
    }
    if duplicate {
        problem(&format!("another subject has the same secret; {ADVICE}"));
    }
    if !is_subject(subject) {
        problem("a subject is 1 to 255 bytes without control characters");
    }
    for scope in scopes.iter().filter(|scope| !is_scope_token(scope)) {
        problem(&format!("{scope:?} is not one scope; write each scope as an element of its own"));
    }
    problems
}

/// Whether a subject can be shown, stored and compared.
pub(super) fn is_subject(subject: &str) -> bool {
    (1..=255).contains(&subject.len()) && !subject.chars().any(char::is_control)
}

/// Whether `secret` may hold 128 random bits, judged by length, alphabet and variety. Cannot see that a long secret
/// was taken from a song; keeps out what people type.
pub(crate) fn is_plausibly_random(secret: &str) -> bool {
    let body = secret.trim_end_matches('=').as_bytes();
    let all = |kind: fn(&u8) -> bool| body.iter().all(kind);
    let mixed = body.iter().any(u8::is_ascii_lowercase) && body.iter().any(u8::is_ascii_uppercase);
    let bits_per_character = match () {
        () if all(u8::is_ascii_digit) => 3,
        () if all(u8::is_ascii_hexdigit) => 4,
        () if mixed => 6,
        () => 5,
    };
    let mut seen = [false; 256];
    body.iter().for_each(|&b| seen[usize::from(b)] = true);
    let distinct = seen.iter().filter(|seen| **seen).count();
    // 128 bits as hex have fewer than 8 different digits once in 100,000 times, and then a new one is quickly made.
    body.len() * bits_per_character >= 128 && distinct >= 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const ALICE: &str = "Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZg==";
    const ROBOT: &str = "q8r7n2VxKp0sJd5uTfYb3w";

    fn bearer(token: &str) -> BearerToken<'_> {
        BearerToken::new(token).unwrap()
    }

    #[tokio::test]
    async fn only_the_exact_secret_is_an_identity() {
        let tokens = StaticTokens::new().token(ALICE, "alice", ["a", "b"]).service(ROBOT, "robot", []);
        assert_eq!(tokens.problems(None), Vec::<String>::new());
        let clock = Clock::system();
        let verify = Verify::new(None, &clock, crate::auth::Asker::LOCAL);
        let alice = tokens.authenticate(&bearer(ALICE), &verify).await.unwrap();
        assert_eq!((alice.issuer(), alice.subject(), alice.principal()), ("static", "alice", Principal::User));
        assert!(alice.has_scope("a") && alice.has_scope("b"));
        let robot = tokens.authenticate(&bearer(ROBOT), &verify).await.unwrap();
        assert_eq!((robot.subject(), robot.principal()), ("robot", Principal::Service));
        assert!(robot.scopes().is_empty());
        for wrong in [&ALICE[1..], &ALICE[..ALICE.len() - 1], &ALICE.to_lowercase(), "alice", "a.b.c"] {
            assert!(tokens.authenticate(&bearer(wrong), &verify).await.is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_is_known_is_claimed() {
        let known = "Zm9vYmFyYmF6.cXV4MDEyMzQ1.Njc4OWFiY2RlZg";
        let tokens = StaticTokens::new().token(known, "alice", []);
        assert!(tokens.claims(&bearer(known)));
        for other in ["aa", "aa.bb", "aa.bb.cc", &known[1..]] {
            assert!(!tokens.claims(&bearer(other)), "{other}");
        }
    }

    #[test]
    fn weak_and_wrong_entries_are_problems_that_do_not_show_the_secret() {
        let long = "aB3".repeat(3000);
        for secret in [
            "",
            "secret",
            "password password password!",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "q8r7n2VxKp0sJd5uTfYb3",
            "0123456789abcdef0123456789abcde",
            "123456789012345678901234567890",
            &long,
        ] {
            let problems = StaticTokens::new().token(secret, "alice", []).problems(None);
            assert_eq!(problems.len(), 1, "{secret}: {problems:?}");
            assert!(problems[0].contains("alice") && problems[0].contains("openssl rand -base64 32"));
            assert!(secret.is_empty() || !problems[0].contains(secret));
        }
        assert_eq!(StaticTokens::new().problems(None).len(), 1);
        assert_eq!(StaticTokens::new().token(ALICE, "a", []).token(ALICE, "b", []).problems(None).len(), 1);
        assert_eq!(StaticTokens::new().token(ALICE, "a", ["x y", "x\ty", "", "ok"]).problems(None).len(), 3);
        assert_eq!(StaticTokens::new().token(ALICE, "a\n", []).problems(None).len(), 1);
        let shown = format!("{:?}", StaticTokens::new().token(ALICE, "alice", []));
        assert_eq!(shown, "StaticTokens { tokens: 1, .. }");
    }
}
