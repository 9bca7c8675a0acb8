//! What protects a tool, who calls it, how the call arrives: the table below is the specification.
//!
//! Each cell is tried in all four deliveries on a server of its own. Beside the answer it is checked that the body ran
//! exactly where the table says so, and that only a call that ran was counted: of the three calls a minute that every
//! tool here allows to each subject, ann has three left after a denial, and two after a call of hers.

use std::sync::Arc;

use mcp_runtime::{
    __private as rt, Identity, State,
    guard::{Floor, GuardCx, Policy, Refused, ScopeExpr},
    tool, tools,
};
use serde_json::{Value, json};

use crate::{
    matrix_delivery::{
        Badges, DELIVERIES, Delivery,
        Outcome::{self, Login, Needs, Refused as No, Runs, Wrong},
        Who, anonymous, user,
    },
    world::{Runs as Counter, World},
};

/// One tool, and what comes of a call.
struct Row {
    tool: &'static str,
    /// Without credentials.
    anonymous: Outcome,
    /// By bob, who holds scopes of other things, and whose project is another.
    wrong_scope: Outcome,
    /// By ann, with an argument that is wrong.
    wrong_argument: (Value, Outcome),
    /// By ann, who may do everything here, with arguments that are right.
    right: Value,
}

/// Ann's scopes, and bob's.
const ANN: &str = "a b c project:apollo:write org:acme:apollo files:read";
const BOB: &str = "b x project:gemini:write project:apollo:read org:acme:gemini org:other:apollo";

const EXTRA: &str = "invalid arguments: `extra`";
const UNFIT: &str = "invalid argument `project`";

fn table() -> Vec<Row> {
    let row = |tool, anonymous, wrong_scope, wrong_argument, right| Row {
        tool,
        anonymous,
        wrong_scope,
        wrong_argument,
        right,
    };
    let (none, extra) = (|| json!({}), || (json!({"extra": 1}), Wrong(EXTRA)));
    let apollo = || json!({"project": "apollo"});
    let unfit = || (json!({"project": "apollo:write"}), Wrong(UNFIT));
    #[rustfmt::skip]
    let rows = vec![
        //  tool               anonymous       wrong scope                     wrong argument  right
        row("open",            Runs,           Runs,                           extra(),        none()),
        row("plain",           Login(""),      Runs,                           extra(),        none()),
        row("scoped",          Login("a"),     Needs("a"),                     extra(),        none()),
        row("constant",        Login("a b"),   Needs("a b"),                   extra(),        none()),
        row("all",             Login("a b"),   Needs("a b"),                   extra(),        none()),
        row("any",             Login("c"),     Needs("c"),                     extra(),        none()),
        row("closest",         Login("c"),     Needs("c"),                     extra(),        none()),
        row("template",        Login(""),      Needs("project:apollo:write"),  unfit(),        apollo()),
        row("template_or",     Login(""),      Needs("project:apollo:write"),  unfit(),        apollo()),
        row("template_two",    Login(""),      Needs("org:acme:apollo"),
            (json!({"org": "acme", "project": "a pollo"}), Wrong(UNFIT)),
            json!({"org": "acme", "project": "apollo"})),
        row("floor",           Login("files:read"),   Needs("files:read"),     extra(),        none()),
        row("floor_and_own",   Login("files:read a"), Needs("files:read a"),   extra(),        none()),
        row("floor_public",    Login("files:read"),   Needs("files:read"),     extra(),        none()),
        row("duty",            Login(""),      No("not on duty"),              extra(),        none()),
        row("owned",           Login(""),      No("apollo is not yours"),
            (json!({"project": "gemini"}), No("gemini is not yours")), apollo()),
        row("owned_scoped",    Login("a"),     Needs("a"),
            (json!({"project": "gemini"}), No("gemini is not yours")), apollo()),
        row("open_duty",       No("not on duty"), No("not on duty"),           extra(),        none()),
        row("open_owned",      No("apollo is not yours"), No("apollo is not yours"),
            (json!({"project": "gemini"}), No("gemini is not yours")), apollo()),
        row("few",             Login("a"),     Needs("a"),                     extra(),        none()),
        row("bucket",          Login("a"),     Needs("a"),                     extra(),        none()),
        row("per_client",      Login("a"),     Needs("a"),                     extra(),        none()),
        row("per_address",     Login("a"),     Needs("a"),                     extra(),        none()),
        row("per_global",      Login("a"),     Needs("a"),                     extra(),        none()),
        row("all_of_them",     Login("a"),     Needs("a"),                     extra(),        none()),
        row("everything",      Login("b"),     Needs("b project:apollo:write"),
            (json!({"project": "ap/ollo"}), Wrong(UNFIT)), apollo()),
    ];
    rows
}

