//! Without any login, in two ways.
//!
//! ```text
//! cargo run --bin no_auth                # tools that say `public`: for everybody, wherever the server is
//! cargo run --bin no_auth everything     # `.insecure_no_auth()`: every tool is open, to this machine only
//! ```
//!
//! A tool is closed unless it says `public`, tool by tool, and a server with a closed tool and no way to know callers does
//! not build. `.insecure_no_auth()` is for trying tools out before there is a login. It answers this machine only; never put
//! a proxy or a tunnel in front of it, because that would look like this machine.

use std::error::Error;

use mcp_runtime::{BuildError, Identity, Server, ServerBuilder, tool, tools};

/// The opening hours.
#[tool(public, read_only, rate_limit = "60/m")]
async fn opening_hours() -> &'static str {
    "9 to 5"
}

/// Who is calling. A public tool is also called by people who are logged in; here nobody is.
#[tool(public, read_only)]
async fn greet(who: Option<Identity>) -> String {
    who.map_or_else(|| "Hello, stranger!".to_owned(), |who| format!("Hello, {}!", who.subject()))
}

/// Close for today. Not for everybody.
#[tool(scopes = "shop:write", destructive)]
async fn close_shop() -> &'static str {
    "closed"
}

fn shop() -> ServerBuilder {
    Server::builder("shop", env!("CARGO_PKG_VERSION"))
}

/// What everybody may use, and nothing else.
fn public() -> Result<Server, BuildError> {
    shop().tools(tools![opening_hours, greet]).build()
}

/// All tools, without asking who calls: to try them out.
fn everything() -> Result<Server, BuildError> {
    shop().tools(tools![opening_hours, greet, close_shop]).insecure_no_auth().build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    examples::start(include_str!("no_auth.rs"));
    let server = match std::env::args().nth(1).as_deref() {
        None => public()?,
        Some("everything") => everything()?,
        Some(other) => return Err(format!("`{other}`? There is only `everything`").into()),
    };
    println!("{}\nListening on http://127.0.0.1:8000/mcp", server.policies());
    Ok(server.serve("127.0.0.1:8000").await?)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{
        body::Body,
        extract::ConnectInfo,
        http::{Request, request::Builder},
    };
    use serde_json::json;
    use tower::ServiceExt;

    use super::*;

    fn call(tool: &str) -> (Builder, Body) {
        let call =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}});
        (Request::post("/mcp").header("Content-Type", "application/json"), call.to_string().into())
    }

    async fn status(server: &Server, peer: &str, (request, body): (Builder, Body)) -> u16 {
        let peer: SocketAddr = peer.parse().unwrap();
        let request = request.header("Host", "127.0.0.1:8000").extension(ConnectInfo(peer)).body(body).unwrap();
        server.router().oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn public_tools_are_for_everybody() {
        let server = public().unwrap();
        for peer in ["127.0.0.1:5000", "203.0.113.9:5000"] {
            assert_eq!(status(&server, peer, call("opening_hours")).await, 200);
            assert_eq!(status(&server, peer, call("greet")).await, 200);
        }
    }

    #[tokio::test]
    async fn everything_is_for_this_machine_only() {
        let server = everything().unwrap();
        assert_eq!(status(&server, "127.0.0.1:5000", call("close_shop")).await, 200);
        assert_eq!(status(&server, "203.0.113.9:5000", call("close_shop")).await, 403);
        let (proxied, body) = call("close_shop");
        assert_eq!(
            status(&server, "127.0.0.1:5000", (proxied.header("X-Forwarded-For", "203.0.113.9"), body)).await,
            403
        );
    }

    #[test]
    fn closed_tools_need_a_login() {
        let problem = shop().tools(tools![close_shop]).build().unwrap_err().to_string();
        assert!(problem.contains("`close_shop` is protected, but the server has no way to know callers"), "{problem}");
    }
}
