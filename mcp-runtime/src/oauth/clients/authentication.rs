//! Who asks at the token, revocation and introspection endpoints (RFC 6749 §2.3, RFC 7523).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, header::AUTHORIZATION};
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::{Authentication, Client, Clients, Found, SecretMethod, assertion, document::Document, dynamic};
use crate::{
    auth::{BearerToken, ClientAddress, ClientAssertion},
    oauth::{
        Core,
        error::{ErrorCode, OAuthError},
        hash::sha256,
        limits::Route,
        visit::Form,
    },
};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest header and the longest secret that are looked at, in bytes.
const MAX_HEADER: usize = 4 * 1024;
const MAX_SECRET: usize = 1024;

/// One answer for all that can be wrong: whoever guesses learns nothing.
const REFUSED: OAuthError = OAuthError::new(ErrorCode::InvalidClient, "the client is unknown, or is not who it says");

/// What a client brought to prove who it is: one thing, and not two (RFC 6749 §2.3).
enum Proof<'f> {
    None { id: String },
    Secret { id: String, secret: String, method: SecretMethod },
    Assertion { id: String, token: BearerToken<'f> },
}

impl Proof<'_> {
    fn id(&self) -> &str {
        match self {
            Self::None { id } | Self::Secret { id, .. } | Self::Assertion { id, .. } => id,
        }
    }
}

/// The client that sent this, by the method that it is registered with and by no other. Failures spend the allowance of the
/// address; they never stop somebody who is right.
pub(crate) async fn authenticate(
    core: &Core,
    headers: &HeaderMap,
    form: &Form,
    address: ClientAddress,
) -> Result<Client, OAuthError> {
    counted(core, address, attempt(core, headers, form, address, Whose::Anybodys).await)
}

/// As [`authenticate`], where only clients of the operator have any business: for others nothing is looked up, fetched or
/// written. Else those who register themselves could have a row written for each of their assertions.
pub(crate) async fn authenticate_of_operator(
    core: &Core,
    headers: &HeaderMap,
    form: &Form,
    address: ClientAddress,
) -> Result<Client, OAuthError> {
    counted(core, address, attempt(core, headers, form, address, Whose::Operators).await)
}

fn counted(core: &Core, address: ClientAddress, outcome: Result<Client, OAuthError>) -> Result<Client, OAuthError> {
    if matches!(&outcome, Err(error) if error.code == ErrorCode::InvalidClient) {
        core.limits.charge(Route::TokenFailed, address)?;
    }
    outcome
}

/// Whose clients are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Anybodys,
    Operators,
}

async fn attempt(
    core: &Core,
    headers: &HeaderMap,
    form: &Form,
    address: ClientAddress,
    whose: Whose,
) -> Result<Client, OAuthError> {
    let proof = proof(headers, form)?;
    let found = match whose {
        Whose::Operators if !core.clients.has_of_operator(proof.id()) => None,
        _ => core.clients.find(core, proof.id()).await?,
    };
    let known = match &found {
        Some(Found::Document(row)) => Some(core.clients.as_it_is_now(core, &row.record, address).await?),
        other => other.as_ref().map(|found| found.client().clone()),
    };
    if !is_good(core, known.as_ref(), &proof, address).await? {
        return Err(REFUSED);
    }
    if let Some(Found::Dynamic(row)) = &found {
        dynamic::used(&core.records, row).await?;
    }
    known.ok_or(REFUSED)
}

impl Clients {
    /// Reads a document again if that is due. Whoever makes us do that names a client that somebody who was logged in has
    /// used before, and it happens once in a few minutes.
    async fn as_it_is_now(&self, core: &Core, known: &Document, address: ClientAddress) -> Result<Client, OAuthError> {
        let now = core.records.now();
        if known.is_fresh(now) {
            return Ok(known.client.clone());
        }
        match self.fetch(core, &known.client.id, address).await {
            Ok(Some(newer)) => Ok(newer),
            _ if known.is_usable(now) => Ok(known.client.clone()),
            _ => Err(OAuthError {
                retry_after: Some(30),
                ..OAuthError::new(ErrorCode::TemporarilyUnavailable, "the document of the client cannot be read")
            }),
        }
    }
}

