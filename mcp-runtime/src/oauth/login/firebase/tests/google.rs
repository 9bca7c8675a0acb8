//! What Google answers, on this machine.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair},
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header::AUTHORIZATION},
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A key that Google signs with.
pub(super) struct Key {
    pub(super) kid: &'static str,
    pub(super) pair: RsaKeyPair,
    pub(super) certificate: String,
    pub(super) pkcs8: Vec<u8>,
}

impl Key {
    pub(super) fn new(kid: &'static str) -> Self {
        let theirs = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let name = "securetoken.system.gserviceaccount.com".to_owned();
        let certificate = rcgen::CertificateParams::new([name]).unwrap().self_signed(&theirs).unwrap().pem();
        let pkcs8 = theirs.serialize_der();
        Self { kid, pair: RsaKeyPair::from_pkcs8(&pkcs8).unwrap(), certificate, pkcs8 }
    }

    pub(super) fn jwk(&self) -> Value {
        let parts = PublicKeyComponents::<Vec<u8>>::from(self.pair.public_key());
        let [n, e] = [parts.n, parts.e].map(|part| URL_SAFE_NO_PAD.encode(part));
        json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid, "n": n, "e": e })
    }

    /// A token as Firebase makes it.
    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_as(&json!({ "alg": "RS256", "kid": self.kid, "typ": "JWT" }), claims, &RSA_PKCS1_SHA256)
    }

    pub(super) fn sign_as(&self, header: &Value, claims: &Value, encoding: &'static dyn RsaEncoding) -> String {
        let message = message(header, claims);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(encoding, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

pub(super) fn message(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}")
}

/// One request that came.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) authorization: String,
    pub(super) body: String,
}

/// Answers by path; 404 for what it was not told.
#[derive(Clone)]
pub(super) struct Google {
    pub(super) base: String,
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Google {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let google = Self { base, answers: Arc::default(), asked: Arc::default() };
        let app = Router::new().fallback(answer).with_state(google.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        google
    }

    /// With these keys, in the form that is asked for first.
    pub(super) async fn with_keys(keys: &[&Key]) -> Self {
        let google = Self::start().await;
        google.publish(keys);
        google
    }

    pub(super) fn publish(&self, keys: &[&Key]) {
        self.says("/jwk", 200, &json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }));
    }

    pub(super) fn publish_certificates(&self, keys: &[&Key]) {
        let list: HashMap<_, _> = keys.iter().map(|key| (key.kid, &key.certificate)).collect();
        self.says("/x509", 200, &json!(list));
    }

    pub(super) fn says(&self, path: &str, status: u16, answer: &Value) {
        self.answers.lock().unwrap().insert(path.to_owned(), (status, answer.to_string()));
    }

    pub(super) fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.path == path).cloned().collect()
    }

    pub(super) fn all_asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn answer(State(google): State<Google>, uri: Uri, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let path = uri.path().to_owned();
    let authorization = headers.get(AUTHORIZATION).map_or("", |value| value.to_str().unwrap()).to_owned();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let found = google.answers.lock().unwrap().get(&path).cloned();
    google.asked.lock().unwrap().push(Asked { path, authorization, body });
    let (status, body) = found.unwrap_or((404, "{}".into()));
    (StatusCode::from_u16(status).unwrap(), [("cache-control", "public, max-age=3600")], body)
}
