//! Every variable there is. Parsing, `--help`, the README and the tests all read this table and no other.

/// One variable.
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) group: Group,
    pub(super) shape: Shape,
    /// What it says, for people.
    pub(super) about: &'static str,
    /// What holds without it, in words; empty if that is nothing in particular.
    pub(super) default: &'static str,
}

/// What its value is, as far as that is the same for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Never shown.
    Secret,
    Text,
    /// The path of a file: it needs no file that has the path in it.
    Path,
}

/// What it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Server,
    Tls,
    Access,
    Login,
    Oidc,
    Auth0,
    GitHub,
    Firebase,
    Tokens,
}

impl Group {
    pub(super) const ALL: [Self; 9] = [
        Self::Server,
        Self::Tls,
        Self::Access,
        Self::Login,
        Self::Oidc,
        Self::Auth0,
        Self::GitHub,
        Self::Firebase,
        Self::Tokens,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Server => "The server",
            Self::Tls => "Https",
            Self::Access => "Who may come in",
            Self::Login => "Logging in elsewhere, with any provider",
            Self::Oidc => "An OpenID provider",
            Self::Auth0 => "Auth0",
            Self::GitHub => "GitHub",
            Self::Firebase => "Firebase Authentication",
            Self::Tokens => "Access tokens that somebody else signs with a secret of both",
        }
    }

    /// The features of which one is needed.
    pub(super) fn features(self) -> &'static [&'static str] {
        match self {
            Self::Server | Self::Access => &[],
            Self::Tls => &["tls"],
            Self::Login => &["oidc", "github", "firebase"],
            Self::Oidc | Self::Auth0 => &["oidc"],
            Self::GitHub => &["github"],
            Self::Firebase => &["firebase"],
            Self::Tokens => &["jwt"],
        }
    }

    pub(super) fn is_compiled_in(self) -> bool {
        match self {
            Self::Server | Self::Access => true,
            Self::Tls => cfg!(feature = "tls"),
            Self::Login => cfg!(any(feature = "oidc", feature = "github", feature = "firebase")),
            Self::Oidc | Self::Auth0 => cfg!(feature = "oidc"),
            Self::GitHub => cfg!(feature = "github"),
            Self::Firebase => cfg!(feature = "firebase"),
            Self::Tokens => cfg!(feature = "jwt"),
        }
    }
}

impl Variable {
    /// The variable that names a file with the value in it, if there is one.
    pub(super) fn file_name(&self) -> Option<String> {
        (self.shape != Shape::Path).then(|| format!("{}_FILE", self.name))
    }

    pub(super) fn is_secret(&self) -> bool {
        self.shape == Shape::Secret
    }
}

const fn text(name: &'static str, group: Group, default: &'static str, about: &'static str) -> Variable {
    Variable { name, group, shape: Shape::Text, about, default }
}

const fn secret(name: &'static str, group: Group, default: &'static str, about: &'static str) -> Variable {
    Variable { name, group, shape: Shape::Secret, about, default }
}

const fn path(name: &'static str, group: Group, default: &'static str, about: &'static str) -> Variable {
    Variable { name, group, shape: Shape::Path, about, default }
}

const ADMIT: &str = "like `MCP_ADMIT`, for this provider";
const GRANTS: &str = "like `MCP_GRANTS`, for this provider";

