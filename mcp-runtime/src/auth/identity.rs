//! Who is calling, as far as a verified credential says.

use std::{collections::hash_map::RandomState, fmt, hash::BuildHasher, net::IpAddr, sync::Arc, sync::OnceLock};

use serde_json::{Map, Value};

/// A verified caller: everything here comes from a credential that an [`Authenticator`](super::Authenticator)
/// checked, never from a header, a session or a `_meta` field of the caller's choice.
///
/// Take it as a parameter of a tool to know who calls. It deliberately implements neither `Deserialize` nor
/// `JsonSchema`, so that it can never become an argument that a model fills in. Cloning is cheap.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    issuer: Box<str>,
    subject: Box<str>,
    client: Option<Box<str>>,
    principal: Principal,
    scopes: Scopes,
    claims: Map<String, Value>,
    expires_at: Option<u64>,
    quota_key: CallerKey,
    client_quota_key: CallerKey,
}

/// Whether a person stands behind the call or a program acts for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Principal {
    /// A person, through some client.
    User,
    /// A program with credentials of its own (OAuth's client credentials grant, RFC 6749 §4.4).
    Service,
}

impl Identity {
    /// Starts an identity: `issuer` vouches for `subject`. For authenticators; a tool receives finished ones.
    ///
    /// ```
    /// use mcp_runtime::auth::{Identity, Scopes};
    ///
    /// let alice = Identity::new("https://login.example.com", "alice").scopes(Scopes::parse("notes:read")).build();
    /// assert!(alice.has_scope("notes:read"));
    /// ```
    #[expect(clippy::new_ret_no_self, reason = "an identity is finished by `build`")]
    pub fn new(issuer: impl Into<Box<str>>, subject: impl Into<Box<str>>) -> IdentityBuilder {
        IdentityBuilder {
            issuer: issuer.into(),
            subject: subject.into(),
            client: None,
            client_is_registered: false,
            principal: Principal::User,
            scopes: Scopes::default(),
            claims: Map::new(),
            expires_at: None,
        }
    }

    /// Who vouches for the subject: the token's `iss`, or `static` for static tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Who is calling (`sub`): unique only together with [`issuer`](Self::issuer).
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The OAuth client that acts for the subject, where the credential names one.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.0.client.as_deref()
    }

    /// A person or a program.
    #[must_use]
    pub fn principal(&self) -> Principal {
        self.0.principal
    }

    /// The scopes the credential grants, as granted: what they *imply* is the server's business.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }

    /// Whether the credential grants exactly this scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.0.scopes.contains(scope)
    }

    /// All claims of the credential, for what the framework has no name for. Empty for static tokens.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        &self.0.claims
    }

    /// When the credential ends, in seconds since the Unix epoch; `None` if it does not.
    #[must_use]
    pub fn expires_at(&self) -> Option<u64> {
        self.0.expires_at
    }

    pub(crate) fn quota_key(&self) -> CallerKey {
        self.0.quota_key
    }

    /// Says that the operator knows the client. Of an identity that is shared already it says nothing, and the client
    /// stays one that nobody knows.
    #[cfg(any(feature = "jwt", feature = "introspection"))]
    pub(crate) fn vouch_for_client(&mut self) {
        if let Some(inner) = Arc::get_mut(&mut self.0)
            && let Some(client) = &inner.client
        {
            inner.client_quota_key = CallerKey::of_client(&inner.issuer, client);
        }
    }
}

impl fmt::Debug for Identity {
    /// Leaves the claims out: they may hold personal data, and logs are read by many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("issuer", &self.0.issuer)
            .field("subject", &self.0.subject)
            .field("client", &self.0.client)
            .field("principal", &self.0.principal)
            .field("scopes", &self.0.scopes)
            .finish_non_exhaustive()
    }
}

/// Builds an [`Identity`]; see [`Identity::new`].
#[must_use]
pub struct IdentityBuilder {
    issuer: Box<str>,
    subject: Box<str>,
    client: Option<Box<str>>,
    client_is_registered: bool,
    principal: Principal,
    scopes: Scopes,
    claims: Map<String, Value>,
    expires_at: Option<u64>,
}

impl IdentityBuilder {
    /// Sets the OAuth client. Limits `per = client` do not go by it, since many issuers let anybody register clients.
    pub fn client(mut self, client: impl Into<Box<str>>) -> Self {
        self.client = Some(client.into());
        self.client_is_registered = false;
        self
    }

    /// Sets the OAuth client, and says that the server's operator knows it: limits `per = client` then count everybody
    /// who uses it together.
    pub fn registered_client(mut self, client: impl Into<Box<str>>) -> Self {
        self.client = Some(client.into());
        self.client_is_registered = true;
        self
    }

