//! The hosts file, hosts(5).

use std::net::IpAddr;

/// How many addresses of one name are taken.
const MAX_ADDRESSES: usize = 16;

/// The addresses the text lists for a name, in its order.
pub(super) fn addresses(text: &str, host: &str) -> Vec<IpAddr> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let listed = |line: &str| {
        let line = line.split('#').next()?;
        let mut words = line.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words
            .any(|name| name.eq_ignore_ascii_case(host))
            .then_some(address)
    };
    text.lines()
        .filter_map(listed)
        .take(MAX_ADDRESSES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_with_the_name_counts() {
        let text = "# x\n192.0.2.1 a.example A # b\nbroken a\n2001:db8::1\ta\n192.0.2.2 b #a\n";
        let found = addresses(text, "a");
        assert_eq!(found.len(), 2);
        assert!(found[0].is_ipv4() && found[1].is_ipv6());
        assert_eq!(addresses(text, "A.Example.").len(), 1);
        assert!(addresses(text, "192.0.2.1").is_empty());
    }
}
