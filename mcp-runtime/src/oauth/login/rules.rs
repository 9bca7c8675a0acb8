//! Whom a provider's people are here: who is admitted, and what they may grant.

use std::fmt;

use serde_json::Value;

use super::{
    Account,
    federated::{Claims, NotAdmitted},
};
use crate::auth::{NoEmail, claim_in_words, claim_says, email, find_claim, verified_email};

/// The rules of one provider. Nothing set admits nobody, and grants nothing.
#[derive(Default)]
pub(crate) struct Rules {
    /// All of them must hold.
    admission: Vec<Admit>,
    grants: Vec<Grant>,
    everything: bool,
}

type Predicate = Box<dyn Fn(&Claims) -> bool + Send + Sync>;

enum Admit {
    Anyone,
    Subjects(Vec<String>),
    Claim { name: String, any_of: Vec<String> },
    Emails(Vec<String>),
    EmailDomains(Vec<String>),
    Predicate(Predicate),
}

/// What those get of whom this is said.
struct Grant {
    /// `None`: everybody who is admitted.
    to: Option<(String, String)>,
    scopes: Vec<String>,
}

impl Rules {
    pub(crate) fn anyone(&mut self) {
        self.admission.push(Admit::Anyone);
    }

    pub(crate) fn subjects(&mut self, subjects: Vec<String>) {
        self.admission.push(Admit::Subjects(subjects));
    }

    /// The claim is one of these texts, or a list with one of them.
    pub(crate) fn claim(&mut self, name: String, any_of: Vec<String>) {
        self.admission.push(Admit::Claim { name, any_of });
    }

    pub(crate) fn emails(&mut self, emails: Vec<String>) {
        self.admission.push(Admit::Emails(emails));
    }

    pub(crate) fn email_domains(&mut self, domains: Vec<String>) {
        self.admission.push(Admit::EmailDomains(domains));
    }

    pub(crate) fn predicate(&mut self, admit: Predicate) {
        self.admission.push(Admit::Predicate(admit));
    }

    pub(crate) fn grant(&mut self, to: Option<(String, String)>, scopes: Vec<String>) {
        self.grants.push(Grant { to, scopes });
    }

    pub(crate) fn grant_everything(&mut self) {
        self.everything = true;
    }

    /// What is wrong with saying nothing.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        self.admission.is_empty().then_some(
            "it does not say whom to admit: call `.claim(name, value)`, `.emails([…])`, `.email_domains([…])`, \
             `.subjects([…])`, `.admit(|claims| …)`, or `.anyone()` for everyone who has an account there",
        )
    }

    /// The names of the claims that are looked at; a rule of the operator's own may look at any.
    pub(crate) fn looks_at(&self, claim: &str) -> bool {
        let named = |name: &str| {
            name == claim
                || name.split_once('.').is_some_and(|(first, _)| first == claim)
                || (name == "email" && claim == "email_verified")
        };
        let by_grant = self.grants.iter().filter_map(|grant| grant.to.as_ref()).any(|(name, _)| named(name));
        by_grant
            || self.admission.iter().any(|rule| match rule {
                Admit::Anyone | Admit::Subjects(_) => false,
                Admit::Claim { name, .. } => named(name),
                Admit::Emails(_) | Admit::EmailDomains(_) => matches!(claim, "email" | "email_verified"),
                Admit::Predicate(_) => true,
            })
    }

    /// The texts that a claim is compared with: what a provider is asked about that has no list of all.
    #[cfg_attr(not(feature = "github"), allow(dead_code))]
    pub(crate) fn texts_of<'r>(&'r self, claim: &str) -> impl Iterator<Item = &'r str> {
        let by_grant = self.grants.iter().filter_map(|grant| grant.to.as_ref());
        let by_grant = by_grant.filter(move |(name, _)| name == claim).map(|(_, text)| text);
        let by_admission = self.admission.iter().filter_map(move |rule| match rule {
            Admit::Claim { name, any_of } if name == claim => Some(any_of),
            _ => None,
        });
        by_grant.chain(by_admission.flatten()).map(String::as_str)
    }

    /// Whether something may be looked at that is not there.
    #[cfg(feature = "oidc")]
    pub(crate) fn lacks(&self, claims: &Claims) -> bool {
        let absent = |name: &str| {
            find_claim(claims, name).is_none() || (name == "email" && find_claim(claims, "email_verified").is_none())
        };
        let by_grant = self.grants.iter().filter_map(|grant| grant.to.as_ref()).any(|(name, _)| absent(name));
        by_grant
            || self.admission.iter().any(|rule| match rule {
                Admit::Anyone | Admit::Subjects(_) => false,
                Admit::Claim { name, .. } => absent(name),
                Admit::Emails(_) | Admit::EmailDomains(_) => absent("email"),
                Admit::Predicate(_) => true,
            })
    }

    /// The account of somebody who is admitted. Told by issuer and id, so that another issuer under the same name has
    /// other accounts.
    pub(crate) fn judge(&self, issuer: &str, id: &str, name: &str, claims: &Claims) -> Result<Account, NotAdmitted> {
        if self.admission.is_empty() {
            return Err(NotAdmitted { rule: "none".to_owned(), why: "nobody is admitted without a rule" });
        }
        if let Some(rule) = self.admission.iter().find(|rule| !rule.admits(id, claims)) {
            return Err(NotAdmitted { rule: format!("{rule:?}"), why: rule.what_is_wrong(claims) });
        }
        let account = Account::new(format!("{issuer} {id}"), name);
        if self.everything {
            return Ok(account.all_scopes());
        }
        let holds = |to: &Option<(String, String)>| {
            to.as_ref().is_none_or(|(name, value)| claim_says(claims, name, std::slice::from_ref(value)))
        };
        let mut scopes: Vec<String> = Vec::new();
        for scope in self.grants.iter().filter(|grant| holds(&grant.to)).flat_map(|grant| &grant.scopes) {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        Ok(account.scopes(scopes))
    }

    /// Every scope that is granted by name, to whomever.
    pub(crate) fn granted(&self) -> Vec<&str> {
        self.grants.iter().flat_map(|grant| &grant.scopes).map(String::as_str).collect()
    }
}

