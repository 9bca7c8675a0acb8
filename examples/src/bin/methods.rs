//! The methods of a value as tools: `STOREHOUSE_TOKEN=… cargo run --bin methods`.
//!
//! What the tools share lives in the value: no `State`, nothing global. What carries `#[tool]` is a tool, everything else
//! is an ordinary method.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Mutex, MutexGuard, PoisonError},
};

use mcp_runtime::{
    BuildError, Json, Server, ToolError,
    auth::{Authenticator, StaticTokens},
    schemars::{self, JsonSchema},
    tool, toolset,
};

/// A storehouse: how many of which article there are.
struct Storehouse {
    stock: Mutex<BTreeMap<String, u32>>,
    shelves: usize,
}

#[derive(serde::Serialize, JsonSchema)]
struct Stock {
    article: String,
    count: u32,
}

#[toolset(prefix = "stock_", scopes = "stock:read", timeout = "5s")]
impl Storehouse {
    /// The most of one article that is moved at once.
    const LOAD: u32 = 500;

    fn new(shelves: usize) -> Self {
        Self { stock: Mutex::default(), shelves }
    }

    fn stock(&self) -> MutexGuard<'_, BTreeMap<String, u32>> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// List what there is.
    #[tool(read_only)]
    async fn list(&self) -> Json<Vec<Stock>> {
        let stock = self.stock();
        Json(stock.iter().map(|(article, count)| Stock { article: article.clone(), count: *count }).collect())
    }

    /// Say how many of an article there are.
    // A look into a map is over before another thread could begin.
    #[tool(read_only, inline)]
    fn count(&self, #[arg(min_len = 1, max_len = 40)] article: String) -> String {
        self.stock().get(&article).copied().unwrap_or_default().to_string()
    }

    /// Put something in.
    #[tool(scopes = "stock:write", destructive = false)]
    async fn add(
        &self,
        #[arg(min_len = 1, max_len = 40, example = "M4 screw")] article: String,
        #[arg(min = 1, max = Self::LOAD)] count: u32,
    ) -> Result<String, ToolError> {
        let mut stock = self.stock();
        if !stock.contains_key(&article) && stock.len() >= self.shelves {
            return Err(ToolError::visible("all shelves are taken; take out all of something first"));
        }
        let there = stock.entry(article).or_default();
        *there = there.saturating_add(count);
        Ok(format!("now {there}"))
    }

    /// Take something out.
    #[tool(scopes = "stock:write", rate_limit = "100/h")]
    async fn take(&self, article: String, #[arg(min = 1, max = Self::LOAD)] count: u32) -> Result<String, ToolError> {
        let mut stock = self.stock();
        let there = stock.get_mut(&article).ok_or_else(|| ToolError::invalid("article", "is not in stock"))?;
        let left = there.checked_sub(count).ok_or_else(|| ToolError::invalid("count", "is more than there is"))?;
        *there = left;
        if left == 0 {
            stock.remove(&article);
        }
        Ok(format!("now {left}"))
    }
}

fn build(auth: impl Authenticator) -> Result<Server, BuildError> {
    Server::builder("storehouse", env!("CARGO_PKG_VERSION"))
        .scope("stock:read", "See what is in stock")
        .scope("stock:write", "Put things in and take them out")
        .tools(Storehouse::new(1_000))
        .auth(auth)
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    examples::start(include_str!("methods.rs"));
    let secret = std::env::var("STOREHOUSE_TOKEN")
        .map_err(|_| "set STOREHOUSE_TOKEN to a secret of 22 characters or more: `openssl rand -base64 32`")?;
    let server = build(StaticTokens::new().token(&secret, "operator", ["stock:read", "stock:write"]))?;
    println!("{}\nListening on http://127.0.0.1:8000/mcp", server.policies());
    Ok(server.serve("127.0.0.1:8000").await?)
}

#[cfg(test)]
mod tests {
    use mcp_runtime::testing::TestClient;
    use serde_json::json;

    use super::*;

    fn keeper() -> TestClient {
        let server = build(StaticTokens::new().token("wQ7hYp3mZ0tRk9cLxV5nBg", "nobody", [])).unwrap();
        TestClient::new(&server).as_user("keeper").scopes(["stock:read", "stock:write"])
    }

    #[tokio::test]
    async fn calls_share_the_value() {
        let keeper = keeper();
        assert_eq!(keeper.call("stock_add", json!({"article": "nut", "count": 500})).await.text(), "now 500");
        assert_eq!(keeper.call("stock_take", json!({"article": "nut", "count": 499})).await.text(), "now 1");
        assert_eq!(keeper.call("stock_count", json!({"article": "nut"})).await.text(), "1");
    }

    #[tokio::test]
    async fn what_is_out_of_bounds_is_told_before_anything_happens() {
        let keeper = keeper();
        let refused = keeper.call("stock_add", json!({"article": "nut", "count": 501})).await;
        assert_eq!(refused.error_text(), "invalid argument `count`: invalid value: 501, expected at most 500");
        assert_eq!(keeper.call("stock_count", json!({"article": "nut"})).await.text(), "0");
    }
}
