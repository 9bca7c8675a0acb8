//! Tokens for programs that act for themselves (RFC 6749 §4.4).

use super::{
    access::{Access, random_id},
    answer::Answer,
};
use crate::oauth::{
    Core,
    clients::{Authentication, Client, Origin},
    error::{ErrorCode, OAuthError},
    visit::Form,
};

/// Gives a client a token of its own. Only clients of the operator, which have a secret or a key: anybody can register.
pub(crate) async fn issue(core: &Core, client: &Client, form: &Form) -> Result<Answer, OAuthError> {
    if client.origin != Origin::Operator || client.authentication == Authentication::None {
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not act for itself"));
    }
    core.resource_of(form)?;
    // Without a list it has what people grant it, and here nobody does.
    let allowed = Some(client.scopes.clone().unwrap_or_default());
    let asked = match form.get("scope") {
        Some(asked) => core.grantable(Some(asked))?,
        None => client.scopes.iter().flatten().filter(|scope| core.catalogue.knows(scope)).cloned().collect(),
    };
    let scopes = core.within(&asked, &allowed);
    if scopes.is_empty() {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "the client has none of these scopes"));
    }
    // There is no record of it: the token ends soon, and can be revoked by this name.
    let grant = random_id()?;
    let expires_at = core.access_until();
    let access = Access { subject: &client.id, client_id: &client.id, scopes: &scopes, grant: &grant, expires_at };
    Answer::access_only(core, &access).await
}