/// Takes as long for a client that does not exist as for a wrong secret.
async fn is_good(
    core: &Core,
    client: Option<&Client>,
    proof: &Proof<'_>,
    address: ClientAddress,
) -> Result<bool, OAuthError> {
    let authentication = client.map(|client| &client.authentication);
    match (proof, authentication) {
        (Proof::None { .. }, Some(Authentication::None)) => Ok(true),
        (Proof::Secret { secret, method, .. }, authentication) => Ok(is_secret(authentication, secret, *method)),
        (Proof::Assertion { token, .. }, Some(Authentication::PrivateKey { .. })) => {
            match (client, ClientAssertion::parse(token)) {
                (Some(client), Some(assertion)) => assertion::is_of(core, client, &assertion, address).await,
                _ => Ok(false),
            }
        }
        _ => Ok(false),
    }
}

fn is_secret(authentication: Option<&Authentication>, secret: &str, sent_by: SecretMethod) -> bool {
    // Something nobody has: there is no text of which this is the hash.
    const NOBODY: &str = "-------------------------------------------";
    let (expected, registered) = match authentication {
        Some(Authentication::Secret { sha256, method }) => (sha256.as_str(), Some(*method)),
        _ => (NOBODY, None),
    };
    let is_equal = bool::from(sha256(secret).as_bytes().ct_eq(expected.as_bytes()));
    let is_method = registered.is_some_and(|method| method == SecretMethod::Either || method == sent_by);
    is_equal & is_method
}

fn proof<'f>(headers: &HeaderMap, form: &'f Form) -> Result<Proof<'f>, OAuthError> {
    let basic = basic(headers)?;
    let (secret, assertion) = (form.get("client_secret"), form.get("client_assertion"));
    let assertion_type = form.get("client_assertion_type");
    let ways = [basic.is_some(), secret.is_some(), assertion.is_some() || assertion_type.is_some()];
    if ways.into_iter().filter(|used| *used).count() > 1 {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "the client authenticates in more than one way"));
    }
    let named = form.get("client_id");
    if let Some((id, secret)) = basic {
        if named.is_some_and(|named| named != id) {
            return Err(OAuthError::new(ErrorCode::InvalidRequest, "`client_id` is not the client of the header"));
        }
        return Ok(Proof::Secret { id, secret, method: SecretMethod::Basic });
    }
    if assertion.is_some() || assertion_type.is_some() {
        return asserted(assertion, assertion_type, named);
    }
    let id = named.ok_or(REFUSED)?.to_owned();
    match secret {
        Some(secret) if secret.len() > MAX_SECRET => Err(REFUSED),
        Some(secret) => Ok(Proof::Secret { id, secret: secret.to_owned(), method: SecretMethod::Post }),
        None => Ok(Proof::None { id }),
    }
}

/// `client_id` may be left out beside an assertion (RFC 7521 §4.2); whom that names nobody has verified yet.
fn asserted<'f>(token: Option<&'f str>, kind: Option<&str>, named: Option<&str>) -> Result<Proof<'f>, OAuthError> {
    if kind != Some(ASSERTION_TYPE) {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "`client_assertion_type` is not that of a JWT"));
    }
    let token = token.and_then(BearerToken::new).ok_or(REFUSED)?;
    let says = ClientAssertion::parse(&token)
        .and_then(|assertion| assertion.claims.get("sub").and_then(Value::as_str).map(str::to_owned));
    let id = says.filter(|id| named.is_none_or(|named| named == id)).ok_or(REFUSED)?;
    Ok(Proof::Assertion { id, token })
}

/// Client and secret from the header, if there is one.
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, OAuthError> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), more) = (all.next(), all.next()) else { return Ok(None) };
    if more.is_some() {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "there is more than one Authorization header"));
    }
    let header = header.to_str().ok().filter(|header| header.len() <= MAX_HEADER).ok_or(REFUSED)?;
    let (scheme, rest) = header.split_once(' ').ok_or(REFUSED)?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Err(REFUSED);
    }
    let pair = STANDARD.decode(rest.trim_start_matches(' ')).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = pair.ok_or(REFUSED)?;
    let (id, secret) = pair.split_once(':').ok_or(REFUSED)?;
    let (id, secret) = (form_decoded(id).ok_or(REFUSED)?, form_decoded(secret).ok_or(REFUSED)?);
    if id.is_empty() || secret.len() > MAX_SECRET { Err(REFUSED) } else { Ok(Some((id, secret))) }
}

/// Both parts are form-encoded before they are joined (RFC 6749 §2.3.1).
fn form_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit =
                    |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                (digit(rest.next())? << 4) | digit(rest.next())?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