/// Anybody.
#[tool(public, rate_limit = "3/m")]
async fn open(State(runs): State<Counter>) {
    runs.add();
}

/// Anybody with a token.
#[tool(rate_limit = "3/m")]
async fn plain(_me: Identity, State(runs): State<Counter>) {
    runs.add();
}

/// One scope.
#[tool(scopes = "a", rate_limit = "3/m")]
async fn scoped(State(runs): State<Counter>) {
    runs.add();
}

const BOTH: &str = "a b";

/// Two scopes, from a constant.
#[tool(scopes = BOTH, rate_limit = "3/m")]
async fn constant(State(runs): State<Counter>) {
    runs.add();
}

/// Two scopes.
#[tool(scopes = all("a", "b"), rate_limit = "3/m")]
async fn all(State(runs): State<Counter>) {
    runs.add();
}

/// One of two.
#[tool(scopes = any("c", "d"), rate_limit = "3/m")]
async fn any(State(runs): State<Counter>) {
    runs.add();
}

/// Two of which bob lacks both, or one.
#[tool(scopes = any(all("d", "e"), "c"), rate_limit = "3/m")]
async fn closest(State(runs): State<Counter>) {
    runs.add();
}

/// A scope that names an argument.
#[tool(scopes = "project:{project}:write", rate_limit = "3/m")]
async fn template(State(runs): State<Counter>, project: String) {
    runs.add();
    assert_eq!(project, "apollo");
}

/// The same, or a scope for everything.
#[tool(scopes = any("project:{project}:write", all("d", "e")), rate_limit = "3/m")]
async fn template_or(State(runs): State<Counter>, project: String) {
    runs.add();
    assert_eq!(project, "apollo");
}

/// A scope that names two arguments.
#[tool(scopes = "org:{org}:{project}", rate_limit = "3/m")]
async fn template_two(State(runs): State<Counter>, project: String, #[arg(default = "acme")] org: String) {
    runs.add();
    assert_eq!((&*org, &*project), ("acme", "apollo"));
}

/// Whom the author's rules let through.
async fn on_duty(cx: &GuardCx) -> Result<(), Refused> {
    let is_ann = cx.identity().is_some_and(|who| who.subject() == "ann");
    if is_ann { Ok(()) } else { Err(Refused::new("not on duty")) }
}

async fn owns(cx: &GuardCx, project: &str) -> Result<(), Refused> {
    on_duty(cx)
        .await
        .and(if project == "apollo" { Ok(()) } else { Err(Refused::new("")) })
        .map_err(|_| Refused::new(format!("{project} is not yours")))
}

/// A rule about the caller.
#[tool(guard = on_duty, rate_limit = "3/m")]
async fn duty(State(runs): State<Counter>) {
    runs.add();
}

/// A rule about an argument.
#[tool(guard = owns(project), rate_limit = "3/m")]
async fn owned(State(runs): State<Counter>, project: String) {
    runs.add();
    assert_eq!(project, "apollo");
}

/// A scope and a rule.
#[tool(scopes = "a", guard = owns(project), rate_limit = "3/m")]
async fn owned_scoped(State(runs): State<Counter>, project: String) {
    runs.add();
    assert_eq!(project, "apollo");
}

/// A rule, and no login.
#[tool(public, guard = on_duty, rate_limit = "3/m")]
async fn open_duty(State(runs): State<Counter>) {
    runs.add();
}

/// A rule about an argument, and no login.
#[tool(public, guard = owns(project), rate_limit = "3/m")]
async fn open_owned(State(runs): State<Counter>, project: String) {
    runs.add();
    assert_eq!(project, "apollo");
}

/// Two at once.
#[tool(scopes = "a", concurrency = 2, rate_limit = "3/m")]
async fn few(State(runs): State<Counter>) {
    runs.add();
}

/// A token bucket.
#[tool(scopes = "a", rate_limit("1/h", burst = 3))]
async fn bucket(State(runs): State<Counter>) {
    runs.add();
}

/// Counted for the client.
#[tool(scopes = "a", rate_limit("3/m", per = client))]
async fn per_client(State(runs): State<Counter>) {
    runs.add();
}

/// Counted for the address.
#[tool(scopes = "a", rate_limit("3/m", per = address))]
async fn per_address(State(runs): State<Counter>) {
    runs.add();
}

/// Counted for all; ann's half of it are three.
#[tool(scopes = "a", rate_limit("6/m", per = global))]
async fn per_global(State(runs): State<Counter>) {
    runs.add();
}

