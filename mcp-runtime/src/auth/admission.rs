//! Whose tokens are welcome: an issuer vouches for many people, and a server is rarely for all of them.

use std::fmt;

use super::{
    Identity,
    claim_says::{claim_in_words, claim_says},
};

/// What must hold of an identity. Nothing set admits nobody; several must all hold.
#[derive(Default)]
pub(crate) struct Admission {
    rules: Vec<Rule>,
    /// Clients that the operator knows, admitted by name or not.
    registered: Vec<Box<str>>,
}

enum Rule {
    Anyone,
    Subjects(Box<[Box<str>]>),
    Clients(Box<[Box<str>]>),
    Claim { name: String, any_of: Vec<String> },
    Predicate(Box<dyn Fn(&Identity) -> bool + Send + Sync>),
}

impl Admission {
    pub(crate) fn anyone(&mut self) {
        self.rules.push(Rule::Anyone);
    }

    pub(crate) fn subjects(&mut self, subjects: Box<[Box<str>]>) {
        self.rules.push(Rule::Subjects(subjects));
    }

    pub(crate) fn clients(&mut self, clients: Box<[Box<str>]>) {
        self.registered.extend(clients.iter().cloned());
        self.rules.push(Rule::Clients(clients));
    }

    pub(crate) fn registered_clients(&mut self, clients: impl Iterator<Item = Box<str>>) {
        self.registered.extend(clients);
    }

    pub(crate) fn claim(&mut self, name: String, any_of: Vec<String>) {
        self.rules.push(Rule::Claim { name, any_of });
    }

    pub(crate) fn predicate(&mut self, admit: Box<dyn Fn(&Identity) -> bool + Send + Sync>) {
        self.rules.push(Rule::Predicate(admit));
    }

    /// What is wrong with saying nothing.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        self.rules.is_empty().then_some(
            "it does not say whom to admit: call `.subjects([…])`, `.clients([…])`, `.claim(name, value)`, \
             `.admit(|identity| …)`, or `.anyone()` for everyone the issuer vouches for",
        )
    }

    /// The identity, if it is welcome; with a client that the operator knows it says so.
    pub(crate) fn admit(&self, mut identity: Identity) -> Option<Identity> {
        let is_registered = |client: &str| self.registered.iter().any(|known| **known == *client);
        if identity.client().is_some_and(is_registered) {
            identity.vouch_for_client();
        }
        let admitted = !self.rules.is_empty() && self.rules.iter().all(|rule| rule.admits(&identity));
        admitted.then_some(identity)
    }
}

/// The methods by which an authenticator is told whom to admit; it keeps them in its field `admission`.
macro_rules! admission_rules {
    () => {
        /// Admits everyone the issuer vouches for.
        #[must_use]
        pub fn anyone(mut self) -> Self {
            self.admission.anyone();
            self
        }

        /// Admits these subjects.
        #[must_use]
        pub fn subjects(mut self, subjects: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
            self.admission.subjects(subjects.into_iter().map(Into::into).collect());
            self
        }

        /// Admits whoever calls through one of these clients, which are thereby
        /// [registered](Self::registered_clients).
        #[must_use]
        pub fn clients(mut self, clients: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
            self.admission.clients(clients.into_iter().map(Into::into).collect());
            self
        }

        /// Names clients that you registered at the issuer yourself, so that limits `per = client` count everybody who
        /// uses one of them together. Others are counted as their subjects, since many issuers let anybody register
        /// clients. Admits nobody.
        #[must_use]
        pub fn registered_clients(mut self, clients: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
            self.admission.registered_clients(clients.into_iter().map(Into::into));
            self
        }

        /// Admits tokens with a claim that is this text, or a list that contains it: a tenant, an organisation, a group. A
        /// claim within another one is written with a dot, `realm_access.roles`; never take one that people fill themselves,
        /// such as Auth0's `user_metadata`. `email` counts only beside an `email_verified` that is `true`: with many issuers
        /// people can call themselves by anybody's address.
        #[must_use]
        pub fn claim(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.admission.claim(name.into(), vec![value.into()]);
            self
        }

        /// The same with several values, of which one is enough.
        #[must_use]
        pub fn claim_any(
            mut self,
            name: impl Into<String>,
            values: impl IntoIterator<Item = impl Into<String>>,
        ) -> Self {
            self.admission.claim(name.into(), values.into_iter().map(Into::into).collect());
            self
        }

        /// Admits whom your own rule admits. Asked when a token is verified, which is not at every call:
        /// `.admit(|who| who.subject().starts_with("staff|"))`.
        #[must_use]
        pub fn admit(mut self, rule: impl Fn(&Identity) -> bool + Send + Sync + 'static) -> Self {
            self.admission.predicate(Box::new(rule));
            self
        }
    };
}

pub(super) use admission_rules;

impl Rule {
    fn admits(&self, identity: &Identity) -> bool {
        match self {
            Self::Anyone => true,
            Self::Subjects(subjects) => subjects.iter().any(|subject| **subject == *identity.subject()),
            Self::Clients(clients) => identity.client().is_some_and(|is| clients.iter().any(|client| **client == *is)),
            Self::Claim { name, any_of } => claim_says(identity.claims(), name, any_of),
            Self::Predicate(admit) => admit(identity),
        }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.rules).finish()
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Subjects(subjects) => write!(f, "{} subjects", subjects.len()),
            Self::Clients(clients) => write!(f, "clients {clients:?}"),
            Self::Claim { name, any_of } => claim_in_words(f, name, any_of),
            Self::Predicate(_) => f.write_str("a rule of your own"),
        }
    }
}
