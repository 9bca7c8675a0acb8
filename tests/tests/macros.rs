//! What the attributes write down: names, policies and hints, exactly as they were meant.

use std::time::Duration;

use mcp_runtime::{
    Identity, Json, Tool, ToolInfo,
    guard::{Access, Policy, Protected},
    tool, tools, toolset,
};

/// One.
///
/// Two.
#[tool]
async fn plain() {}

#[tool(
    public,
    name = "all.of-it",
    title = "All of it",
    description = "Everything.",
    rate_limit = "5/15m",
    timeout = "1500ms",
    read_only,
    destructive = false,
    idempotent = true,
    open_world = false
)]
async fn everything(me: Option<Identity>) -> Json<bool> {
    Json(me.is_some())
}

/// A list.
#[tool(scopes = "a b")]
async fn list() {}

/// A nest.
#[tool(scopes = any("admin", all("read", "write x"), any("y")), rate_limit("1/31d"), timeout = "24h")]
async fn nest() {}

/// Raw.
#[tool]
async fn r#type() {}

#[toolset(prefix = "notes.", scopes = any("notes", "admin"), rate_limit = "5/m", timeout = "9s")]
mod notes {
    use mcp_runtime::tool;

    /// Its name is prefixed as well.
    #[tool(name = "add-one", icons = "https://example.com/a.png", meta(a = -1, b(c = ["d", true])))]
    pub(super) async fn add() {}
}

fn of<T: Tool>() -> (&'static str, Policy, ToolInfo) {
    (T::NAME, T::POLICY, T::INFO)
}

#[test]
fn nothing_written_is_any_admitted_caller() {
    let (name, policy, info) = of::<plain>();
    assert_eq!(name, "plain");
    assert_eq!(policy.access(), Access::Admitted);
    assert_eq!(policy.required_scopes().to_string(), "");
    assert!(policy.rate_limits().is_empty());
    assert_eq!(policy.call_timeout(), None);
    assert_eq!(info.description, "One.\n\nTwo.");
    assert_eq!((info.title, info.annotations), (None, mcp_runtime::Annotations::default()));
}

#[test]
fn everything_written_arrives() {
    let (name, policy, info) = of::<everything>();
    assert_eq!(name, "all.of-it");
    assert_eq!(policy.access(), Access::Public);
    assert_eq!(policy.rate_limits()[0].to_string(), "5/15m");
    assert_eq!(policy.call_timeout(), Some(Duration::from_millis(1500)));
    assert_eq!((info.title, info.description), (Some("All of it"), "Everything."));
    let hints = info.annotations;
    assert_eq!((hints.read_only, hints.destructive), (Some(true), Some(false)));
    assert_eq!((hints.idempotent, hints.open_world), (Some(true), Some(false)));
}

#[test]
fn scopes_keep_their_structure() {
    assert_eq!(<list as Protected>::POLICY.required_scopes().to_string(), "a b");
    let policy = <nest as Protected>::POLICY;
    assert_eq!(policy.required_scopes().to_string(), "any(admin, all(read, all(write, x)), any(y))");
    assert_eq!(policy.access(), Access::Admitted);
    assert_eq!(policy.rate_limits()[0].to_string(), "1/31d");
    assert_eq!(policy.call_timeout(), Some(Duration::from_secs(86_400)));
}

#[test]
fn a_tool_knows_where_it_is() {
    let (_, _, info) = of::<plain>();
    assert!(info.location.file.ends_with("macros.rs"), "{}", info.location);
    let line = include_str!("macros.rs").lines().position(|line| line == "async fn plain() {}");
    assert_eq!(Some(info.location.line as usize - 1), line);
}

#[test]
fn what_a_group_says_arrives_beside_what_its_tool_says() {
    let (name, policy, info) = of::<notes::add>();
    assert_eq!(name, "notes.add-one");
    assert_eq!(policy.required_scopes().to_string(), "");
    assert_eq!(policy.call_timeout(), Some(Duration::from_secs(9)));
    let floor = format!("{:?}", policy.group_floor());
    assert!(floor.contains("notes") && floor.contains("admin"), "{floor}");
    assert_eq!(info.icons.iter().map(|icon| icon.src).collect::<Vec<_>>(), ["https://example.com/a.png"]);
    assert_eq!(info.meta, Some(r#"{"a":-1,"b":{"c":["d",true]}}"#));
    assert_eq!(format!("{:?}", notes::tools()), r#"["notes.add-one"]"#);
    assert!(of::<plain>().1.group_floor().is_none());
}

#[test]
fn a_list_keeps_its_order() {
    let tools = tools![nest, r#type, everything, plain, list];
    assert_eq!(format!("{tools:?}"), r#"["nest", "type", "all.of-it", "plain", "list"]"#);
}
