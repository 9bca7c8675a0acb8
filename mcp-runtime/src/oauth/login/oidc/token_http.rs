//! Our own client for outgoing requests, as `openidconnect` wants to see one.

use std::{fmt, pin::Pin};

use http::header::ACCEPT;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

use crate::auth::Outbound;

/// The largest answer to a token request or with claims, in bytes.
pub(super) const MAX_ANSWER: usize = 128 * 1024;

/// Requests to the token endpoint.
pub(super) struct TokenHttp<'o>(pub(super) &'o Outbound);

impl<'c> AsyncHttpClient<'c> for TokenHttp<'_> {
    type Error = NoAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, NoAnswer>> + Send + 'c>>;

    fn call(&'c self, mut request: HttpRequest) -> Self::Future {
        // Outbound says that itself.
        request.headers_mut().remove(ACCEPT);
        Box::pin(async move {
            let answer = self.0.carry(request, MAX_ANSWER).await.map_err(|failure| NoAnswer(failure.to_string()))?;
            // Only these are RFC 6749's: what anything else carries is not the provider's word about a grant.
            if !matches!(answer.status, 200 | 400 | 401 | 403) {
                return Err(NoAnswer(format!("the answer has status {}", answer.status)));
            }
            let mut response = http::Response::new(answer.body);
            *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or_default();
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}

/// Why there is none; nothing of what was sent.
#[derive(Debug)]
pub(super) struct NoAnswer(String);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoAnswer {}
