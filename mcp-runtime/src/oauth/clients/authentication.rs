//! Which client is it that asks for tokens, and can it prove that?
// stub: clients

use http::HeaderMap;

use super::{Authentication, Client};
use crate::{
    auth::ClientAddress,
    oauth::{
        Core,
        error::{ErrorCode, OAuthError},
        visit::Form,
    },
};

pub(crate) async fn authenticate(
    core: &Core,
    _: &HeaderMap,
    form: &Form,
    address: ClientAddress,
) -> Result<Client, OAuthError> {
    let wrong = OAuthError::new(ErrorCode::InvalidClient, "no such client");
    let id = form.get("client_id").ok_or(wrong.clone())?;
    let client = core.clients.resolve(core, id, address).await?.ok_or(wrong.clone())?;
    let proven = client.authentication == Authentication::None || form.get("client_secret") == Some("stub");
    if proven { Ok(client) } else { Err(wrong) }
}
