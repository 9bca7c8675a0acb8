//! What tests of clients share.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::RegisteredClient;
use crate::{
    auth::{ClientAddress, PublicUrl},
    clock::ManualClock,
    guard::Catalogue,
    oauth::{AuthorizationServer, AuthorizationServerBuilder, Core, LocalUsers, StoreKey, core::Surroundings},
    store::MemoryStore,
};

pub(crate) const ISSUER: &str = "https://as.example.com";
const SERVICE: &str = "q8r7n2VxKp0sJd5uTfYb3wZm9vYmFyYmF6cXV4MDEy";
pub(crate) const SECRET: &str = "Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZg==";

pub(crate) type Configure = fn(AuthorizationServerBuilder) -> AuthorizationServerBuilder;

/// An authorization server with a login that nobody uses.
pub(crate) fn core(clock: &ManualClock, configure: Configure) -> Arc<Core> {
    let key = StoreKey::generate().unwrap();
    let builder = configure(AuthorizationServer::builder(MemoryStore::new(), key));
    let builder =
        builder.client(RegisteredClient::confidential("service", SERVICE).client_credentials().scopes(["read"]));
    let builder = builder.login(LocalUsers::cheap(MemoryStore::new()));
    let around = Surroundings {
        name: "test",
        public_url: Some(&PublicUrl::parse(&format!("{ISSUER}/mcp")).unwrap()),
        catalogue: &Catalogue::default(),
        clock: &clock.clone().into(),
    };
    builder.build(&around).unwrap().0
}

pub(crate) fn address(text: &str) -> ClientAddress {
    ClientAddress::new(text.parse::<IpAddr>().unwrap())
}

/// A web server on this machine that answers everything with what it is told, and counts.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) port: u16,
    answer: Arc<Mutex<Vec<u8>>>,
    hits: Arc<AtomicUsize>,
}

impl Host {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = Self { port, answer: Arc::default(), hits: Arc::default() };
        let serving = host.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                serving.hits.fetch_add(1, Ordering::SeqCst);
                let answer = serving.answer.lock().unwrap().clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match socket.read_u8().await {
                            Ok(byte) => head.push(byte),
                            Err(_) => return,
                        }
                    }
                    if answer.is_empty() {
                        // Says nothing until the other side gives up.
                        let _gone = socket.read(&mut [0]).await;
                    }
                    let _whatever_it_takes = socket.write_all(&answer).await;
                });
            }
        });
        host
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(super) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    pub(super) fn answers(&self, status: &str, headers: &str, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
        *self.answer.lock().unwrap() = [head.as_bytes(), body].concat();
    }

    pub(super) fn answers_json(&self, body: &Value) {
        self.answers("200 OK", "content-type: application/json\r\n", body.to_string());
    }

    pub(super) fn says_nothing(&self) {
        self.answer.lock().unwrap().clear();
    }
}

/// A document that is as it must be.
pub(super) fn document(id: &str) -> Value {
    json!({"client_id": id, "client_name": "An editor", "redirect_uris": ["http://127.0.0.1/callback"]})
}
