use std::net::{Ipv4Addr, Ipv6Addr};

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::http::HttpSettings;

fn proxies(change: impl FnOnce(HttpSettings) -> HttpSettings) -> Proxies {
    let proxies = change(HttpSettings::default()).proxies;
    assert_eq!(proxies.problems(), [""; 0]);
    proxies
}

fn in_tens() -> Proxies {
    proxies(|http| http.trusted_proxies(["10.0.0.0/8", "fd00::/8"]))
}

fn tcp(address: &str) -> Peer {
    Peer::Tcp(SocketAddr::new(address.parse().unwrap(), 40_000))
}

fn known(address: &str) -> ClientAddress {
    ClientAddress::new(address.parse().unwrap())
}

fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
    lines.iter().map(|line| (name.clone(), HeaderValue::from_str(line).unwrap())).collect()
}

fn client(proxies: &Proxies, peer: Peer, forwarded: &str) -> ClientAddress {
    proxies.client(peer, &headers(&X_FORWARDED_FOR, &[forwarded]))
}

#[test]
fn the_first_that_is_no_proxy_is_the_client() {
    for (forwarded, found) in [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.9, 192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("192.0.2.9, 192.0.2.1, fd00::1, ::ffff:10.0.0.2, 10.0.0.3:80", "192.0.2.1"),
        // A caller among the proxies.
        ("10.0.0.2", "10.0.0.2"),
        ("10.0.0.4, 10.0.0.2", "10.0.0.4"),
        // Where it cannot be read, the proxy that wrote it is known.
        ("192.0.2.9, unknown", "10.0.0.1"),
        ("192.0.2.9, ", "10.0.0.1"),
        ("192.0.2.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("", "10.0.0.1"),
    ] {
        assert_eq!(client(&in_tens(), tcp("10.0.0.1"), forwarded), known(found), "{forwarded}");
        assert_eq!(client(&in_tens(), tcp("::ffff:10.0.0.1"), forwarded), known(found), "{forwarded}");
    }
    assert_eq!(in_tens().client(tcp("10.0.0.1"), &HeaderMap::new()), known("10.0.0.1"));
}

#[test]
fn who_is_no_proxy_is_not_believed() {
    for peer in ["192.0.2.7", "11.0.0.1", "::ffff:192.0.2.7", "127.0.0.1", "fe00::1"] {
        assert_eq!(client(&in_tens(), tcp(peer), "192.0.2.1"), known(peer));
        assert_eq!(client(&Proxies::default(), tcp(peer), "192.0.2.1"), known(peer));
    }
    assert_eq!(client(&in_tens(), Peer::Unknown, "192.0.2.1"), ClientAddress::LOCAL);
    for peer in [Peer::Unknown, Peer::Unix] {
        assert_eq!(client(&Proxies::default(), peer, "192.0.2.1"), ClientAddress::LOCAL);
    }
}

#[test]
fn hops_are_counted_from_the_server() {
    let hops = |hops| proxies(|http| http.trusted_proxy_hops(hops));
    for (number, forwarded, found) in [
        (1, "192.0.2.9, 192.0.2.1", "192.0.2.1"),
        (2, "192.0.2.9, 192.0.2.1, 203.0.113.5", "192.0.2.1"),
        (2, "192.0.2.1, unknown", "192.0.2.1"),
        // Fewer than there should be: nothing of it is believed.
        (2, "192.0.2.1", "198.51.100.1"),
        (3, "192.0.2.9, 192.0.2.1", "198.51.100.1"),
        (1, "192.0.2.9, unknown", "198.51.100.1"),
        (1, "", "198.51.100.1"),
    ] {
        assert_eq!(client(&hops(number), tcp("198.51.100.1"), forwarded), known(found), "{number}: {forwarded}");
    }
    // A socket without addresses is a hop like any other.
    for peer in [Peer::Unix, Peer::Unknown] {
        assert_eq!(client(&hops(1), peer, "192.0.2.1"), known("192.0.2.1"));
        assert_eq!(client(&hops(2), peer, "192.0.2.1"), ClientAddress::LOCAL);
    }
    assert_eq!(client(&in_tens(), Peer::Unix, "192.0.2.1, 10.0.0.2"), known("192.0.2.1"));
    assert_eq!(client(&in_tens(), Peer::Unix, "192.0.2.1, unknown"), ClientAddress::LOCAL);
}

#[test]
fn only_the_header_that_was_chosen_is_read() {
    let forwarded = proxies(|http| http.trusted_proxy_hops(1).forwarded_header(ForwardedHeader::Forwarded));
    let both = |proxies: &Proxies, x: &str, standard: &str| {
        let mut all = headers(&X_FORWARDED_FOR, &[x]);
        all.extend(headers(&FORWARDED, &[standard]));
        proxies.client(tcp("10.0.0.1"), &all)
    };
    assert_eq!(both(&forwarded, "192.0.2.9", "for=192.0.2.1"), known("192.0.2.1"));
    assert_eq!(both(&forwarded, "192.0.2.9", "for=unknown"), known("10.0.0.1"));
    assert_eq!(both(&in_tens(), "192.0.2.1", "for=192.0.2.9"), known("192.0.2.1"));
    assert_eq!(both(&in_tens(), "unknown", "for=192.0.2.9"), known("10.0.0.1"));
}

#[test]
fn a_row_of_proxies_ends_somewhere() {
    let many = vec!["10.0.0.2"; 10_000].join(",");
    assert_eq!(client(&in_tens(), tcp("10.0.0.1"), &format!("192.0.2.9,{many}")), known("10.0.0.2"));
}

#[test]
fn what_cannot_be_meant_is_a_problem() {
    let problems = |change: fn(HttpSettings) -> HttpSettings| change(HttpSettings::default()).proxies.problems();
    for (problems, why) in [
        (problems(|http| http.trusted_proxies(["10.0.0.0/8"]).trusted_proxy_hops(1)), "exclude each other"),
        (problems(|http| http.trusted_proxy_hops(0)), "from 1 to 32"),
        (problems(|http| http.trusted_proxy_hops(33)), "from 1 to 32"),
        (problems(|http| http.forwarded_header(ForwardedHeader::Forwarded)), "but there are none"),
        (problems(|http| http.trusted_proxies(["nginx"])), "`nginx` is not an address"),
    ] {
        assert!(problems.len() == 1 && problems[0].contains(why), "{problems:?}");
    }
}

/// What proxies add: the client, then each proxy but the one that is the peer.
fn chain(header: ForwardedHeader) -> impl Strategy<Value = (IpAddr, Vec<String>)> {
    let stranger = prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
    ];
    let stranger = stranger.prop_map(|address| address.to_canonical());
    let stranger = stranger.prop_filter("a proxy", |address| !in_tens().is_proxy(*address));
    let proxy = any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits >> 8 | 10 << 24)));
    let port = proptest::option::of(any::<u16>());
    let chain = (stranger, proptest::collection::vec(proxy, 0..4), port);
    chain.prop_map(move |(client, proxies, port)| {
        let entries = std::iter::once(client).chain(proxies).map(|address| written(header, address, port));
        (client, entries.collect())
    })
}

