//! `POST /consent`: what a person decided.

use std::sync::Arc;

use axum::response::Response;

use super::authorize::{Verdict, consent_form, grant, person_and_request};
use crate::oauth::{
    Core,
    browser::is_from_own_page,
    limits::Route,
    pages::{self, consent::field},
    people::Consent,
    request::{AuthorizationRequest, Obstacle, Refusal, Sent},
    visit::{Form, Visit},
};

pub(crate) async fn handle(core: Arc<Core>, mut visit: Visit) -> Response {
    if let Err(error) = core.limits.charge(Route::Consent, visit.address) {
        return pages::error::of(&core, &error);
    }
    if !is_from_own_page(&core, &visit.parts.headers) {
        return pages::error::wrong_form(&core);
    }
    let form = match visit.form().await {
        Ok(form) => form,
        Err(error) => return pages::error::of(&core, &error),
    };
    decide(&core, Sent::of(&visit.parts, visit.address), &form).await.unwrap_or_else(|obstacle| obstacle.answer(&core))
}

async fn decide(core: &Core, sent: Sent<'_>, form: &Form) -> Result<Response, Obstacle> {
    let Some((person, request)) = person_and_request(core, sent).await? else {
        return Ok(pages::error::wrong_form(core));
    };
    if !consent_form(&person, &request, sent.query).is_token(core, form.get("token")) {
        return Ok(pages::error::wrong_form(core));
    }
    core.limits.charge_key(Route::Consent, &person.session.subject)?;
    match form.get("decision") {
        Some("allow") => {}
        Some("deny") => return Ok(request.back.refused(core, Refusal::DENIED)),
        _ => return Ok(pages::error::wrong_form(core)),
    }
    let verdict = Verdict::of(core, &person, &request).await?;
    let ticked = ticked(&verdict.allowed, form);
    let AuthorizationRequest { client, back, .. } = &request;
    let (subject, decided) = (&*person.session.subject, (&*verdict.allowed, &*ticked));
    // Also if nothing is ticked: then it is what was allowed before that is taken back.
    Consent::remember(core, subject, client, &back.redirect_uri, decided, verdict.eras).await?;
    if ticked.is_empty() && !request.scopes.is_empty() {
        return Ok(request.back.refused(core, Refusal::DENIED));
    }
    Ok(grant(core, &request, &person, ticked, verdict.eras).await?)
}

/// Of what could be allowed, and of nothing else.
fn ticked(allowed: &[String], form: &Form) -> Vec<String> {
    allowed.iter().filter(|scope| form.get(&field(scope)) == Some("on")).cloned().collect()
}
