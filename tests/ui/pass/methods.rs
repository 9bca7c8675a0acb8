//! The methods of a value as tools.
#![deny(warnings, missing_docs)]

use mcp_runtime::{Identity, Json, ToolError, ToolSet, tool, toolset};

/// Accounts of one bank.
pub struct Accounts {
    open: std::sync::Mutex<Vec<String>>,
}

/// A type beside.
pub trait Bank {
    /// What an account is called.
    type Name;
}

impl Bank for Accounts {
    type Name = String;
}

#[toolset]
impl Accounts {
    /// The most there can be.
    pub const MOST: usize = 10;

    /// Makes some.
    pub fn new() -> Self {
        Self { open: std::sync::Mutex::new(Vec::new()) }
    }

    /// Closes an account.
    #[tool(scopes = "admin", destructive)]
    pub async fn close(
        &self,
        me: Identity,
        /// Its name.
        name: <Self as Bank>::Name,
        #[arg(default = Self::MOST)] most: usize,
    ) -> Result<String, ToolError> {
        let _ = (me, most);
        self.open().retain(|other| *other != name);
        Ok(name)
    }

    /// Lists the accounts.
    #[mcp_runtime::tool(read_only)]
    fn list(&self, #[arg(default)] from: usize) -> Json<Vec<String>> {
        Json(self.open().iter().skip(from).cloned().collect())
    }

    #[cfg(any())]
    #[tool(description = "Compiled out.")]
    async fn gone(&self) {}

    fn open(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.open.lock().unwrap()
    }
}

fn main() {
    let _ = Accounts::new().into_tools();
}
