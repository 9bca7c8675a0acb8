//! SIGHUP lets a server look at its certificate again. In a process of its own: once a server hears it, the process no longer
//! dies of it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{net::TcpListener, process::Command, time::Duration};

use mcp_runtime::{Server, tool, tools};
use tokio::time::timeout;

#[path = "wire/certificates.rs"]
mod certificates;

use certificates::Authority;

/// Says hello.
#[tool(public)]
async fn hello() -> &'static str {
    "hello"
}

#[tokio::test]
async fn a_hangup_is_a_reason_to_look_again_and_not_to_end() {
    let authority = Authority::new();
    let (first, tls) = authority.installed();
    // It does not look by itself before the test is over.
    let tls = tls.check_every(Duration::from_secs(24 * 60 * 60));
    let server = Server::builder("greeter", "1.0").tools(tools![hello]).tls(tls).build().unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _serving = tokio::spawn(async move { server.serve(address).await.unwrap() });
    let client = authority.client();
    let finished = timeout(Duration::from_secs(20), async {
        while client.connect(address).await.is_err() {
            tokio::task::yield_now().await;
        }
        // The handler was there before the first connection was accepted.
        let hang_up = || {
            assert!(Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status().unwrap().success())
        };
        for _ in 0..2 {
            let next = authority.issue();
            authority.install(&next);
            hang_up();
            while client.shown(address).await != next.der {}
            assert_ne!(client.shown(address).await, first.der);
        }
        // A broken pair ends neither the server nor its listening to signals.
        authority.install_key("nothing");
        hang_up();
        let last = authority.issue();
        authority.install(&last);
        hang_up();
        while client.shown(address).await != last.der {}
    });
    finished.await.unwrap();
}