pub(super) const VARIABLES: &[Variable] = &[
    text(
        "MCP_PUBLIC_URL",
        Group::Server,
        "that of the code; else on loopback `http://` and `MCP_BIND`, with `/mcp`",
        "the URL under which clients reach the MCP endpoint, such as `https://notes.example.com/mcp`",
    ),
    text("MCP_BIND", Group::Server, "`127.0.0.1:8000`", "address and port to listen on, such as `0.0.0.0:8000`"),
    text(
        "MCP_TRUSTED_PROXIES",
        Group::Server,
        "none",
        "the proxies whose `X-Forwarded-For` is believed: networks, separated by commas (`10.0.3.0/24,loopback`), or \
         their number (`hops:1`)",
    ),
    path("MCP_TLS_CERT", Group::Tls, "plain HTTP", "the file with the certificate and those that it needs (PEM)"),
    path("MCP_TLS_KEY", Group::Tls, "", "the file with its private key (PEM)"),
    text(
        "MCP_ADMIT",
        Group::Access,
        "",
        "who is admitted: `anyone`, or rules joined by ` and `: `email-domain:example.com`, `email:a@b.example,…`, \
         `subject:ID,…`, `claim:groups=staff,…`, `organization:NAME`",
    ),
    text(
        "MCP_GRANTS",
        Group::Login,
        "",
        "what they may grant: `*` for all declared scopes, or scopes separated by spaces, each for everybody or for some: \
         `notes:read admin@claim:groups=admins`",
    ),
    text(
        "MCP_DEFAULT_SCOPES",
        Group::Login,
        "none",
        "what clients get that ask for nothing in particular: scopes separated by spaces",
    ),
    path(
        "MCP_STORE",
        Group::Login,
        "`data/store.db`",
        "the SQLite file that keeps grants, sessions and clients, or `memory`, which forgets them at the end",
    ),
    secret(
        "MCP_STORE_KEY",
        Group::Login,
        "a file beside the store, which the first start makes",
        "what seals the store: 32 bytes in base64 (`openssl rand -base64 32`); after a change the old ones behind it, \
         separated by commas",
    ),
    text(
        "TOKEN_EXPIRY_HOURS",
        Group::Login,
        "720",
        "how long a client may act for somebody without asking again, 1 to 8760; access tokens stay short",
    ),
    text(
        "OAUTH_CLIENT_ID",
        Group::Login,
        "",
        "how the provider knows this server, where the provider has no variable of its own for it set",
    ),
    secret("OAUTH_CLIENT_SECRET", Group::Login, "", "the secret that belongs to it"),
    text(
        "OAUTH_REDIRECT_URI",
        Group::Login,
        "",
        "the redirect URI that is registered at the provider; a start with another one than the server's is refused",
    ),
    text("OIDC_ISSUER", Group::Oidc, "", "the provider's issuer, such as `https://login.example.com`"),
    text("OIDC_CLIENT_ID", Group::Oidc, "`OAUTH_CLIENT_ID`", "how the provider knows this server"),
    secret("OIDC_CLIENT_SECRET", Group::Oidc, "`OAUTH_CLIENT_SECRET`", "the secret that belongs to it"),
    text("OIDC_NAME", Group::Oidc, "`oidc`", "the word in its callback, `/callback/oidc`; never change it"),
    text(
        "OIDC_LABEL",
        Group::Oidc,
        "Google, Microsoft, Okta or Auth0 if it is one of them, else its host",
        "what people read on the login page",
    ),
    text("OIDC_SCOPES", Group::Oidc, "none", "what to ask the provider for besides, separated by spaces"),
    text("OIDC_ADMIT", Group::Oidc, "`MCP_ADMIT`", ADMIT),
    text("OIDC_GRANTS", Group::Oidc, "`MCP_GRANTS`", GRANTS),
    text("AUTH0_DOMAIN", Group::Auth0, "", "the tenant's domain, such as `example.eu.auth0.com`"),
    text("AUTH0_CLIENT_ID", Group::Auth0, "`OAUTH_CLIENT_ID`", "how Auth0 knows this server"),
    secret("AUTH0_CLIENT_SECRET", Group::Auth0, "`OAUTH_CLIENT_SECRET`", "the secret that belongs to it"),
    text("AUTH0_ADMIT", Group::Auth0, "`MCP_ADMIT`", ADMIT),
    text("AUTH0_GRANTS", Group::Auth0, "`MCP_GRANTS`", GRANTS),
    text("GITHUB_CLIENT_ID", Group::GitHub, "`OAUTH_CLIENT_ID`", "how GitHub knows this server: its OAuth app"),
    secret("GITHUB_CLIENT_SECRET", Group::GitHub, "`OAUTH_CLIENT_SECRET`", "the secret that belongs to it"),
    text("GITHUB_ADMIT", Group::GitHub, "`MCP_ADMIT`", ADMIT),
    text(
        "GITHUB_GRANTS",
        Group::GitHub,
        "`MCP_GRANTS`",
        "like `MCP_GRANTS`, for this provider; also to a team: `admin@team:acme/ops`",
    ),
    text("FIREBASE_PROJECT_ID", Group::Firebase, "", "the project whose users log in"),
    text("FIREBASE_API_KEY", Group::Firebase, "", "the web API key of the project, which is not secret"),
    text("FIREBASE_CLIENT_EMAIL", Group::Firebase, "", "the service account that asks whether users are locked"),
    secret("FIREBASE_PRIVATE_KEY", Group::Firebase, "", "its private key (PEM; `\\n` for line breaks is fine)"),
    text("FIREBASE_ADMIT", Group::Firebase, "`MCP_ADMIT`", ADMIT),
    text("FIREBASE_GRANTS", Group::Firebase, "`MCP_GRANTS`", GRANTS),
    secret(
        "JWT_SECRET_KEY",
        Group::Tokens,
        "",
        "the secret, 32 bytes or more, that the issuer signs access tokens with (HS256); this server signs nothing with it",
    ),
    text("JWT_ISSUER", Group::Tokens, "", "the `iss` of these tokens, to the letter"),
    text(
        "JWT_AUDIENCE",
        Group::Tokens,
        "the public URL",
        "the `aud` of these tokens, if it cannot be the public URL; never a client id",
    ),
];

/// The variable of this name.
pub(super) fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}
