use http::HeaderValue;

use super::*;

fn entries(header: ForwardedHeader, lines: &[&str]) -> Vec<String> {
    let name = || header.name();
    let line = |line: &&str| (name(), HeaderValue::from_bytes(line.as_bytes()).unwrap());
    let headers: HeaderMap = lines.iter().map(line).collect();
    header.entries(&headers).map(|entry| entry.map_or("-".to_owned(), |address| address.to_string())).collect()
}

/// What one entry comes to.
fn one(header: ForwardedHeader, entry: &str) -> String {
    entries(header, &[entry]).join(" ")
}

#[test]
fn x_forwarded_for_is_read_from_the_end_of_the_last_line() {
    let read = |lines: &[&str]| entries(ForwardedHeader::XForwardedFor, lines).join(" ");
    assert_eq!(read(&[]), "");
    assert_eq!(read(&["192.0.2.1, 192.0.2.2 ,\t192.0.2.3"]), "192.0.2.3 192.0.2.2 192.0.2.1");
    assert_eq!(read(&["192.0.2.1, 192.0.2.2", "192.0.2.3"]), "192.0.2.3 192.0.2.2 192.0.2.1");
    assert_eq!(read(&["192.0.2.1,,192.0.2.2,"]), "- 192.0.2.2 - 192.0.2.1");
    assert_eq!(read(&["192.0.2.1", ""]), "- 192.0.2.1");
    // Quotes mean nothing here.
    assert_eq!(read(&["\"192.0.2.1, 192.0.2.2"]), "192.0.2.2 -");
}

#[test]
fn x_forwarded_for_holds_addresses_and_nothing_else() {
    for (entry, address) in [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:443", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:443", "192.0.2.1"),
        ("unknown", "-"),
        ("unix:", "-"),
        ("_hidden", "-"),
        ("192.0.2.1:", "-"),
        ("192.0.2.1:_p", "-"),
        ("192.0.2.1:99999", "-"),
        ("192.0.2.1:000443", "-"),
        ("192.0.2.1 192.0.2.2", "-"),
        ("192.0.2.01", "-"),
        ("192.0.2", "-"),
        ("3221225985", "-"),
        ("0xc0.0.2.1", "-"),
        ("\"192.0.2.1\"", "-"),
        ("for=192.0.2.1", "-"),
        ("[192.0.2.1]", "-"),
        ("[2001:db8::1", "-"),
        ("[2001:db8::1]443", "-"),
        ("fe80::1%eth0", "-"),
        ("localhost", "-"),
        ("１.2.3.4", "-"),
    ] {
        assert_eq!(one(ForwardedHeader::XForwardedFor, entry), address, "{entry}");
    }
}

#[test]
fn forwarded_is_read_as_its_grammar_says() {
    for (element, address) in [
        ("for=192.0.2.1", "192.0.2.1"),
        ("For=192.0.2.1;proto=https;by=203.0.113.43", "192.0.2.1"),
        ("proto=https; host=\"a.example\" ;FOR=\"192.0.2.1:443\"", "192.0.2.1"),
        ("for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
        ("for=\"[::ffff:192.0.2.1]\"", "192.0.2.1"),
        ("for=\"192.0.2.1:_p.1-\"", "192.0.2.1"),
        ("for=\"\\1\\92.0.2.1\"", "192.0.2.1"),
        ("host=\"a;for=192.0.2.9\";for=192.0.2.1", "192.0.2.1"),
        ("host=\"a, for=192.0.2.9\";for=192.0.2.1", "192.0.2.1"),
        ("for=192.0.2.1;host=\"a\\\", for=\\\"192.0.2.9\"", "192.0.2.1"),
        ("for=192.0.2.1;host=\"a\\\\\"", "192.0.2.1"),
        ("for=192.0.2.1;", "192.0.2.1"),
        ("for=unknown", "-"),
        ("for=_hidden", "-"),
        ("for=\"_hidden:_p\"", "-"),
        ("for=\"192.0.2.1:_\"", "-"),
        ("for=\"2001:db8::1\"", "-"),
        ("for=[2001:db8::1]", "-"),
        ("for=192.0.2.1:443", "-"),
        ("for=192.0.2.1;for=192.0.2.2", "-"),
        ("for=192.0.2.1;FOR=unknown", "-"),
        ("for =192.0.2.1", "-"),
        ("for= 192.0.2.1", "-"),
        ("for=192.0.2.1 192.0.2.2", "-"),
        ("for=\"192.0.2.1", "-"),
        ("for=192.0.2.1\"", "-"),
        ("for=\"192.0.2.1\"x", "-"),
        ("for=", "-"),
        ("for", "-"),
        ("xfor=192.0.2.1", "-"),
        ("=192.0.2.1", "-"),
        ("by=192.0.2.1", "-"),
        ("192.0.2.1", "-"),
        ("", "-"),
    ] {
        assert_eq!(one(ForwardedHeader::Forwarded, element), address, "{element}");
    }
}

#[test]
fn a_quote_that_a_caller_left_open_hides_nothing_of_what_proxies_add() {
    let read = |lines: &[&str]| entries(ForwardedHeader::Forwarded, lines);
    for forged in ["for=\"", "for=192.0.2.9;host=\"", "\\", "\"\\", "for=\"\\\"", "\"\"\""] {
        assert_eq!(read(&[&format!("{forged}, for=192.0.2.1")])[0], "192.0.2.1", "{forged}");
        assert_eq!(read(&[&format!("{forged},for=\"192.0.2.1:1\"")])[0], "192.0.2.1", "{forged}");
        assert_eq!(read(&[forged, "for=\"192.0.2.1:1\""])[0], "192.0.2.1", "{forged}");
    }
}

#[test]
fn the_two_headers_are_never_mixed() {
    let headers = [(X_FORWARDED_FOR, "192.0.2.1"), (FORWARDED, "for=192.0.2.2")];
    let headers: HeaderMap = headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    for (header, address) in [(ForwardedHeader::XForwardedFor, "192.0.2.1"), (ForwardedHeader::Forwarded, "192.0.2.2")]
    {
        let read: Vec<_> = header.entries(&headers).collect();
        assert_eq!(read, [Some(address.parse().unwrap())]);
    }
}

#[test]
fn what_is_absurdly_long_ends_the_reading() {
    for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
        let long = "x".repeat(1025);
        let address = if header == ForwardedHeader::Forwarded { "for=192.0.2.1" } else { "192.0.2.1" };
        assert_eq!(entries(header, &[address, &long]), ["-"]);
        assert_eq!(entries(header, &[&format!("{address},{long},{address}")]), ["192.0.2.1", "-"]);
        let quoted = format!("for=192.0.2.1;host=\"{}\"", ",".repeat(1000));
        assert_eq!(one(ForwardedHeader::Forwarded, &quoted), "192.0.2.1");
        assert_eq!(entries(header, &[&" ".repeat(100_000)]), ["-"]);
    }
}
