//! Who is admitted and what they may grant, as the environment writes it.

use crate::auth::is_scope_token;

/// One rule about who is admitted. All that are written must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admit {
    Anyone,
    Subjects(Vec<String>),
    Emails(Vec<String>),
    EmailDomains(Vec<String>),
    Claim(String, Vec<String>),
    Organization(String),
}

const FORMS: &str = "`anyone`, `email-domain:example.com`, `email:a@b.example,…`, `subject:ID,…`, \
                     `claim:groups=staff,…`, `organization:NAME`";

/// Reads `email-domain:example.com and claim:groups=staff,ops`.
pub(super) fn read_admit(text: &str) -> Result<Vec<Admit>, String> {
    let rules = each(text.split(" and ").map(str::trim), "rule", read_rule)?;
    if rules.len() > 1 && rules.contains(&Admit::Anyone) {
        return Err("says `anyone` and something else: `anyone` stands alone".to_owned());
    }
    let organizations = rules.iter().filter(|rule| matches!(rule, Admit::Organization(_))).count();
    if organizations > 1 {
        return Err("names two organizations, and nobody logs in with two at once: keep one".to_owned());
    }
    Ok(rules)
}

/// Reads the parts one by one. Of several it says which cannot be read.
fn each<'t, T>(
    parts: impl Iterator<Item = &'t str>,
    word: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let parts: Vec<&str> = parts.collect();
    let which = |at: usize, what: String| match parts.len() {
        1 => what,
        all => format!("{what} ({word} {} of {all})", at + 1),
    };
    parts.iter().enumerate().map(|(at, part)| read(part).map_err(|what| which(at, what))).collect()
}

fn read_rule(rule: &str) -> Result<Admit, String> {
    if rule == "anyone" {
        return Ok(Admit::Anyone);
    }
    let unknown = || format!("has a rule that does not exist: write {FORMS}, and join several by ` and `");
    let (kind, rest) = rule.split_once(':').ok_or_else(unknown)?;
    match kind {
        "subject" => list(kind, rest).map(Admit::Subjects),
        "email" => {
            let emails = list(kind, rest)?;
            let is_address = |email: &String| {
                let mut parts = email.split('@');
                matches!((parts.next(), parts.next(), parts.next()), (Some(local), Some(domain), None)
                    if !local.is_empty() && is_domain(domain) && local.bytes().all(|b| b.is_ascii_graphic()))
            };
            if emails.iter().all(is_address) { Ok(Admit::Emails(emails)) } else { Err(bad(kind, "alice@example.com")) }
        }
        "email-domain" => {
            let domains = list(kind, rest)?;
            if domains.iter().any(|domain| domain.contains('@')) {
                return Err(format!("has a rule `{kind}:` with an `@`: write it without, like `{kind}:example.com`"));
            }
            let all = domains.iter().all(|domain| is_domain(domain));
            if all { Ok(Admit::EmailDomains(domains)) } else { Err(bad(kind, "example.com,example.org")) }
        }
        "claim" => claim(rest).map(|(name, values)| Admit::Claim(name, values)),
        "organization" if is_word(rest) => Ok(Admit::Organization(rest.to_owned())),
        "organization" => Err(bad(kind, "acme")),
        _ => Err(unknown()),
    }
}

fn bad(kind: &str, example: &str) -> String {
    format!("has a rule `{kind}:` that cannot be read: write it like `{kind}:{example}`, and join rules by ` and `")
}

/// Values between commas, none of them empty.
fn list(kind: &str, text: &str) -> Result<Vec<String>, String> {
    let values: Vec<String> = text.split(',').map(|value| value.trim().to_owned()).collect();
    // Another rule in a value would only be a part of it, and this rule alone would count.
    let names_rule = |value: &str| value.split_whitespace().any(|word| KINDS.iter().any(|kind| word.starts_with(kind)));
    if values.iter().any(String::is_empty) {
        return Err(format!("has a rule `{kind}:` with an empty value: commas stand between values, and nowhere else"));
    }
    if values.iter().any(|value| value == "anyone" || names_rule(value)) {
        return Err(format!(
            "has a rule `{kind}:` with another rule in its value: commas stand between values, ` and ` in small letters \
             between rules, and there is no `or`"
        ));
    }
    Ok(values)
}