impl Admit {
    fn admits(&self, id: &str, claims: &Claims) -> bool {
        match self {
            Self::Anyone => true,
            Self::Subjects(subjects) => subjects.iter().any(|subject| subject == id),
            Self::Claim { name, any_of } => claim_says(claims, name, any_of),
            Self::Emails(emails) => verified_email(claims).is_some_and(|is| emails.contains(&is)),
            Self::EmailDomains(domains) => verified_email(claims).is_some_and(|is| {
                is.rsplit_once('@').is_some_and(|(_, domain)| domains.iter().any(|known| known == domain))
            }),
            Self::Predicate(admit) => admit(claims),
        }
    }

    /// Why it does not admit somebody whom it does not admit.
    fn what_is_wrong(&self, claims: &Claims) -> &'static str {
        match self {
            Self::Anyone => "",
            Self::Subjects(_) => OTHER_ID,
            Self::Emails(_) | Self::EmailDomains(_) => what_is_wrong_with_email(claims),
            Self::Claim { name, .. } if name == "email" => what_is_wrong_with_email(claims),
            Self::Claim { name, .. } if find_claim(claims, name).is_none_or(Value::is_null) => NO_CLAIM,
            Self::Claim { .. } => OTHER_CLAIM,
            Self::Predicate(_) => REFUSED,
        }
    }
}

const NO_EMAIL: &str = "the provider gave no e-mail address";
const UNVERIFIED: &str = "the provider does not say that the e-mail address is verified";
const UNREADABLE: &str = "the e-mail address is not plain ASCII with an @";
const OTHER_EMAIL: &str = "the e-mail address is another one";
const NO_CLAIM: &str = "the provider did not give this claim";
const OTHER_CLAIM: &str = "the claim says something else";
const OTHER_ID: &str = "the account has another id";
const REFUSED: &str = "it said no";

fn what_is_wrong_with_email(claims: &Claims) -> &'static str {
    match email(claims) {
        Err(NoEmail::Absent) => NO_EMAIL,
        Err(NoEmail::Unverified) => UNVERIFIED,
        Err(NoEmail::NotPlain) => UNREADABLE,
        Ok(_) => OTHER_EMAIL,
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.admission).finish()
    }
}

impl fmt::Debug for Admit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Subjects(subjects) => write!(f, "{} subjects", subjects.len()),
            Self::Claim { name, any_of } => claim_in_words(f, name, any_of),
            Self::Emails(emails) => write!(f, "{} verified e-mail addresses", emails.len()),
            Self::EmailDomains(domains) => write!(f, "verified e-mail addresses of {}", domains.join(", ")),
            Self::Predicate(_) => f.write_str("a rule of your own"),
        }
    }
}

