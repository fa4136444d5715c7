//! Networks that the operator of a host lets names lead to.
//!
//! Whoever publishes a task writes its grants, and may be the one who keeps the records of the names in them: a grant
//! for a name says nothing about where it leads. So a name leads to public addresses only, and to what the operator
//! opened.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use model::error::Invalid;

use super::addresses::{Place, place, reached};

/// The shortest prefix under which IPv6 addresses carry IPv4 ones, that of 6to4.
const CARRIER_PREFIX_MIN: u8 = 16;

/// A network that names may lead to: `10.20.0.0/16`, `fd12:3456::/48`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl FromStr for Network {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refuse = |why: String| Invalid::new("allow-network", format!("{text:?} {why}"));
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text
                .parse::<IpNet>()
                .map_err(|_| refuse("is not a network such as 10.20.0.0/16 or fd12:3456::/48".to_owned()))?,
        };
        let (first, last) = (network.network(), network.broadcast());
        if network.addr() != first {
            let meant = network.trunc();
            return Err(refuse(format!("has bits beyond its prefix: {meant}, or {}?", network.addr())));
        }
        // No two of these places lie in one network whose ends they are, so the ends speak for what is between them.
        if place(first) == Place::LinkLocal && place(last) == Place::LinkLocal {
            return Err(refuse(
                "is link-local or a cloud's metadata service: no name may lead there".to_owned(),
            ));
        }
        if first.is_ipv6() && network.prefix_len() >= CARRIER_PREFIX_MIN && reached(first).is_ipv4() {
            return Err(refuse("stands for IPv4 addresses: write their network".to_owned()));
        }
        Ok(Self(network))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a name may lead to `address`. Link-local addresses and the clouds' own stay closed, also inside an open
/// network.
pub(crate) fn open(networks: &[Network], address: IpAddr) -> bool {
    match place(address) {
        Place::Public => true,
        Place::LinkLocal => false,
        Place::Loopback | Place::Private | Place::Reserved => {
            networks.iter().any(|Network(network)| network.contains(&reached(address)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    fn opens(networks: &[&str], address: &str) -> bool {
        let networks: Vec<Network> = networks.iter().map(|text| network(text)).collect();
        open(&networks, address.parse().expect("an address"))
    }

    #[test]
    fn names_lead_to_public_addresses_and_into_open_networks() {
        for address in ["8.8.8.8", "2606:4700::1111"] {
            assert!(opens(&[], address), "{address}");
        }
        for address in ["10.0.0.1", "127.0.0.1", "::1", "100.64.0.1", "fc00::1", "198.18.0.1", "0.0.0.0"] {
            assert!(!opens(&[], address), "{address}");
            assert!(opens(&["192.168.0.0/16", address], address), "{address}");
            assert!(!opens(&["192.168.0.0/16", "fd12::/32"], address), "{address}");
        }
        assert!(opens(&["10.20.0.0/16"], "10.20.255.255") && !opens(&["10.20.0.0/16"], "10.21.0.0"));
        assert!(opens(&["fd12:3456::/48"], "fd12:3456::1") && !opens(&["fd12:3456::/48"], "fd12:3457::1"));
    }

    #[test]
    fn an_address_in_an_address_is_in_the_network_of_what_it_carries() {
        for address in ["::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::1"] {
            assert!(opens(&["10.0.0.0/8"], address), "{address}");
            assert!(!opens(&["::/0"], address), "{address}");
        }
    }

    #[test]
    fn metadata_and_link_local_addresses_stay_closed_in_the_widest_network() {
        for address in [
            "169.254.169.254",
            "169.254.1.1",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
        ] {
            let wide = ["0.0.0.0/0", "::/0", "100.64.0.0/10", "fc00::/7", "168.63.128.0/17", "192.0.0.0/24"];
            assert!(!opens(&wide, address), "{address}");
        }
        assert!(opens(&["100.64.0.0/10"], "100.100.100.201"));
    }

    #[test]
    fn what_opens_nothing_or_too_much_is_refused_with_the_reason() {
        let cases = [
            ("10.0.0.0/33", "is not a network such as 10.20.0.0/16"),
            ("intranet", "is not a network such as"),
            ("", "is not a network such as"),
            ("10.0.0.5/8", "has bits beyond its prefix: 10.0.0.0/8, or 10.0.0.5?"),
            ("169.254.0.0/16", "no name may lead there"),
            ("169.254.169.254", "no name may lead there"),
            ("169.254.169.254/32", "no name may lead there"),
            ("fe80::/10", "no name may lead there"),
            ("fe80::/64", "no name may lead there"),
            ("fd00:ec2::254", "no name may lead there"),
            ("168.63.129.16/32", "no name may lead there"),
            ("100.100.100.200/32", "no name may lead there"),
            ("::ffff:169.254.0.0/112", "no name may lead there"),
            ("::ffff:10.0.0.0/104", "stands for IPv4 addresses"),
            ("64:ff9b::/96", "stands for IPv4 addresses"),
        ];

        for (text, expected) in cases {
            let refusal = text.parse::<Network>().expect_err(text).to_string();
            assert!(refusal.starts_with("allow-network: ") && refusal.contains(expected), "{refusal}");
        }
        for text in ["10.0.0.5", "10.0.0.5/32", "127.0.0.0/8", "::1", "0.0.0.0/0", "::/0", "fd00::/8"] {
            assert!(network(text).to_string().starts_with(text), "{text}");
        }
    }
}
