//! From the first connection to SIGTERM. In a process of its own: once a server waits for signals, the process no longer
//! dies of them.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use mcp_runtime::{ServeError, Server, tool, tools};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Says hello.
#[tool(public)]
async fn hello() -> &'static str {
    "hello"
}

/// A directory that goes with the test.
struct Room(PathBuf);

impl Drop for Room {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Connects as soon as somebody listens, and calls once.
async fn call(socket: &Path) -> String {
    let mut stream = loop {
        match UnixStream::connect(socket).await {
            Ok(stream) => break stream,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello"}}"#;
    let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close";
    stream.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_socket_is_private_and_goes_with_the_server() {
    let room = Room(std::env::temp_dir().join(format!("mcp-signals-{}", std::process::id())));
    fs::create_dir(&room.0).unwrap();
    let socket = room.0.join("mcp.sock");
    let server = Server::builder("greeter", "1.0").tools(tools![hello]).build().unwrap();
    let serving = tokio::spawn({
        let (server, socket) = (server.clone(), socket.clone());
        async move { server.serve_unix(socket).await }
    });
    let answer = timeout(PATIENCE, call(&socket)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("hello"), "{answer}");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);

    // While it is there, there is no second one.
    let second = timeout(PATIENCE, server.serve_unix(&socket)).await.unwrap();
    assert!(second.as_ref().unwrap_err().to_string().contains("mcp.sock"), "{second:?}");
    let Err(ServeError::Listen { error, .. }) = second else { panic!("{second:?}") };
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);

    // The handler is there since the first call was answered.
    assert!(Command::new("kill").args(["-TERM", &std::process::id().to_string()]).status().unwrap().success());
    timeout(PATIENCE, serving).await.unwrap().unwrap().unwrap();
    assert_eq!(fs::read_dir(&room.0).unwrap().count(), 0, "something is left behind");
}