const KINDS: [&str; 5] = ["subject:", "email:", "email-domain:", "claim:", "organization:"];

/// `groups=staff,ops`, the name in front of the first `=`.
fn claim(text: &str) -> Result<(String, Vec<String>), String> {
    let fail = || bad("claim", "groups=staff");
    let (name, values) = text.split_once('=').ok_or_else(fail)?;
    if name.is_empty() || name.contains(char::is_whitespace) || name.contains(',') {
        return Err(fail());
    }
    Ok((name.to_owned(), list("claim", values)?))
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !label.starts_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    !text.is_empty() && text.len() <= 128 && text.bytes().all(plain)
}

/// A scope, and to whom it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) scope: String,
    pub(super) to: To,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    Everybody,
    Claim(String, String),
    Team(String, String),
}

/// What may be granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Grants {
    /// Every declared scope.
    All,
    Some(Vec<Grant>),
}

/// Reads `*`, or `notes:read admin@claim:groups=admins`.
pub(super) fn read_grants(text: &str) -> Result<Grants, String> {
    if text == "*" {
        return Ok(Grants::All);
    }
    let words = || text.split_ascii_whitespace();
    if words().any(|word| word == "*" || word.starts_with("*@")) {
        return Err("says `*` and something else: `*` stands alone and is for everybody; name the scopes".to_owned());
    }
    each(words(), "part", read_grant).map(Grants::Some)
}

fn read_grant(word: &str) -> Result<Grant, String> {
    let fail = || {
        Err("has a part that cannot be read: write `*`, or scopes separated by spaces, each alone or like \
             `admin@claim:groups=admins`"
            .to_owned())
    };
    let (scope, to) = if let Some((scope, claim)) = word.split_once("@claim:") {
        match claim.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() && !value.contains(',') => {
                (scope, To::Claim(name.to_owned(), value.to_owned()))
            }
            _ => return fail(),
        }
    } else if let Some((scope, team)) = word.split_once("@team:") {
        match team.split_once('/') {
            Some((organization, team)) if is_word(organization) && is_word(team) => {
                (scope, To::Team(organization.to_owned(), team.to_owned()))
            }
            _ => return fail(),
        }
    } else {
        (word, To::Everybody)
    };
    // Commas are letters of scopes, and more often meant as something else.
    if !is_scope_token(scope) || scope.contains([',', ';', '@']) {
        return fail();
    }
    Ok(Grant { scope: scope.to_owned(), to })
}

/// The rules in words, for the operator who wrote them; `anyone` are those of whom nothing is asked.
pub(super) fn in_words(rules: &[Admit], anyone: &str) -> String {
    let word = |rule: &Admit| match rule {
        Admit::Anyone => anyone.to_owned(),
        Admit::Subjects(subjects) => format!("{} accounts by their id", subjects.len()),
        // Logs need not tell whose.
        Admit::Emails(emails) => format!("{} verified e-mail addresses", emails.len()),
        Admit::EmailDomains(domains) => format!("verified e-mail of {}", domains.join(" or ")),
        Admit::Claim(name, values) if name == "email" => format!("{} verified e-mail addresses", values.len()),
        Admit::Claim(name, values) => format!("claim {name} = {}", values.join(" or ")),
        Admit::Organization(name) => format!("members of {name}"),
    };
    rules.iter().map(word).collect::<Vec<_>>().join(", and ")
}

impl std::fmt::Display for Grants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Some(grants) = self else { return f.write_str("every declared scope") };
        let word = |grant: &Grant| match &grant.to {
            To::Everybody => grant.scope.clone(),
            To::Claim(name, _) if name == "email" => format!("{} (a verified e-mail address)", grant.scope),
            To::Claim(name, value) => format!("{} (claim {name} = {value})", grant.scope),
            To::Team(organization, team) => format!("{} (team {organization}/{team})", grant.scope),
        };
        f.write_str(&grants.iter().map(word).collect::<Vec<_>>().join(", "))
    }
}