fn written(header: ForwardedHeader, address: IpAddr, port: Option<u16>) -> String {
    let node = match (address, port) {
        (IpAddr::V4(v4), None) => v4.to_string(),
        (IpAddr::V6(v6), None) => format!("[{v6}]"),
        (address, Some(port)) => SocketAddr::new(address, port).to_string(),
    };
    match header {
        ForwardedHeader::XForwardedFor => node,
        ForwardedHeader::Forwarded => format!("proto=https;for=\"{node}\";host=\"a\\\",b\""),
    }
}

/// What a caller sends: any text, and text that looks like what proxies write.
fn forged() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        "[ -~\t]{0,60}",
        r#"(for=|by=|"|\\|,|;|=|10\.0\.0\.1|192\.0\.2\.9|\[::1\]|unknown|_x| ){0,12}"#,
        "x{900,1200}",
    ];
    proptest::collection::vec(line, 0..3)
}

fn check_forgery(
    header: ForwardedHeader,
    forged: &[String],
    (address, entries): &(IpAddr, Vec<String>),
    same_line: bool,
) -> Result<(), TestCaseError> {
    let mut lines = forged.to_vec();
    for entry in entries {
        match lines.last_mut() {
            Some(line) if same_line => *line = format!("{line}, {entry}"),
            _ => lines.push(entry.clone()),
        }
    }
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let headers = headers(&header.name(), &lines);
    let by_network = HttpSettings::default().trusted_proxies(["10.0.0.0/8", "fd00::/8"]);
    let by_number = HttpSettings::default().trusted_proxy_hops(entries.len());
    for settings in [by_network, by_number] {
        let proxies = settings.forwarded_header(header).proxies;
        prop_assert_eq!(proxies.client(tcp("10.0.0.1"), &headers), ClientAddress::new(*address));
    }
    Ok(())
}

proptest! {
    #[test]
    fn nothing_that_a_caller_sends_moves_it(forged in forged(), chain in chain(ForwardedHeader::XForwardedFor), same_line: bool) {
        check_forgery(ForwardedHeader::XForwardedFor, &forged, &chain, same_line)?;
    }

    #[test]
    fn nothing_that_a_caller_sends_in_forwarded_moves_it(forged in forged(), chain in chain(ForwardedHeader::Forwarded), same_line: bool) {
        check_forgery(ForwardedHeader::Forwarded, &forged, &chain, same_line)?;
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..4)) {
        for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
            let line = |line: &Vec<u8>| HeaderValue::from_bytes(line).ok().map(|value| (header.name(), value));
            let headers: HeaderMap = lines.iter().filter_map(line).collect();
            let proxies = HttpSettings::default().trusted_proxies(["10.0.0.0/8"]).forwarded_header(header).proxies;
            proxies.client(tcp("10.0.0.1"), &headers);
        }
    }
}
