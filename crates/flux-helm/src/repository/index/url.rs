//! Where an archive is.

use ::url::Url;

/// Why an address could not be made out.
#[derive(Debug, thiserror::Error)]
#[error("failed to parse {text} as URL")]
pub struct UrlError {
    text: String,
    source: ::url::ParseError,
}

/// The address of an archive: as it is where it is absolute, else below that of the repository, whose query it keeps.
pub fn resolve_url(repository: &str, archive: &str) -> Result<String, UrlError> {
    let fault = |text: &str| {
        let text = text.to_owned();
        move |source| UrlError { text, source }
    };
    match Url::parse(archive) {
        Ok(_) => return Ok(archive.to_owned()),
        Err(::url::ParseError::RelativeUrlWithoutBase) => {}
        Err(source) => return Err(fault(archive)(source)),
    }
    let mut base = Url::parse(repository).map_err(fault(repository))?;
    let path = format!("{}/", base.path().strip_suffix('/').unwrap_or(base.path()));
    base.set_path(&path);
    let mut resolved = base.join(archive).map_err(fault(archive))?;
    resolved.set_query(base.query());
    Ok(resolved.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_found_below_their_repository() {
        let cases = [
            ("http://localhost:8123/charts", "nginx-0.2.0.tgz", "http://localhost:8123/charts/nginx-0.2.0.tgz"),
            ("http://localhost:8123/charts/", "a/nginx-0.2.0.tgz", "http://localhost:8123/charts/a/nginx-0.2.0.tgz"),
            ("http://localhost:8123", "https://charts.example/a.tgz", "https://charts.example/a.tgz"),
            ("http://localhost:8123/a?token=1", "b.tgz?x=2", "http://localhost:8123/a/b.tgz?token=1"),
            ("http://localhost:8123/charts", "/b.tgz", "http://localhost:8123/b.tgz"),
            ("http://localhost:8123/charts", "../b.tgz", "http://localhost:8123/b.tgz"),
        ];
        for (repository, archive, expected) in cases {
            assert_eq!(resolve_url(repository, archive).unwrap(), expected);
        }
        assert!(resolve_url("none", "a.tgz").is_err());
    }
}
