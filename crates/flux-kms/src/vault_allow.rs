//! Which Vault servers may be asked at all.

/// The servers that documents may name. All of them where nothing else is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VaultAllowList {
    /// Any server.
    #[default]
    All,
    /// Those whose address begins like one of these, which end with a slash.
    Only(Vec<String>),
}

/// A list of servers with an empty entry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {position} of the list of Vault servers is empty")]
pub struct VaultAllowListError {
    /// Counted from 1.
    position: usize,
}

impl VaultAllowList {
    /// Reads `SOPS_HC_VAULT_ALLOWLIST`: `all`, `none`, or addresses with commas in between.
    pub fn parse(text: &str) -> Result<Self, VaultAllowListError> {
        match text {
            "" | "all" => return Ok(Self::All),
            "none" => return Ok(Self::Only(Vec::new())),
            _ => {}
        }
        let entry = |(index, entry): (usize, &str)| match entry.trim_matches(' ') {
            "" => Err(VaultAllowListError { position: index + 1 }),
            address => Ok(with_slash(address)),
        };
        text.split(',').enumerate().map(entry).collect::<Result<_, _>>().map(Self::Only)
    }

    /// Whether the server at `address` may be asked.
    pub fn allows(&self, address: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(prefixes) => prefixes.iter().any(|prefix| with_slash(address).starts_with(prefix)),
        }
    }
}

fn with_slash(address: &str) -> String {
    if address.ends_with('/') { address.to_owned() } else { format!("{address}/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_on_the_list_may_be_asked() {
        let check = |list: &str, address: &str, expected: bool| {
            assert_eq!(VaultAllowList::parse(list).unwrap().allows(address), expected, "{list} {address}");
        };
        check("", "https://vault", true);
        check("all", "https://vault", true);
        check("none", "https://vault", false);
        check("https://a, https://vault:8200", "https://vault:8200", true);
        check("https://a, https://vault:8200", "https://vault:8200/", true);
        check("https://a, https://vault:8200", "https://vault:82001", false);
        check("https://vault", "https://vault.evil.example", false);
        assert_eq!(
            VaultAllowList::parse("https://a,,").unwrap_err().to_string(),
            "entry 2 of the list of Vault servers is empty"
        );
    }
}
