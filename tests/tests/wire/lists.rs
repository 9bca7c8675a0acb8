//! `tools/list`: who may see it, in pages, in the words of each revision.

use mcp_runtime::{ToolSet, Tools, tool, tools};
use serde_json::{Value, json};

use crate::{
    client::Call,
    world::{World, five, hello, vault, whoami},
};

/// What [`World::fenced`] has.
pub(crate) fn protected() -> impl ToolSet {
    tools![whoami, vault, five]
}

/// Nothing to protect.
pub(crate) fn hello_only() -> impl ToolSet {
    tools![hello]
}

/// More public tools than fit on a page: 251.
pub(crate) fn long() -> Tools {
    many::tools()
}

mod many {
    use super::{Tools, tool, tools};

    macro_rules! many {
        ($($name:ident)*) => {
            $(
                /// One of many.
                #[tool(public)]
                async fn $name() {}
            )*

            /// One more than fits on a page.
            pub(super) fn tools() -> Tools {
                mcp_runtime::ToolSet::into_tools(tools![$($name),*])
            }
        };
    }

    many! {
        t000 t001 t002 t003 t004 t005 t006 t007 t008 t009 t010 t011 t012 t013 t014 t015 t016 t017 t018 t019
        t020 t021 t022 t023 t024 t025 t026 t027 t028 t029 t030 t031 t032 t033 t034 t035 t036 t037 t038 t039
        t040 t041 t042 t043 t044 t045 t046 t047 t048 t049 t050 t051 t052 t053 t054 t055 t056 t057 t058 t059
        t060 t061 t062 t063 t064 t065 t066 t067 t068 t069 t070 t071 t072 t073 t074 t075 t076 t077 t078 t079
        t080 t081 t082 t083 t084 t085 t086 t087 t088 t089 t090 t091 t092 t093 t094 t095 t096 t097 t098 t099
        t100 t101 t102 t103 t104 t105 t106 t107 t108 t109 t110 t111 t112 t113 t114 t115 t116 t117 t118 t119
        t120 t121 t122 t123 t124 t125 t126 t127 t128 t129 t130 t131 t132 t133 t134 t135 t136 t137 t138 t139
        t140 t141 t142 t143 t144 t145 t146 t147 t148 t149 t150 t151 t152 t153 t154 t155 t156 t157 t158 t159
        t160 t161 t162 t163 t164 t165 t166 t167 t168 t169 t170 t171 t172 t173 t174 t175 t176 t177 t178 t179
        t180 t181 t182 t183 t184 t185 t186 t187 t188 t189 t190 t191 t192 t193 t194 t195 t196 t197 t198 t199
        t200 t201 t202 t203 t204 t205 t206 t207 t208 t209 t210 t211 t212 t213 t214 t215 t216 t217 t218 t219
        t220 t221 t222 t223 t224 t225 t226 t227 t228 t229 t230 t231 t232 t233 t234 t235 t236 t237 t238 t239
        t240 t241 t242 t243 t244 t245 t246 t247 t248 t249 t250
    }
}

fn names(result: &Value) -> Vec<String> {
    let tools = result["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_long_list_comes_in_pages_that_hold_every_tool_once_and_in_order() {
    let world = World::new(many::tools(), |builder| builder);
    let expected: Vec<_> = (0..251).map(|number| format!("t{number:03}")).collect();
    for revision in ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"] {
        let ask = async |params: Value| {
            let call = if revision == "2026-07-28" {
                Call::modern("tools/list", params)
            } else {
                let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params});
                Call::legacy(Some(revision), body.to_string())
            };
            call.send(&world).await
        };
        let first = ask(json!({})).await.result();
        let cursor = first["nextCursor"].as_str().unwrap();
        let second = ask(json!({"cursor": cursor})).await.result();
        assert_eq!(second.get("nextCursor"), None);
        assert_eq!([names(&first), names(&second)].concat(), expected);
        assert_eq!(first["cacheScope"], second["cacheScope"]);
        for bad in ["", "page-0", "page-2", "page-01", "page--1", "PAGE-1", "0", "nonsense", &format!("{cursor} ")] {
            ask(json!({"cursor": bad})).await.error(200, -32602);
        }
        for bad in [json!(1), json!([cursor]), json!({"page": 1})] {
            ask(json!({"cursor": bad})).await.error(200, -32602);
        }
    }
}

#[tokio::test]
async fn a_list_is_for_callers_who_may_ask() {
    let fenced = World::fenced();
    let legacy = Call::legacy(None, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    Call::modern("tools/list", json!({})).send(&fenced).await.unauthenticated(false);
    legacy.clone().send(&fenced).await.unauthenticated(false);
    let token = fenced.plain("alice");
    for call in [Call::modern("tools/list", json!({})), legacy.clone()] {
        let list = call.token(&token).send(&fenced).await.result();
        assert_eq!(names(&list), ["whoami", "vault", "five"]);
    }
    let open = World::open();
    for call in [Call::modern("tools/list", json!({})), legacy] {
        assert_eq!(names(&call.send(&open).await.result()), ["hello", "whoami", "vault", "five"]);
    }
}

#[tokio::test]
async fn only_a_list_without_secrets_may_be_shared() {
    let scope = async |world: &World| {
        let list = Call::modern("tools/list", json!({})).token(&world.plain("alice")).send(world).await.result();
        assert!(list["ttlMs"].is_u64(), "{list}");
        assert_eq!(list["resultType"], "complete");
        list["cacheScope"].clone()
    };
    assert_eq!(scope(&World::fenced()).await, "private");
    assert_eq!(scope(&World::open()).await, "private");
    assert_eq!(scope(&World::new(hello_only(), |builder| builder)).await, "public");
}

#[tokio::test]
async fn what_is_injected_is_in_no_schema() {
    let world = World::fenced();
    let list = Call::modern("tools/list", json!({})).token(&world.plain("alice")).send(&world).await.result();
    let schemas: Vec<_> = list["tools"].as_array().unwrap().iter().map(|tool| tool["inputSchema"].clone()).collect();
    assert_eq!(schemas[0], json!({"type": "object", "properties": {}, "additionalProperties": false}));
    assert_eq!(schemas[1]["required"], json!(["text"]));
    assert_eq!(schemas[1]["properties"]["count"]["type"], "integer");
    assert_eq!(schemas[1]["properties"].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn a_list_without_tools_is_a_list() {
    let world = World::new(tools![], |builder| builder);
    let list = Call::modern("tools/list", json!({})).token(&world.plain("alice")).send(&world).await.result();
    assert_eq!(list["tools"], json!([]));
}
