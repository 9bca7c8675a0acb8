//! An MCP server inside an axum app of your own: `cargo run --bin mount`.
//!
//! The app has its own routes and its own state, which the tools share. The endpoint is nested below `/api`, the document
//! that tells clients where to log in is at the root of the host, and both end together.

use std::{
    error::Error,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Json, Router, extract, routing::get};
use mcp_runtime::{
    Routers, Server, State, ToolError,
    auth::{Jwt, SigningKey},
    tool, tools,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What clients call, from outside. Behind a TLS proxy this is the https URL, whatever the app listens on.
const URL: &str = "http://127.0.0.1:8000/api/mcp";

/// Who signs the tokens; in real life your identity provider.
const ISSUER: &str = "https://login.example.com";

/// The state of the app and of the tools.
#[derive(Debug, Clone, Default)]
struct Shop(Arc<Mutex<Vec<String>>>);

impl Shop {
    fn orders(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// List the orders that are open.
#[tool(public, read_only)]
async fn list_orders(State(shop): State<Shop>) -> String {
    shop.orders().join("\n")
}

/// Order something.
#[tool(scopes = "orders:write", rate_limit = "20/h", destructive = false)]
async fn place_order(
    State(shop): State<Shop>,
    /// What to send.
    article: String,
) -> Result<String, ToolError> {
    if article.chars().count() > 100 {
        return Err(ToolError::invalid("article", "must have 100 characters at most"));
    }
    let mut orders = shop.orders();
    if orders.len() >= 1000 {
        return Err(ToolError::visible("there are too many open orders"));
    }
    orders.push(article);
    Ok(format!("order {} is placed", orders.len()))
}

fn server(shop: &Shop, key: &SigningKey) -> Result<Server, Box<dyn Error>> {
    let server = Server::builder("shop", env!("CARGO_PKG_VERSION"))
        .public_url(URL)
        .scope("orders:write", "Order in your name")
        .state(shop.clone())
        .tools(tools![list_orders, place_order])
        .auth(Jwt::issuer(ISSUER).key(key.verifying_key()?).anyone());
    Ok(server.build()?)
}

/// The app, and the MCP server in it.
fn app(shop: Shop, endpoint: Router<Shop>, discovery: Router<Shop>) -> Router {
    let api = Router::new().route("/orders", get(open_orders)).nest("/mcp", endpoint);
    Router::new()
        .route("/", get(|| async { "The shop is open.\n" }))
        .nest("/api", api)
        .merge(discovery)
        .with_state(shop)
}

/// The app's own route to the same orders.
async fn open_orders(extract::State(shop): extract::State<Shop>) -> Json<Value> {
    Json(json!({"open": shop.orders().len()}))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    examples::start(include_str!("mount.rs"));
    let (shop, key) = (Shop::default(), SigningKey::generate()?);
    let server = server(&shop, &key)?;
    println!("Listening on http://127.0.0.1:8000, MCP at {URL}\n\n{}", server.policies());

    let Routers { endpoint, discovery, shutdown, .. } = server.routers();
    let stop = {
        let shutdown = shutdown.clone();
        async move {
            mcp_runtime::stop_signal().await;
            // Open streams would keep axum waiting.
            shutdown.begin();
        }
    };
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    // The addresses of clients are what callers without a token are counted by.
    let app = app(shop, endpoint, discovery).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    shutdown.finished().await;
    println!("Stopped.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use tower::ServiceExt;

    use super::*;

    async fn status(request: Request<Body>) -> u16 {
        let shop = Shop::default();
        let parts = server(&shop, &SigningKey::generate().unwrap()).unwrap().routers();
        let app = app(shop, parts.endpoint, parts.discovery);
        app.oneshot(request).await.unwrap().status().as_u16()
    }

    fn call(tool: &str) -> Request<Body> {
        let call =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}});
        let request = Request::post("/api/mcp").header("Host", "127.0.0.1:8000");
        request.header("Content-Type", "application/json").body(call.to_string().into()).unwrap()
    }

    #[tokio::test]
    async fn the_app_the_endpoint_and_the_document_are_where_they_belong() {
        for path in ["/", "/api/orders", "/.well-known/oauth-protected-resource/api/mcp"] {
            assert_eq!(status(Request::get(path).body(Body::empty()).unwrap()).await, 200, "{path}");
        }
        assert_eq!(status(call("list_orders")).await, 200);
        assert_eq!(status(call("place_order")).await, 401);
    }
}
