//! What kind of place an address is.
//!
//! An IPv6 address that carries an IPv4 address (mapped, translated, tunnelled) is judged by what it carries:
//! the kernel or a gateway would take the request there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of place an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Anywhere on the internet.
    Public,
    /// This machine.
    Loopback,
    /// Somebody's own network.
    Private,
    /// Where clouds keep their credentials, and the link they are on. No name may lead there.
    LinkLocal,
    /// Set apart for documentation, measurements, multicast and the like.
    Reserved,
}

impl Place {
    /// As it is told.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Loopback => "an address of the host's own machine",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local address or a cloud's metadata service",
            Self::Reserved => "a reserved address",
        }
    }
}

/// What kind of place `address` is.
pub(crate) fn place(address: IpAddr) -> Place {
    match reached(address) {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => place_v6(address),
    }
}

/// Where a request to `address` ends up: at the IPv4 address that it carries, or else at itself.
pub(crate) fn reached(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) if six != Ipv6Addr::LOCALHOST => carried(six).map_or(address, IpAddr::V4),
        _ => address,
    }
}

/// By the registry of special-purpose addresses (RFC 6890 and its successors), and three services of clouds that
/// stand outside of it.
fn place_v4(address: Ipv4Addr) -> Place {
    match address.octets() {
        [169, 254, ..] | [168, 63, 129, 16] | [100, 100, 100, 200] | [192, 0, 0, 192] => Place::LinkLocal,
        [127, ..] => Place::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Place::Private,
        [0 | 224..=255, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Place::Reserved,
        _ => Place::Public,
    }
}

fn place_v6(address: Ipv6Addr) -> Place {
    if address == Ipv6Addr::LOCALHOST {
        return Place::Loopback;
    }
    match address.segments() {
        // Metadata services inside the private range: of AWS a whole network, then those of Google, Oracle, Scaleway,
        // Linode and Alibaba.
        [0xfd00, 0xec2, ..]
        | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]
        | [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe]
        | [0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42]
        | [0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1]
        | [0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200] => Place::LinkLocal,
        [0xfc00..=0xfdff, ..] => Place::Private,
        [0xfe80..=0xfebf, ..] => Place::LinkLocal,
        // Protocol assignments (Teredo among them), documentation.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => Place::Reserved,
        [0x2000..=0x3fff, ..] => Place::Public,
        _ => Place::Reserved,
    }
}

/// The IPv4 address that an IPv6 address stands for.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        // Compatible (::a.b.c.d, and :: itself), mapped (::ffff:a.b.c.d), translated (::ffff:0:a.b.c.d).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => v4(high, low),
        // NAT64 (64:ff9b::a.b.c.d).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        // 6to4 (2002:a.b:c.d::).
        [0x2002, high, low, ..] => v4(high, low),
        // ISATAP (…:0:5efe:a.b.c.d).
        [.., 0 | 0x200, 0x5efe, high, low] => v4(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Place {
        place(text.parse().unwrap_or_else(|_| panic!("{text} is an address")))
    }

    #[test]
    fn every_special_place_is_known() {
        let cases = [
            (Place::Loopback, &["127.0.0.1", "127.255.255.254", "::1"][..]),
            (Place::Private, &["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"]),
            (Place::Private, &["100.64.0.1", "100.127.255.255", "fc00::1", "fd12:3456::1"]),
            (Place::LinkLocal, &["169.254.169.254", "169.254.0.1", "fe80::1", "febf::1", "fd00:ec2::254"]),
            (Place::LinkLocal, &["168.63.129.16", "100.100.100.200", "192.0.0.192"]),
            (Place::LinkLocal, &["fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42", "fd00:a9fe:a9fe::1"]),
            (Place::LinkLocal, &["fd00:100::100:200"]),
            (Place::Reserved, &["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.1.1", "240.0.0.1"]),
            (Place::Reserved, &["255.255.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1"]),
            (Place::Reserved, &["198.51.100.1", "203.0.113.1", "::", "ff02::1", "fec0::1", "2001:db8::1"]),
            (Place::Reserved, &["2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "3fff::1", "100::1"]),
            (Place::Reserved, &["64:ff9b:1::a9fe:a9fe", "5f00::1", "4000::1"]),
        ];
        for (place, texts) in cases {
            for text in texts {
                assert_eq!(of(text), place, "{text}");
            }
        }
    }

    #[test]
    fn an_address_in_an_address_is_judged_by_what_it_carries() {
        for carrier in
            ["::ffff:{}", "::ffff:0:{}", "::{}", "64:ff9b::{}", "2a00::5efe:{}", "2a00::200:5efe:{}"]
        {
            assert_eq!(of(&carrier.replace("{}", "169.254.169.254")), Place::LinkLocal, "{carrier}");
            assert_eq!(of(&carrier.replace("{}", "127.0.0.2")), Place::Loopback, "{carrier}");
            assert_eq!(of(&carrier.replace("{}", "10.1.2.3")), Place::Private, "{carrier}");
            assert_eq!(of(&carrier.replace("{}", "8.8.8.8")), Place::Public, "{carrier}");
        }
        assert_eq!(of("2002:a9fe:a9fe::1"), Place::LinkLocal);
        assert_eq!(of("2002:7f00:1::"), Place::Loopback);
    }

    #[test]
    fn the_internet_is_public() {
        for text in
            ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "11.0.0.1"]
        {
            assert_eq!(of(text), Place::Public, "{text}");
        }
        for text in ["2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2001:200::1"] {
            assert_eq!(of(text), Place::Public, "{text}");
        }
    }
}