/// Four limits at once.
#[tool(
    scopes = "a",
    rate_limit = "3/m",
    rate_limit("9/m", per = client),
    rate_limit("9/m", per = address),
    rate_limit("20/m", per = global)
)]
async fn all_of_them(State(runs): State<Counter>) {
    runs.add();
}

/// Everything at once.
#[tool(
    scopes = "b project:{project}:write",
    guard = owns(project),
    concurrency = 2,
    rate_limit = "3/m",
    rate_limit("9/m", burst = 9, per = global),
    timeout = "5s"
)]
async fn everything(State(runs): State<Counter>, project: String) {
    runs.add();
    assert_eq!(project, "apollo");
}

static FILES: Floor =
    Floor::new().scopes(ScopeExpr::Scope("files:read")).limits(&[rt::Limit::new(rt::RateLimit::new(3, 60))]);

/// Tools of one group, as the attribute of the group writes them.
macro_rules! of_the_group {
    ($name:ident, $policy:expr) => {
        #[expect(non_camel_case_types, reason = "named like the tool")]
        pub(crate) enum $name {}

        impl rt::Protected for $name {
            const NAME: &'static str = stringify!($name);
            const POLICY: Policy = $policy;
            type Args = ();
        }

        impl rt::Tool for $name {
            type Receiver = ();
            type Injected = (State<Counter>,);
            type Output = ();
            const INFO: rt::ToolInfo = rt::ToolInfo::new("Of a group.", file!(), line!());
            const ARGUMENTS: rt::Arguments<()> = rt::args0(&[], ());
            const INJECT: rt::Injector<Self::Injected> = rt::inject1::<State<Counter>>();
            const OUTPUT: rt::OutputOf<()> = rt::output::<()>();

            fn run<'a>(_: &'a Arc<()>, permit: rt::Permit<Self>, injected: Self::Injected) -> rt::ToolFuture<'a> {
                let () = permit.into_args();
                rt::finish(async move { injected.0.0.add() }, Self::OUTPUT)
            }
        }
    };
}

of_the_group!(one, Policy::admitted().floor(&FILES));
of_the_group!(two, Policy::admitted().floor(&FILES));
of_the_group!(floor, Policy::admitted().floor(&FILES));
of_the_group!(floor_and_own, Policy::admitted().scopes(ScopeExpr::Scope("a")).floor(&FILES));
of_the_group!(floor_public, Policy::public().floor(&FILES));

fn world() -> World {
    let tools = tools![
        open,
        plain,
        scoped,
        constant,
        all,
        any,
        closest,
        template,
        template_or,
        template_two,
        floor,
        floor_and_own,
        floor_public,
        duty,
        owned,
        owned_scoped,
        open_duty,
        open_owned,
        few,
        bucket,
        per_client,
        per_address,
        per_global,
        all_of_them,
        everything
    ];
    World::new(tools, |builder| builder.auth(Badges))
}

fn ann() -> Who {
    user("ann", ANN).through_registered("editor")
}

/// How many more calls ann gets through.
async fn left(world: &World, delivery: Delivery, row: &Row) -> usize {
    for call in 0..10 {
        if !delivery.call(world, &ann(), row.tool, row.right.clone()).await.ran() {
            return call;
        }
    }
    panic!("{}: there is no end", row.tool)
}

async fn cell(row: &Row, delivery: Delivery, who: &Who, arguments: &Value, expected: Outcome) {
    let world = world();
    println!("{} {delivery:?} {who:?} {arguments} {expected:?}", row.tool);
    let told = delivery.call(&world, who, row.tool, arguments.clone()).await;
    told.is(expected);
    let runs = usize::from(expected == Runs);
    world.ran(runs);
    // Only ann's own calls are counted for ann, and only those that ran.
    let is_ann = who.token() == ann().token();
    let spent = if is_ann { runs } else { 0 };
    assert_eq!(left(&world, delivery, row).await, 3 - spent, "{}: what ann has left", row.tool);
}

#[tokio::test]
async fn every_cell_of_the_table_is_as_it_says_in_every_delivery() {
    let bob = user("bob", BOB).through("other");
    for row in table() {
        for delivery in DELIVERIES {
            cell(&row, delivery, &anonymous(), &row.right, row.anonymous).await;
            cell(&row, delivery, &bob, &row.right, row.wrong_scope).await;
            cell(&row, delivery, &ann(), &row.wrong_argument.0, row.wrong_argument.1).await;
            cell(&row, delivery, &ann(), &row.right, Runs).await;
        }
    }
}
