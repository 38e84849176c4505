//! The formats of documents, and how an encrypted one is known.

/// The largest document that is read, as in Flux.
pub const MAX_DOCUMENT: usize = 5 << 20;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// YAML, one or more documents.
    Yaml,
    /// JSON with an object at the top.
    Json,
    /// Lines of `name=value`.
    Dotenv,
    /// Sections of `name = value`.
    Ini,
    /// Anything else: the encrypted form is JSON with the whole content below `data`.
    Binary,
}

impl Format {
    /// The format that the name of a file, or of a key in a Secret's data, says; what has no known ending is binary.
    pub fn of_path(path: &str) -> Self {
        // SOPS looks at the end of the whole name, so that a file called `.env` or `x.secret.yaml` has its format.
        let ends = |ending: &str| path.ends_with(ending);
        if ends(".yaml") || ends(".yml") {
            Self::Yaml
        } else if ends(".json") || ends(".dockerconfigjson") {
            Self::Json
        } else if ends(".env") {
            Self::Dotenv
        } else if ends(".ini") {
            Self::Ini
        } else {
            Self::Binary
        }
    }

    /// The format by SOPS's name for it.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "yaml" => Self::Yaml,
            "json" => Self::Json,
            "dotenv" => Self::Dotenv,
            "ini" => Self::Ini,
            "binary" => Self::Binary,
            _ => return None,
        })
    }

    /// SOPS's name of the format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Dotenv => "dotenv",
            Self::Ini => "ini",
            Self::Binary => "binary",
        }
    }

    /// The bytes that stand in every encrypted document of the format.
    pub fn marker(self) -> &'static [u8] {
        match self {
            Self::Yaml => b"mac: ENC[",
            Self::Json | Self::Binary => b"\"mac\": \"ENC[",
            Self::Dotenv => b"sops_mac=ENC[",
            Self::Ini => b"[sops]",
        }
    }

    /// The format whose marker stands in `data`, whatever its name.
    pub fn detect(data: &[u8]) -> Option<Self> {
        // The order is Flux's: binary documents are JSON too and come last.
        [Self::Yaml, Self::Json, Self::Dotenv, Self::Ini].into_iter().find(|format| format.is_encrypted(data))
    }

    /// Whether `data` has the marker of an encrypted document of this format.
    pub fn is_encrypted(self, data: &[u8]) -> bool {
        let marker = self.marker();
        data.windows(marker.len()).any(|window| window == marker)
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn names_say_the_format() {
        for (path, format) in [
            ("a/b.yaml", Format::Yaml),
            ("b.yml", Format::Yaml),
            ("b.json", Format::Json),
            (".env", Format::Dotenv),
            ("prod.env", Format::Dotenv),
            ("b.ini", Format::Ini),
            ("b.txt", Format::Binary),
            (".dockerconfigjson", Format::Json),
            ("yaml", Format::Binary),
        ] {
            assert_eq!(Format::of_path(path), format, "{path}");
        }
    }

    #[test]
    fn markers_tell_encrypted_documents() {
        assert_eq!(Format::detect(b"a: b\nsops:\n    mac: ENC[AES"), Some(Format::Yaml));
        assert_eq!(Format::detect(b"{\"sops\": {\"mac\": \"ENC[AES\"}}"), Some(Format::Json));
        assert_eq!(Format::detect(b"a=b\nsops_mac=ENC[AES"), Some(Format::Dotenv));
        assert_eq!(Format::detect(b"[a]\nb = c\n[sops]\nmac = ENC["), Some(Format::Ini));
        assert_eq!(Format::detect(b"mac: x"), None);
    }
}