/// The methods by which a provider is told what it is called, whom to admit and what they may grant; it keeps that in its
/// fields `name`, `label`, `rules`, `patience` and `links_by_email`.
macro_rules! account_rules {
    () => {
        /// Another name here: a short lower-case word that never changes, as it is in the callback, and accounts are told by
        /// it too.
        #[must_use]
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.name = name.into();
            self
        }

        /// What people are told it is: "Continue with …".
        #[must_use]
        pub fn label(mut self, label: impl Into<String>) -> Self {
            self.label = label.into();
            self
        }

        /// How old the last look at an account may be: 24 hours, if you do not say otherwise. When it is older, the provider
        /// is asked at the next consent or refresh; where it cannot be asked about somebody, they log in again.
        #[must_use]
        pub fn recheck_every(mut self, age: std::time::Duration) -> Self {
            self.patience.recheck_every = age;
            self
        }

        /// How much older it may be while the provider is down: another 24 hours, if you do not say otherwise.
        #[must_use]
        pub fn grace(mut self, age: std::time::Duration) -> Self {
            self.patience.grace = age;
            self
        }

        /// Makes somebody the same person as the account of another provider with the same e-mail address, where this is
        /// set for both and both say that the address is verified. Whoever gets the address then gets what that person
        /// has here: only for providers that you trust with every account of each other.
        #[must_use]
        pub fn link_by_verified_email(mut self) -> Self {
            self.links_by_email = true;
            self
        }

        /// Admits everyone who has an account there: with many providers, anybody on the Internet.
        #[must_use]
        pub fn anyone(mut self) -> Self {
            self.rules.anyone();
            self
        }

        /// Admits these accounts, by what the provider calls them (`sub`).
        #[must_use]
        pub fn subjects(mut self, subjects: impl IntoIterator<Item = impl Into<String>>) -> Self {
            self.rules.subjects(subjects.into_iter().map(Into::into).collect());
            self
        }

        /// Admits those with a claim that is this text, or a list that contains it: a tenant, an organisation, a group. A
        /// claim within another one is written with a dot, `realm_access.roles`; never take one that people fill themselves,
        /// such as Auth0's `user_metadata`. `email` counts only where the provider says that it is verified.
        #[must_use]
        pub fn claim(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.rules.claim(name.into(), vec![value.into()]);
            self
        }

        /// The same with several values, of which one is enough.
        #[must_use]
        pub fn claim_any(
            mut self,
            name: impl Into<String>,
            values: impl IntoIterator<Item = impl Into<String>>,
        ) -> Self {
            self.rules.claim(name.into(), values.into_iter().map(Into::into).collect());
            self
        }

        /// Admits these e-mail addresses, where the provider says that they are verified.
        #[must_use]
        pub fn emails(mut self, emails: impl IntoIterator<Item = impl Into<String>>) -> Self {
            self.rules.emails(emails.into_iter().map(|email| email.into().to_ascii_lowercase()).collect());
            self
        }

        /// Admits e-mail addresses of these domains, where the provider says that they are verified. Of these alone: not
        /// of domains below them.
        #[must_use]
        pub fn email_domains(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
            self.rules.email_domains(domains.into_iter().map(|domain| domain.into().to_ascii_lowercase()).collect());
            self
        }

        /// Admits whom your own rule admits, by the claims of the provider. Asked at every login, consent and refresh.
        #[must_use]
        pub fn admit(
            mut self,
            rule: impl Fn(&serde_json::Map<String, serde_json::Value>) -> bool + Send + Sync + 'static,
        ) -> Self {
            self.rules.predicate(Box::new(rule));
            self
        }

        /// Lets everybody who is admitted grant these scopes. Called several times: all of them.
        #[must_use]
        pub fn grants(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
            self.rules.grant(None, scopes.into_iter().map(Into::into).collect());
            self
        }

        /// Lets those grant these scopes who have a claim that is this text, or a list that contains it. `email` counts only
        /// where the provider says that it is verified.
        #[must_use]
        pub fn grants_to(
            mut self,
            claim: impl Into<String>,
            value: impl Into<String>,
            scopes: impl IntoIterator<Item = impl Into<String>>,
        ) -> Self {
            let scopes = scopes.into_iter().map(Into::into).collect();
            self.rules.grant(Some((claim.into(), value.into())), scopes);
            self
        }

        /// Lets everybody who is admitted grant every declared scope.
        #[must_use]
        pub fn grants_all_scopes(mut self) -> Self {
            self.rules.grant_everything();
            self
        }
    };
}

pub(crate) use account_rules;
