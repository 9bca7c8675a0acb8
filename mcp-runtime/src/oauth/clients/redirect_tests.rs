//! Strings that have led codes to somebody else, elsewhere.

use proptest::prelude::*;

use super::{
    RegisteredClient,
    redirect::{check, host_of, is_loopback, is_private_scheme, is_registered, origin_of},
};

fn schemes() -> Vec<String> {
    vec!["cursor".to_owned(), "com.example.app".to_owned()]
}

/// A client with this redirect URI, whatever is wrong with it.
fn client(uri: &str) -> super::Client {
    RegisteredClient::public("app").redirect_uri(uri).client
}

#[test]
fn what_may_be_registered() {
    for good in [
        "https://app.example.com/callback",
        "https://app.example.com",
        "https://app.example.com:8443/callback?tenant=1&next=%2Fhome",
        "https://xn--bcher-kva.example/callback",
        "https://93.184.216.34/callback",
        "https://[2001:db8::1]:8443/callback",
        "https://localhost:3000/callback",
        "http://localhost/callback",
        "http://localhost:3118/callback",
        "http://127.0.0.1",
        "http://127.0.0.1/",
        "http://127.0.0.1:33418/",
        "http://[::1]:1/callback?x=y",
        "https://vscode.dev/redirect",
        "https://claude.ai/api/mcp/auth_callback",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "com.example.app:/callback",
        "com.example.app://callback",
    ] {
        assert_eq!(check(good, &schemes()), Ok(()), "{good}");
        assert!(is_registered(&client(good), good), "{good}");
    }
}

/// Each must neither be registered, nor match the good one that it imitates.
const ATTACKS: [(&str, &str); 61] = [
    ("", "https://app.example.com/callback"),
    ("/callback", "https://app.example.com/callback"),
    ("//app.example.com/callback", "https://app.example.com/callback"),
    ("https:app.example.com/callback", "https://app.example.com/callback"),
    ("https:/app.example.com/callback", "https://app.example.com/callback"),
    ("https:///app.example.com/callback", "https://app.example.com/callback"),
    ("https://", "https://app.example.com/callback"),
    ("https://app.example.com@evil.example/callback", "https://app.example.com/callback"),
    ("https://app.example.com:443@evil.example/callback", "https://app.example.com/callback"),
    ("https://user:pass@app.example.com/callback", "https://app.example.com/callback"),
    ("https://@app.example.com/callback", "https://app.example.com/callback"),
    ("https://app.example.com\\@evil.example/callback", "https://app.example.com/callback"),
    ("https://evil.example\\.app.example.com/callback", "https://app.example.com/callback"),
    ("https://app.example.com%40evil.example/callback", "https://app.example.com/callback"),
    ("https://app.example.com%2eevil.example/callback", "https://app.example.com/callback"),
    ("https://APP.example.com/callback", "https://app.example.com/callback"),
    ("HTTPS://app.example.com/callback", "https://app.example.com/callback"),
    ("https://app.example.com./callback", "https://app.example.com/callback"),
    ("https://app..example.com/callback", "https://app.example.com/callback"),
    ("https://.example.com/callback", "https://app.example.com/callback"),
    ("https://*.example.com/callback", "https://app.example.com/callback"),
    ("https://app.example.com/*", "https://app.example.com/callback"),
    ("https://app_.example.com/callback", "https://app.example.com/callback"),
    ("https://äpp.example.com/callback", "https://app.example.com/callback"),
    ("https://app.example.com/callback#", "https://app.example.com/callback"),
    ("https://app.example.com/callback#x", "https://app.example.com/callback"),
    ("https://app.example.com/callback/..", "https://app.example.com/callback"),
    ("https://app.example.com/callback/../evil", "https://app.example.com/callback"),
    ("https://app.example.com/./callback", "https://app.example.com/callback"),
    ("https://app.example.com/callback/%2e%2e/evil", "https://app.example.com/callback"),
    ("https://app.example.com/callback/%2E%2E/evil", "https://app.example.com/callback"),
    ("https://app.example.com/callback/.%2e/evil", "https://app.example.com/callback"),
    ("https://app.example.com/callback/..;/evil", "https://app.example.com/callback"),
    ("https://app.example.com/callback%2f..", "https://app.example.com/callback"),
    ("https://app.example.com/callback%5c..", "https://app.example.com/callback"),
    ("https://app.example.com/callback%00", "https://app.example.com/callback"),
    ("https://app.example.com/callback%0d%0aLocation:%20x", "https://app.example.com/callback"),
    ("https://app.example.com/callback%", "https://app.example.com/callback"),
    ("https://app.example.com/callback%2", "https://app.example.com/callback"),
    ("https://app.example.com/callback%zz", "https://app.example.com/callback"),
    ("https://app.example.com/callback\r\nLocation: x", "https://app.example.com/callback"),
    (" https://app.example.com/callback", "https://app.example.com/callback"),
    ("https://app.example.com/callback ", "https://app.example.com/callback"),
    ("https://app.example.com/call\tback", "https://app.example.com/callback"),
    ("https://app.example.com:/callback", "https://app.example.com/callback"),
    ("https://app.example.com:0443/callback", "https://app.example.com:443/callback"),
    ("https://app.example.com:99999/callback", "https://app.example.com/callback"),
    ("http://app.example.com/callback", "https://app.example.com/callback"),
    ("http://127.1/callback", "http://127.0.0.1/callback"),
    ("http://127.0.1/callback", "http://127.0.0.1/callback"),
    ("http://0x7f.1/callback", "http://127.0.0.1/callback"),
    ("http://0x7f000001/callback", "http://127.0.0.1/callback"),
    ("http://2130706433/callback", "http://127.0.0.1/callback"),
    ("http://0177.0.0.1/callback", "http://127.0.0.1/callback"),
    ("http://127.0.0.1.evil.example/callback", "http://127.0.0.1/callback"),
    ("http://127.0.0.1:80@evil.example/callback", "http://127.0.0.1/callback"),
    ("http://[::ffff:127.0.0.1]/callback", "http://127.0.0.1/callback"),
    ("http://[0:0:0:0:0:0:0:1]/callback", "http://[::1]/callback"),
    ("http://LOCALHOST/callback", "http://localhost/callback"),
    ("http://localhost./callback", "http://localhost/callback"),
    ("http://localhost:0/callback", "http://localhost/callback"),
];

