//! URLs fit for messages.

use url::Url;

/// The URL without its password, query and fragment, which may hold secrets: `https://user:***@host/path`.
pub fn mask_url(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() {
        // Cannot fail where a password was.
        let _ = shown.set_password(Some("***"));
    }
    shown.set_query(None);
    shown.set_fragment(None);
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_queries_and_fragments_stay_out_of_messages() {
        let check = |url: &str, expected: &str| assert_eq!(mask_url(&Url::parse(url).unwrap()), expected);
        check("https://user:secret@example.com/a?token=secret#secret", "https://user:***@example.com/a");
        check("https://user@example.com/a", "https://user@example.com/a");
        check("http://example.com:8080/a/b.tar.gz", "http://example.com:8080/a/b.tar.gz");
    }
}
