//! When providers are looked at before anybody logs in.

use std::time::Duration;

use tokio::{io::AsyncReadExt, net::TcpListener, sync::oneshot};

use crate::{
    Server,
    oauth::{AuthorizationServer, Oidc, StoreKey},
    store::MemoryStore,
};

const LONG: Duration = Duration::from_secs(10);

#[tokio::test]
async fn only_a_server_that_serves_looks_at_its_providers_and_does_not_wait_for_them() {
    let provider = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", provider.local_addr().unwrap());
    let (connection, unused) = (
        Oidc::issuer("tools", &*issuer).public_client("me"),
        Oidc::issuer("company", "http://127.0.0.1:9").public_client("me").anyone(),
    );
    let authorization = AuthorizationServer::builder(MemoryStore::new(), StoreKey::generate().unwrap())
        .login(unused)
        .connection(connection);
    let server = Server::builder("notes", "1.0")
        .public_url("http://127.0.0.1:8000/mcp")
        .authorization_server(authorization)
        .build()
        .unwrap();
    server.authorization_server().unwrap().ready().await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let early = tokio::time::timeout(Duration::ZERO, provider.accept()).await;
    assert!(early.is_err(), "nobody is asked where nothing is served");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        server.serve_on(listener, stopped).await
    });
    let (mut asked, _) = tokio::time::timeout(LONG, provider.accept()).await.expect("it is asked").unwrap();
    let mut begin = [0; 38];
    asked.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"GET /.well-known/openid-configuration ");
    // The provider has not answered, and the server is there all the same.
    tokio::net::TcpStream::connect(address).await.unwrap();
    drop(stop);
    tokio::time::timeout(LONG, serving).await.expect("it stops").unwrap().unwrap();
    // With the server the question has ended.
    let mut rest = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(3), asked.read_to_end(&mut rest)).await;
    assert!(end.is_ok(), "the question goes on");
}