#[test]
fn attacks_are_neither_registered_nor_matched() {
    for (attack, imitated) in ATTACKS {
        assert!(check(attack, &schemes()).is_err(), "{attack}");
        assert!(!is_registered(&client(imitated), attack), "{attack} for {imitated}");
        // Not even if it had been registered somehow does it open a door for the other.
        assert!(!is_registered(&client(attack), imitated), "{attack} for {imitated}");
    }
}

#[test]
fn other_schemes_are_the_operators_to_allow() {
    for bad in [
        "vscode://app/callback",
        "cursor:callback",
        "cursor:",
        "cursor://",
        "cursor:///callback",
        "cursor://app@evil/callback",
        "cursor://app:80/callback",
        "cursor://app/../callback",
        "cursor:/../callback",
        "Cursor://app/callback",
        "cursor2://app/callback",
        "javascript:alert(1)",
        "javascript://app/%0aalert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "urn:ietf:wg:oauth:2.0:oob",
        "ftp://app.example.com/callback",
    ] {
        assert!(check(bad, &schemes()).is_err(), "{bad}");
    }
    for never in [
        "javascript",
        "data",
        "file",
        "http",
        "https",
        "vbscript",
        "blob",
        "a",
        "",
        "Cursor",
        "1x",
        "x_y",
        "urn",
        "wss",
    ] {
        assert!(!is_private_scheme(never), "{never}");
    }
    for fine in ["cursor", "claude", "vscode-insiders", "com.example.app"] {
        assert!(is_private_scheme(fine), "{fine}");
    }
}

