//! Networks, as an operator writes them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    base: IpAddr,
    prefix: u8,
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

const LOOPBACK: [Network; 2] =
    [Network::v4(Ipv4Addr::new(127, 0, 0, 0), 8), Network { base: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 }];

/// RFC 1918 and RFC 4193.
const PRIVATE: [Network; 4] = [
    Network::v4(Ipv4Addr::new(10, 0, 0, 0), 8),
    Network::v4(Ipv4Addr::new(172, 16, 0, 0), 12),
    Network::v4(Ipv4Addr::new(192, 168, 0, 0), 16),
    Network { base: IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), prefix: 7 },
];

impl Network {
    const fn v4(base: Ipv4Addr, prefix: u8) -> Self {
        Self { base: IpAddr::V4(base), prefix }
    }

    /// Reads `10.0.0.0/8`, `fd00::/8`, a single address, or the words `loopback` and `private`.
    pub(super) fn parse(text: &str) -> Result<Vec<Self>, String> {
        match text {
            "loopback" => return Ok(LOOPBACK.to_vec()),
            "private" => return Ok(PRIVATE.to_vec()),
            _ => {}
        }
        let fail = |why: &str| Err(format!("trusted proxy `{}` {why}", text.escape_debug()));
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return fail("is not an address; write `10.0.0.0/8`, `192.0.2.7`, `fd00::/8`, `loopback` or `private`");
        };
        let bits = width(address);
        let Some(prefix) = prefix.map_or(Some(bits), |prefix| length(prefix, bits)) else {
            return fail("has a prefix that is not a number of its bits");
        };
        let Some(network) = Self::new(address, prefix) else {
            return fail("is a network that IPv4 addresses are only a part of; write the IPv4 network itself");
        };
        if network.prefix == 0 {
            return fail("is everybody: each caller could then choose the address it is counted by");
        }
        if network.masked(network.base) != bits_of(network.base) {
            return fail("has bits behind its prefix; set them to zero, or write the whole address without a prefix");
        }
        Ok(vec![network])
    }

    /// The network in the form that addresses are compared in; `None` if there is none.
    fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        match (address, address.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V4(v4)) => Some(Self::v4(v4, prefix.checked_sub(96)?)),
            _ => Some(Self { base: address, prefix }),
        }
    }

    /// Whether a canonical address is in it.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.base.is_ipv4() == address.is_ipv4() && self.masked(address) == bits_of(self.base)
    }

    /// The first `prefix` bits of an address of the same family, and zeros.
    fn masked(&self, address: IpAddr) -> u128 {
        let rest = u32::from(width(self.base) - self.prefix);
        // Shifting out all 128 bits is not a shift.
        bits_of(address).checked_shr(rest).and_then(|bits| bits.checked_shl(rest)).unwrap_or(0)
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// A plain decimal, at most `bits`.
fn length(text: &str, bits: u8) -> Option<u8> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    plain.then(|| text.parse().ok()).flatten().filter(|length| *length <= bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(network: &str, address: &str) -> bool {
        let address = address.parse::<IpAddr>().unwrap().to_canonical();
        Network::parse(network).unwrap().iter().any(|network| network.contains(address))
    }

    #[test]
    fn an_address_is_in_its_networks_and_in_no_others() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.6/31", "192.0.2.7", "192.0.2.8"),
            ("128.0.0.0/1", "255.0.0.0", "127.255.255.255"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("8000::/1", "ffff::", "7fff::"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("loopback", "127.9.9.9", "128.0.0.1"),
            ("loopback", "::1", "::2"),
            ("private", "172.31.255.255", "172.32.0.0"),
            ("private", "fd12::1", "fe80::1"),
            ("private", "192.168.1.1", "127.0.0.1"),
        ] {
            assert!(is_in(network, inside), "{inside} in {network}");
            assert!(!is_in(network, outside), "{outside} in {network}");
        }
    }

    #[test]
    fn what_is_not_a_network_is_said_so() {
        for (bad, why) in [
            ("", "not an address"),
            ("proxy.internal", "not an address"),
            ("10.0.0.0/8 ", "prefix"),
            ("10.0.0.0/33", "prefix"),
            ("10.0.0.0/", "prefix"),
            ("10.0.0.0/+8", "prefix"),
            ("10.0.0.0/08", "prefix"),
            ("fd00::/129", "prefix"),
            ("10.0.0.1/8", "bits behind"),
            ("fd00::1/8", "bits behind"),
            ("0.0.0.0/0", "everybody"),
            ("::/0", "everybody"),
            ("::ffff:0.0.0.0/96", "everybody"),
            ("::ffff:0.0.0.0/90", "only a part"),
            ("fe80::1%eth0", "not an address"),
            ("010.0.0.1", "not an address"),
            ("10.0.0.1:80", "not an address"),
        ] {
            let problem = Network::parse(bad).unwrap_err();
            assert!(problem.contains(why), "{problem}");
        }
    }
}
