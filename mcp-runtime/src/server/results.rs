//! The results of the protocol's own methods, and of tool calls, in the words of each revision.

use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::registry::Page;
use crate::{
    protocol::{Id, Reply, Revision},
    tool::CallToolResult,
};

/// How long clients may keep lists and discovery, in milliseconds: a deployment that changes them is seen within
/// five minutes.
const LIST_TTL_MS: u64 = 300_000;

/// Who may reuse a cached list.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CacheScope {
    /// Anybody: it is the same for all.
    Public,
    /// Only whoever asked.
    Private,
}

/// What the stateless revision adds to a result, and the older ones do not know.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extra<'a> {
    result_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_scope: Option<CacheScope>,
    #[serde(rename = "_meta")]
    meta: ResultMeta<'a>,
}

#[derive(Serialize)]
struct ResultMeta<'a> {
    #[serde(rename = "io.modelcontextprotocol/subscriptionId", skip_serializing_if = "Option::is_none")]
    subscription: Option<Id<'a>>,
    #[serde(rename = "io.modelcontextprotocol/serverInfo")]
    server: &'a RawValue,
}

/// A result and, where the revision has it, what is said about it.
#[derive(Serialize)]
struct Body<'a, R> {
    #[serde(flatten)]
    result: R,
    #[serde(flatten)]
    extra: Option<Extra<'a>>,
}

/// Apart from [`Body`] because `flatten` goes through an intermediate map, and calls are the hot path.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallBody<'a, B, M> {
    content: B,
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_content: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_error: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_type: Option<&'static str>,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<M>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolList<'a> {
    tools: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Discovered<'a> {
    supported_versions: [&'static str; Revision::SUPPORTED.len()],
    capabilities: Capabilities,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Initialized<'a> {
    protocol_version: &'static str,
    capabilities: Capabilities,
    server_info: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
}

/// Tools, whose list does not change while the server runs.
#[derive(Serialize, Default)]
struct Capabilities {
    tools: Nothing,
}

#[derive(Serialize, Default)]
struct Nothing {}

#[derive(Serialize)]
struct Acknowledged<'a> {
    notifications: Nothing,
    #[serde(rename = "_meta")]
    meta: SubscriptionMeta<'a>,
}

#[derive(Serialize)]
struct SubscriptionMeta<'a> {
    #[serde(rename = "io.modelcontextprotocol/subscriptionId")]
    subscription: Id<'a>,
}

/// Writes results for one server.
#[derive(Debug)]
pub(crate) struct Results {
    /// MCP `Implementation`.
    server: Box<RawValue>,
    /// The same for 2025-03-26, which knew no titles.
    server_untitled: Box<RawValue>,
    instructions: Option<String>,
    list_scope: CacheScope,
}

impl Results {
    pub(crate) fn new(
        name: &str,
        version: &str,
        title: Option<&str>,
        instructions: Option<String>,
        list_scope: CacheScope,
    ) -> Result<Self, serde_json::Error> {
        let mut server = json!({"name": name, "version": version});
        let server_untitled = serde_json::value::to_raw_value(&server)?;
        if let Some(title) = title {
            server["title"] = title.into();
        }
        Ok(Self { server: serde_json::value::to_raw_value(&server)?, server_untitled, instructions, list_scope })
    }

    /// `tools/call`. Structured content is left out where the revision has none, or only of objects.
    pub(crate) fn call(&self, id: Id<'_>, revision: Revision, result: &CallToolResult) -> Reply {
        let stateless = revision.is_stateless();
        let fits = |json: &&RawValue| {
            stateless || (revision.has_structured_content() && json.get().trim_start().starts_with('{'))
        };
        let body = CallBody {
            content: result.blocks(revision.has_structured_content()),
            structured_content: result.structured.as_deref().filter(fits),
            is_error: result.is_error,
            result_type: stateless.then_some("complete"),
            meta: stateless.then(|| self.meta(None)),
        };
        Reply::result(id, &body)
    }

    /// A denial as the result of a call, with what a host needs to do something about it.
    pub(crate) fn denied_call(
        &self,
        id: Id<'_>,
        revision: Revision,
        result: &CallToolResult,
        mut meta: Value,
    ) -> Reply {
        let stateless = revision.is_stateless();
        if stateless && let Ok(server) = serde_json::to_value(&self.server) {
            meta["io.modelcontextprotocol/serverInfo"] = server;
        }
        let body = CallBody {
            content: result.blocks(revision.has_structured_content()),
            structured_content: None,
            is_error: true,
            result_type: stateless.then_some("complete"),
            meta: Some(meta),
        };
        Reply::result(id, &body)
    }

    /// `tools/list`.
    pub(crate) fn tools(&self, id: Id<'_>, revision: Revision, page: &Page<'_>) -> Reply {
        let result = ToolList { tools: &page.tools, next_cursor: page.next.as_deref() };
        let extra = revision.is_stateless().then(|| self.cacheable(self.list_scope));
        Reply::result(id, &Body { result, extra })
    }

    /// `server/discover`. The same for everybody, so anybody may cache it.
    pub(crate) fn discover(&self, id: Id<'_>) -> Reply {
        let result = Discovered {
            supported_versions: Revision::SUPPORTED.map(Revision::as_str),
            capabilities: Capabilities::default(),
            instructions: self.instructions.as_deref(),
        };
        Reply::result(id, &Body { result, extra: Some(self.cacheable(CacheScope::Public)) })
    }

    /// `initialize` of the older revisions: the requested one if it is among them, else the newest of them.
    pub(crate) fn initialize(&self, id: Id<'_>, requested: &str) -> Reply {
        let revision = Revision::parse(requested).filter(|revision| !revision.is_stateless());
        let revision = revision.unwrap_or(Revision::NEWEST_LEGACY);
        let result = Initialized {
            protocol_version: revision.as_str(),
            capabilities: Capabilities::default(),
            server_info: if revision.has_structured_content() { &self.server } else { &self.server_untitled },
            instructions: self.instructions.as_deref(),
        };
        Reply::result(id, &result)
    }

    /// `ping` of the older revisions.
    pub(crate) fn empty(id: Id<'_>) -> Reply {
        Reply::result(id, &Nothing {})
    }

    /// The first message on a `subscriptions/listen` stream: of all that was asked for, nothing can change here.
    pub(crate) fn acknowledged(id: Id<'_>) -> Reply {
        Reply::notification(
            "notifications/subscriptions/acknowledged",
            &Acknowledged { notifications: Nothing {}, meta: SubscriptionMeta { subscription: id } },
        )
    }

    /// The last message on a `subscriptions/listen` stream.
    pub(crate) fn listened(&self, id: Id<'_>) -> Reply {
        let extra = Extra { result_type: "complete", ttl_ms: None, cache_scope: None, meta: self.meta(Some(id)) };
        Reply::result(id, &Body { result: Nothing {}, extra: Some(extra) })
    }

    fn cacheable(&self, scope: CacheScope) -> Extra<'_> {
        Extra { result_type: "complete", ttl_ms: Some(LIST_TTL_MS), cache_scope: Some(scope), meta: self.meta(None) }
    }

    fn meta<'a>(&'a self, subscription: Option<Id<'a>>) -> ResultMeta<'a> {
        ResultMeta { subscription, server: &self.server }
    }
}