#[test]
fn only_the_port_of_a_loopback_address_is_free() {
    for (registered, asked, same) in [
        ("http://127.0.0.1/callback", "http://127.0.0.1:33418/callback", true),
        ("http://127.0.0.1:1/callback", "http://127.0.0.1/callback", true),
        ("http://localhost:3118/callback?a=b", "http://localhost:4/callback?a=b", true),
        ("http://[::1]/callback", "http://[::1]:8080/callback", true),
        ("http://127.0.0.1/callback", "http://localhost/callback", false),
        ("http://localhost/callback", "http://127.0.0.1/callback", false),
        ("http://127.0.0.1/callback", "http://[::1]/callback", false),
        ("http://127.0.0.1/callback", "http://127.0.0.1/callback/", false),
        ("http://127.0.0.1/callback", "http://127.0.0.1/Callback", false),
        ("http://127.0.0.1/callback", "http://127.0.0.1/callback?x", false),
        ("http://127.0.0.1/callback?x=1", "http://127.0.0.1:2/callback?x=2", false),
        ("http://127.0.0.1", "http://127.0.0.1/", false),
        ("http://127.0.0.1/callback", "https://127.0.0.1/callback", false),
        ("https://localhost/callback", "https://localhost:8443/callback", false),
        ("https://127.0.0.1:1/callback", "https://127.0.0.1:2/callback", false),
        ("https://app.example.com/callback", "https://app.example.com:443/callback", false),
        ("https://app.example.com:8443/callback", "https://app.example.com:8444/callback", false),
        ("https://app.example.com/callback", "https://app.example.com/callback?x=y", false),
        ("cursor://app/callback", "cursor://app/callback/", false),
    ] {
        assert_eq!(is_registered(&client(registered), asked), same, "{registered} {asked}");
    }
}

#[test]
fn what_people_are_shown() {
    for (uri, origin, host, loopback) in [
        ("https://app.example.com:8443/x", "https://app.example.com:8443", Some("app.example.com"), false),
        ("http://[::1]:80/x", "http://[::1]:80", Some("[::1]"), true),
        ("http://localhost?x", "http://localhost", Some("localhost"), true),
        ("cursor://anysphere.cursor-mcp/x?y", "cursor://anysphere.cursor-mcp", Some("anysphere.cursor-mcp"), false),
        ("com.example.app:/x", "com.example.app:", None, false),
    ] {
        assert_eq!((origin_of(uri), host_of(uri), is_loopback(uri)), (Some(origin), host, loopback), "{uri}");
    }
}

/// Most of them can be registered, and often two differ in their ports only.
fn uris() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "http://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:[1-9][0-9]{0,2})?(/[ab?]{0,1}){0,2}",
        2 => "(https|cursor|HTTP)://(127\\.0\\.0\\.1|localhost|[a-b.]{1,4}|127\\.1)(:[0-9]{0,5})?[/a.?%2e@\\\\]{0,8}",
        1 => "https?://[!-~]{1,20}",
        1 => "[!-~]{0,24}",
    ]
}

/// Without the port of a loopback address: what may differ.
fn portless(uri: &str) -> Option<String> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "localhost", "[::1]"].into_iter().find(|host| rest.starts_with(host))?;
    let after = rest[host.len()..].trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
    Some(format!("{host} {after}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_was_registered_matches_only_itself(registered in uris(), asked in uris()) {
        if check(&registered, &schemes()).is_err() { return Ok(()); }
        let client = client(&registered);
        prop_assert!(is_registered(&client, &registered));
        if is_registered(&client, &asked) && asked != registered {
            prop_assert!(portless(&asked).is_some(), "{registered} {asked}");
            prop_assert_eq!(portless(&asked), portless(&registered));
            prop_assert!(check(&asked, &[]).is_ok());
        }
    }

    #[test]
    fn no_change_of_one_byte_matches(at in 0_usize..40, byte in any::<u8>(), end in "[a-z/]{0,10}") {
        let registered = format!("https://app.example.com:8443/callback{end}");
        let mut bytes = registered.clone().into_bytes();
        if let Some(place) = bytes.get_mut(at) { *place = byte; }
        let asked = String::from_utf8_lossy(&bytes).into_owned();
        prop_assert_eq!(is_registered(&client(&registered), &asked), asked == registered);
    }

    #[test]
    fn what_may_be_registered_is_read_alike_by_a_url_parser(uri in uris()) {
        if check(&uri, &[]).is_err() { return Ok(()); }
        let parsed = reqwest::Url::parse(&uri).unwrap();
        prop_assert_eq!(parsed.host_str(), host_of(&uri));
        prop_assert!(parsed.username().is_empty() && parsed.password().is_none() && parsed.fragment().is_none());
    }
}
