//! An issuer on a socket, as well or badly behaved as a test wants; and keys of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use aws_lc_rs::{
    encoding::{AsBigEndian, EcPublicKeyUncompressedBin},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_runtime::testing::ManualClock;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{raw::soon, world::URL};

/// A key pair that signs tokens, with a name or without.
pub(crate) struct Key {
    pair: Arc<EcdsaKeyPair>,
    kid: Option<&'static str>,
}

impl Key {
    pub(crate) fn new(kid: &'static str) -> Self {
        Self { kid: Some(kid), ..Self::nameless() }
    }

    pub(crate) fn nameless() -> Self {
        Self { pair: Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()), kid: None }
    }

    /// One key, with its name and without.
    pub(crate) fn pair(kid: &'static str) -> (Self, Self) {
        let named = Self::new(kid);
        let nameless = Self { pair: Arc::clone(&named.pair), kid: None };
        (named, nameless)
    }

    /// The public key, as an entry of a key set.
    pub(crate) fn jwk(&self) -> Value {
        let point: EcPublicKeyUncompressedBin<'_> = self.pair.public_key().as_be_bytes().unwrap();
        let (x, y) = point.as_ref()[1..].split_at(32);
        let mut jwk = json!({ "kty": "EC", "crv": "P-256", "use": "sig", "x": b64(x), "y": b64(y) });
        self.kid.into_iter().for_each(|kid| jwk["kid"] = kid.into());
        jwk
    }

    /// An access token for the attacked server.
    pub(crate) fn token(&self, issuer: &str, subject: &str, clock: &ManualClock) -> String {
        self.token_with(json!({ "alg": "ES256", "typ": "at+jwt" }), &claims(issuer, subject, clock))
    }

    pub(crate) fn token_with(&self, mut header: Value, claims: &Value) -> String {
        self.kid.into_iter().for_each(|kid| header["kid"] = kid.into());
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", b64(signature))
    }
}

/// What a good token says.
pub(crate) fn claims(issuer: &str, subject: &str, clock: &ManualClock) -> Value {
    let now = clock.millis() / 1000;
    json!({ "iss": issuer, "aud": URL, "sub": subject, "iat": now, "exp": now + 24 * 3600 })
}

pub(crate) fn key_set(keys: &[&Key]) -> String {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }).to_string()
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// How a request is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// With status line, headers and body as they are.
    Raw(Vec<u8>),
    /// As above, but not before the gate is opened.
    Gated(watch::Receiver<bool>, Vec<u8>),
    /// Never; the connection stays open.
    Silence,
    /// With a body that does not end.
    Endless,
    /// By closing the connection.
    Gone,
}

impl Reply {
    pub(crate) fn json(body: impl AsRef<str>) -> Self {
        Self::with("200 OK", "Content-Type: application/json\r\n", body)
    }

    pub(crate) fn with(status: &str, headers: &str, body: impl AsRef<str>) -> Self {
        let body = body.as_ref();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        Self::Raw([head.as_bytes(), body.as_bytes()].concat())
    }

    pub(crate) fn gated(self, gate: watch::Receiver<bool>) -> Self {
        match self {
            Self::Raw(bytes) => Self::Gated(gate, bytes),
            other => panic!("{other:?} cannot wait"),
        }
    }

    async fn send(self, mut stream: TcpStream) {
        // Whoever asks may go away at any time.
        match self {
            Self::Raw(bytes) => drop(stream.write_all(&bytes).await),
            Self::Gated(mut gate, bytes) => {
                drop(gate.wait_for(|open| *open).await);
                drop(stream.write_all(&bytes).await);
            }
            Self::Silence => drop(stream.read(&mut [0]).await),
            Self::Endless => {
                let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                let chunk = format!("2000\r\n{}\r\n", " ".repeat(0x2000));
                let mut going = stream.write_all(head.as_bytes()).await;
                while going.is_ok() {
                    going = stream.write_all(chunk.as_bytes()).await;
                }
            }
            Self::Gone => {}
        }
    }
}

/// A request that came: its head in lower case where it has no case, and its body.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// An issuer on loopback; it stops with the test's runtime.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    replies: Arc<Mutex<HashMap<String, Reply>>>,
    asked: Arc<watch::Sender<Vec<Asked>>>,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Self { url, replies: Arc::default(), asked: Arc::new(watch::Sender::new(Vec::new())) };
        let serving = issuer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().answer(stream));
            }
        });
        issuer
    }

    /// One that publishes these keys.
    pub(crate) async fn publishing(keys: &[&Key]) -> Self {
        let issuer = Self::start().await;
        issuer.publish(keys);
        issuer
    }

    pub(crate) fn publish(&self, keys: &[&Key]) {
        self.on("/keys", Reply::json(key_set(keys)));
    }

    pub(crate) fn keys_url(&self) -> String {
        format!("{}/keys", self.url)
    }

    /// Answers requests for a path like this from now on.
    pub(crate) fn on(&self, path: &str, reply: Reply) {
        self.replies.lock().unwrap().insert(path.to_owned(), reply);
    }

    pub(crate) fn all_asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// How often a path was asked for.
    pub(crate) fn hits(&self, path: &str) -> usize {
        self.asked.borrow().iter().filter(|asked| asked.path == path).count()
    }

    /// Waits until a path was asked for this often.
    pub(crate) async fn until_hits(&self, path: &str, times: usize) {
        let mut asked = self.asked.subscribe();
        let enough = |all: &Vec<Asked>| all.iter().filter(|asked| asked.path == path).count() >= times;
        soon(asked.wait_for(enough)).await.unwrap();
    }

    async fn answer(self, mut stream: TcpStream) {
        let Some(asked) = read_request(&mut stream).await else { return };
        let reply = self.replies.lock().unwrap().get(&asked.path).cloned();
        self.asked.send_modify(|all| all.push(asked));
        reply.unwrap_or_else(|| Reply::with("404 Not Found", "", "")).send(stream).await;
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    while bytes.len() < end + length.unwrap_or(0) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Asked { path, head, body: String::from_utf8(bytes[end..].to_vec()).unwrap() })
}