    /// Says whether this is a person or a program.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal = principal;
        self
    }

    /// Sets the granted scopes.
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// Sets all claims.
    pub fn claims(mut self, claims: Map<String, Value>) -> Self {
        self.claims = claims;
        self
    }

    /// Sets the end of the credential, in seconds since the Unix epoch.
    pub fn expires_at(mut self, unix_seconds: u64) -> Self {
        self.expires_at = Some(unix_seconds);
        self
    }

    /// Finishes the identity.
    #[must_use]
    pub fn build(self) -> Identity {
        let quota_key = CallerKey::of(&("subject", &*self.issuer, &*self.subject));
        let registered = self.client.as_deref().filter(|_| self.client_is_registered);
        let client_quota_key = registered.map_or(quota_key, |client| CallerKey::of_client(&self.issuer, client));
        Identity(Arc::new(Inner {
            issuer: self.issuer,
            subject: self.subject,
            client: self.client,
            principal: self.principal,
            scopes: self.scopes,
            claims: self.claims,
            expires_at: self.expires_at,
            quota_key,
            client_quota_key,
        }))
    }
}

/// A set of granted scopes (RFC 6749 §3.3): compared byte for byte, no wildcards, no case folding.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Scopes(Box<[Box<str>]>);

/// So many scopes are looked through faster than searched.
const FEW: usize = 16;

impl Scopes {
    /// Reads OAuth's space-separated list. Anything in it that is not a scope token is left out, so that a tab or a
    /// quote never grants something.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        list.split(' ').collect()
    }

    /// Whether this very scope is in the set.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        if self.0.len() <= FEW {
            return self.0.iter().any(|granted| **granted == *scope);
        }
        self.0.binary_search_by(|granted| (**granted).cmp(scope)).is_ok()
    }

    /// The scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|scope| &**scope)
    }

    /// Whether nothing is granted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether `text` is one scope token: `1*( %x21 / %x23-5B / %x5D-7E )`, at most 128 bytes.
pub(crate) fn is_scope_token(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

impl<'a> FromIterator<&'a str> for Scopes {
    fn from_iter<I: IntoIterator<Item = &'a str>>(scopes: I) -> Self {
        let mut scopes: Vec<Box<str>> = scopes.into_iter().filter(|s| is_scope_token(s)).map(Into::into).collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes.into())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The caller of one request: the subject that quotas and policies speak of.
#[derive(Clone)]
#[non_exhaustive]
pub enum Caller {
    /// No credentials were sent. Counted by network address, where the transport knows one.
    Anonymous(ClientAddress),
    /// Credentials were sent, verified and admitted; and where from.
    Identified(Identity, ClientAddress),
}

impl Caller {
    /// The identity, if there is one.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Anonymous(_) => None,
            Self::Identified(identity, _) => Some(identity),
        }
    }

    /// Where the request came from.
    #[must_use]
    pub fn address(&self) -> ClientAddress {
        match self {
            Self::Anonymous(address) | Self::Identified(_, address) => *address,
        }
    }

    pub(crate) fn quota_key(&self) -> CallerKey {
        match self {
            Self::Anonymous(address) => address.quota_key(),
            Self::Identified(identity, _) => identity.quota_key(),
        }
    }

    /// Whom limits `per = client` count: the client that the operator registered, or else the caller itself.
    pub(crate) fn client_quota_key(&self) -> CallerKey {
        match self {
            Self::Anonymous(address) => address.quota_key(),
            Self::Identified(identity, _) => identity.0.client_quota_key,
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous(_) => f.write_str("Anonymous"),
            Self::Identified(identity, _) => identity.fmt(f),
        }
    }
}

/// Where a request came from, as far as it matters for counting: an IPv4 address, an IPv6 /64, or nowhere.
///
/// One IPv6 subscriber owns a whole /64, so counting single addresses would count nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(Option<IpAddr>);

impl ClientAddress {
    /// The same process, or a transport without addresses: all of these are one caller.
    pub const LOCAL: Self = Self(None);

    /// The network that `address` stands for.
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        Self(Some(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6([a, b, c, d, 0, 0, 0, 0].into())
            }
        }))
    }

    pub(crate) fn quota_key(self) -> CallerKey {
        CallerKey::of(&("address", self.0))
    }

    /// All addresses of about the same provider, IPv4 by /16 and IPv6 by /32: more than most can invent addresses in.
    #[cfg(feature = "oauth")]
    pub(crate) fn network_key(self) -> CallerKey {
        let network = self.0.map(|address| match address {
            IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) & 0xffff_0000).into()),
            IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 96 << 96).into()),
        });
        CallerKey::of(&("network", network))
    }
}

/// A caller in 128 bits, under a secret of this process: nobody can choose a subject that collides with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CallerKey(u128);

impl CallerKey {
    fn of(caller: &impl std::hash::Hash) -> Self {
        static SECRETS: OnceLock<(RandomState, RandomState)> = OnceLock::new();
        let (high, low) = SECRETS.get_or_init(Default::default);
        Self(u128::from(high.hash_one(caller)) << 64 | u128::from(low.hash_one(caller)))
    }

    /// A client of an issuer, whoever uses it.
    fn of_client(issuer: &str, client: &str) -> Self {
        Self::of(&("client", issuer, client))
    }

    /// Something else that has a name, for example a grant of ours.
    #[cfg(feature = "oauth")]
    pub(crate) fn of_other(kind: &str, name: &str) -> Self {
        Self::of(&("other", kind, name))
    }

    /// The key as a number, for tables that mix it with what is being counted.
    pub(crate) fn bits(self) -> u128 {
        self.0
    }
}
