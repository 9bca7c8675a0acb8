//! Several issuers side by side: each sees its own tokens and nothing else.

use mcp_runtime::{
    Identity,
    auth::{Introspection, Jwt, ScopeClaim, StaticTokens},
    tool, tools,
};
use serde_json::{Value, json};

use crate::{
    client::Call,
    introspection::{ASK, good, says},
    jwks::who,
    jwks_issuer::{Issuer, Key, claims},
    world::{World, vault, whoami},
};

const SECRET: &str = "q8r7n2VxKp0sJd5uTfYb3w";

/// Says who vouches for the caller.
#[tool]
async fn issuer_of(me: Identity) -> String {
    format!("{} of {}", me.subject(), me.issuer())
}

/// Two that sign, one that is asked, one in the configuration; the asked one is named first.
struct Four {
    a: (Issuer, Key),
    b: (Issuer, Key),
    opaque: Issuer,
    world: World,
}

impl Four {
    async fn new() -> Self {
        let (a_key, b_key) = (Key::new("same-name"), Key::new("same-name"));
        let (a, b, opaque) =
            (Issuer::publishing(&[&a_key]).await, Issuer::publishing(&[&b_key]).await, Issuer::start().await);
        says(&opaque, &good("olga"));
        let asked = Introspection::new(format!("{}{ASK}", opaque.url), "me", "s3cr3t").issuer(opaque.url.as_str());
        let signing = |issuer: &Issuer| Jwt::issuer(issuer.url.as_str()).jwks(issuer.keys_url()).anyone();
        let world = World::new(tools![whoami, issuer_of, vault], |builder| {
            builder.auth(asked.anyone()).auth(signing(&a)).auth(signing(&b)).auth(StaticTokens::new().token(
                SECRET,
                "sam",
                [],
            ))
        });
        Self { a: (a, a_key), b: (b, b_key), opaque, world }
    }

    async fn issuer_of(&self, token: &str) -> String {
        Call::tool("issuer_of", json!({})).token(token).send(&self.world).await.ok()
    }

    fn fetches(&self) -> (usize, usize, usize) {
        (self.a.0.hits("/keys"), self.b.0.hits("/keys"), self.opaque.hits(ASK))
    }
}

#[tokio::test]
async fn each_token_goes_to_its_issuer_and_to_no_other() {
    let four = Four::new().await;
    let clock = &four.world.clock;
    let (a, b) = (&four.a.0.url, &four.b.0.url);
    assert_eq!(four.issuer_of(&four.a.1.token(a, "anna", clock)).await, format!("anna of {a}"));
    assert_eq!(four.fetches(), (1, 0, 0));
    assert_eq!(four.issuer_of(&four.b.1.token(b, "bert", clock)).await, format!("bert of {b}"));
    assert_eq!(four.fetches(), (1, 1, 0));
    assert_eq!(four.issuer_of("opaque").await, format!("olga of {}", four.opaque.url));
    assert_eq!(four.issuer_of(SECRET).await, "sam of static", "known here, so sent to nobody");
    assert_eq!(four.issuer_of(&four.world.plain("pia")).await, "pia of https://login.example.com");
    assert_eq!(four.fetches(), (1, 1, 1));
}

#[tokio::test]
async fn no_issuers_key_is_good_under_anothers_name() {
    let four = Four::new().await;
    let clock = &four.world.clock;
    let (a, b) = (&four.a.0.url, &four.b.0.url);
    // Signed by b's real key, in a's name: only a is asked.
    who(&four.world, &four.b.1.token(a, "root", clock)).await.unauthenticated(true);
    assert_eq!(four.fetches(), (1, 0, 0));
    who(&four.world, &four.a.1.token(b, "root", clock)).await.unauthenticated(true);
    assert_eq!(four.fetches(), (1, 1, 0));
    for foreign in ["https://login.example.com", "https://unknown.example.com", "static", ""] {
        who(&four.world, &four.a.1.token(foreign, "root", clock)).await.unauthenticated(true);
    }
    // Two names at once.
    let both = json!([a, b]);
    let mut two = claims(a, "root", clock);
    two["iss"] = both;
    let header = json!({ "alg": "ES256", "typ": "at+jwt" });
    who(&four.world, &four.a.1.token_with(header, &two)).await.unauthenticated(true);
    assert_eq!(four.fetches(), (1, 1, 0));
    four.world.ran(0);
}

#[tokio::test]
async fn an_issuer_that_is_down_takes_nobody_else_down() {
    let four = Four::new().await;
    let clock = &four.world.clock;
    four.a.0.on("/keys", crate::jwks_issuer::Reply::Gone);
    assert_eq!(who(&four.world, &four.a.1.token(&four.a.0.url, "anna", clock)).await.status, 503);
    who(&four.world, &four.b.1.token(&four.b.0.url, "bert", clock)).await.ok();
    who(&four.world, "opaque").await.ok();
    four.world.ran(2);
}

#[tokio::test]
async fn scopes_are_where_the_operator_says() {
    let key = Key::new("a");
    let issuer = Issuer::publishing(&[&key]).await;
    let world = |claims: &[ScopeClaim]| {
        let jwt = Jwt::issuer(issuer.url.as_str()).jwks(issuer.keys_url()).anyone();
        let jwt = claims.iter().fold(jwt, |jwt, claim| jwt.scope_claim(*claim));
        World::new(tools![vault], |builder| builder.auth(jwt))
    };
    use ScopeClaim::{Permissions, RealmRoles, Roles, Scope, Scp};
    let all = [Scope, Scp, Roles, Permissions, RealmRoles];
    for (granting, name, value) in [
        (Scope, "scope", json!("x vault:open")),
        (Scp, "scp", json!("vault:open")),
        (Scp, "scp", json!(["x", "vault:open"])),
        (Roles, "roles", json!(["vault:open"])),
        (Permissions, "permissions", json!(["vault:open"])),
        (RealmRoles, "realm_access", json!({ "roles": ["vault:open"] })),
    ] {
        for read in [&all[..], &[], &[Scope], &[Scp], &[Roles], &[Permissions], &[RealmRoles], &[Scope, Roles]] {
            let world = world(read);
            let mut claims = claims(&issuer.url, "alice", &world.clock);
            claims[name] = value.clone();
            let token = key.token_with(json!({ "alg": "ES256", "typ": "at+jwt" }), &claims);
            let answer = Call::tool("vault", json!({ "text": "x" })).token(&token).send(&world).await;
            let granted = read.contains(&granting) || read.is_empty() && granting == Scope;
            assert_eq!(answer.status, if granted { 200 } else { 403 }, "{name} {value} {read:?}");
            world.ran(usize::from(granted));
        }
    }
    // Admin by a trick of spelling, in every claim at once.
    for trick in
        [json!(["vault:open x"]), json!([["vault:open"]]), json!({ "vault:open": true }), json!(["Vault:open"])]
    {
        let world = world(&all);
        let mut claims = claims(&issuer.url, "alice", &world.clock);
        for name in ["scope", "scp", "roles", "permissions"] {
            claims[name] = trick.clone();
        }
        claims["realm_access"] = json!({ "roles": trick });
        let token = key.token_with(json!({ "alg": "ES256", "typ": "at+jwt" }), &claims);
        let answer = Call::tool("vault", json!({ "text": "x" })).token(&token).send(&world).await;
        assert_eq!(answer.error(403, 403)["error"]["data"]["required"], Value::from(vec!["vault:open"]));
        world.ran(0);
    }
}
