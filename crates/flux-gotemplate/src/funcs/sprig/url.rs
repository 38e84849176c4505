//! URLs as Go's net/url reads and writes them.

use std::net::IpAddr;

use crate::strconv::quote;

/// Why a text is no URL, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parse {url}: {fault}")]
pub(super) struct UrlError {
    /// The text, quoted.
    url: String,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("net/url: invalid control character in URL")]
    Control,
    #[error("missing protocol scheme")]
    MissingScheme,
    #[error("first path segment in URL cannot contain colon")]
    Colon,
    #[error("net/url: invalid userinfo")]
    UserInfo,
    #[error("invalid IP-literal")]
    Literal,
    #[error("missing ']' in host")]
    Bracket,
    #[error("invalid port {0} after host")]
    Port(String),
    #[error("invalid host: ParseAddr({0}): unable to parse IP")]
    Address(String),
    #[error("invalid URL escape {0}")]
    Escape(String),
    #[error("invalid character {0} in host name")]
    HostCharacter(String),
}

/// The scheme and the host with its port of a URL as Go's net/url reads it; nothing for what that refuses.
pub fn url_scheme_and_host(text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    Url::parse(text).ok().map(|url| (url.scheme, url.host))
}

/// The name and password before a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserInfo {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

/// The parts of a URL, unescaped but for the query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: Vec<u8>,
    pub(super) opaque: Vec<u8>,
    pub(super) user: Option<UserInfo>,
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) query: Vec<u8>,
    pub(super) fragment: Vec<u8>,
}

/// The part of a URL that a text is in; it decides what is escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    User,
    Host,
    Zone,
    Fragment,
}

impl Url {
    pub(super) fn parse(text: &[u8]) -> Result<Self, UrlError> {
        let (whole, fragment) = cut(text, b'#').unwrap_or((text, &[]));
        let failed = |text: &[u8]| {
            let url = crate::value::to_text(&quote(text)).into_owned();
            move |fault| UrlError { url, fault }
        };
        let mut url = Self::parse_without_fragment(whole).map_err(failed(whole))?;
        url.fragment = unescape(fragment, Part::Fragment).map_err(failed(text))?;
        Ok(url)
    }

    fn parse_without_fragment(text: &[u8]) -> Result<Self, Fault> {
        if text.iter().any(u8::is_ascii_control) {
            return Err(Fault::Control);
        }
        let (scheme, rest) = scheme(text)?;
        let (mut rest, query) = cut(rest, b'?').unwrap_or((rest, &[]));
        let mut url = Self { scheme: scheme.to_ascii_lowercase(), query: query.to_vec(), ..Self::default() };
        let has_scheme = !scheme.is_empty();
        if !rest.starts_with(b"/") {
            if has_scheme {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            let segment = cut(rest, b'/').map_or(rest, |(segment, _)| segment);
            if segment.contains(&b':') {
                return Err(Fault::Colon);
            }
        }
        if let Some(authority) = rest.strip_prefix(b"//").filter(|_| has_scheme || !rest.starts_with(b"///")) {
            let end = authority.iter().position(|byte| *byte == b'/').unwrap_or(authority.len());
            url.set_authority(&authority[..end])?;
            rest = &authority[end..];
        }
        url.path = unescape(rest, Part::Path)?;
        Ok(url)
    }

    fn set_authority(&mut self, authority: &[u8]) -> Result<(), Fault> {
        let at = authority.iter().rposition(|byte| *byte == b'@');
        self.host = host(&self.scheme, &authority[at.map_or(0, |at| at + 1)..])?;
        let Some(at) = at else { return Ok(()) };
        let info = &authority[..at];
        if !info.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte)) {
            return Err(Fault::UserInfo);
        }
        let (name, password) = cut(info, b':').map_or((info, None), |(name, password)| (name, Some(password)));
        let password = password.map(|password| unescape(password, Part::User)).transpose()?;
        self.user = Some(UserInfo { name: unescape(name, Part::User)?, password });
        Ok(())
    }

    /// The URL as text.
    pub(super) fn text(&self) -> Vec<u8> {
        let Self { scheme, opaque, user, host, path, query, fragment } = self;
        let mut out = Vec::new();
        if !scheme.is_empty() {
            out.extend_from_slice(scheme);
            out.push(b':');
        }
        if opaque.is_empty() {
            let has_authority = !host.is_empty() || user.is_some();
            if has_authority || !scheme.is_empty() && !path.is_empty() {
                out.extend_from_slice(b"//");
            }
            if let Some(user) = user {
                out.extend(user.text());
                out.push(b'@');
            }
            out.extend(escape(host, Part::Host));
            let path = if path == b"*" { path.clone() } else { escape(path, Part::Path) };
            if !path.is_empty() && !path.starts_with(b"/") && !host.is_empty() {
                out.push(b'/');
            }
            if out.is_empty() && cut(&path, b'/').map_or(&*path, |(segment, _)| segment).contains(&b':') {
                out.extend_from_slice(b"./");
            }
            out.extend(path);
        } else {
            out.extend_from_slice(opaque);
        }
        if !query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(query);
        }
        if !fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(fragment, Part::Fragment));
        }
        out
    }
}

impl UserInfo {
    /// The name, and the password behind a colon, escaped.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = escape(&self.name, Part::User);
        if let Some(password) = &self.password {
            text.push(b':');
            text.extend(escape(password, Part::User));
        }
        text
    }
}

/// A host without its port and without brackets.
pub(super) fn hostname(host: &[u8]) -> &[u8] {
    let colon = host.iter().rposition(|byte| *byte == b':').filter(|colon| is_port(&host[*colon..]));
    let name = &host[..colon.unwrap_or(host.len())];
    name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]")).unwrap_or(name)
}

fn cut(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == at)?;
    Some((&text[..at], &text[at + 1..]))
}

/// The scheme, which may be empty, and what follows its colon.
fn scheme(text: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b':' if at == 0 => return Err(Fault::MissingScheme),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            byte if byte.is_ascii_alphabetic() => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            _ => break,
        }
    }
    Ok((&[], text))
}

/// Nothing, or a colon and digits.
fn is_port(text: &[u8]) -> bool {
    text.is_empty() || text.strip_prefix(b":").is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

fn checked_port(text: &[u8]) -> Result<(), Fault> {
    if is_port(text) { Ok(()) } else { Err(Fault::Port(quoted(text))) }
}

fn quoted(text: &[u8]) -> String {
    crate::value::to_text(&quote(text)).into_owned()
}

/// A host with its port, unescaped.
fn host(scheme: &[u8], text: &[u8]) -> Result<Vec<u8>, Fault> {
    match text.iter().rposition(|byte| *byte == b'[') {
        Some(0) => {
            let end = text.iter().rposition(|byte| *byte == b']').ok_or(Fault::Bracket)?;
            checked_port(&text[end + 1..])?;
            let port = unescape(&text[end + 1..], Part::Host)?;
            let address = address(&text[1..end])?;
            Ok([b"[", &*address, b"]", &port].concat())
        }
        Some(_) => Err(Fault::Literal),
        None => {
            let mut colons = text.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(at, _)| at);
            // Web addresses have one colon at most.
            let colon = if matches!(scheme, b"http" | b"https") { colons.next() } else { colons.next_back() };
            checked_port(&text[colon.unwrap_or(text.len())..])?;
            unescape(text, Part::Host)
        }
    }
}

/// An IPv6 address with its zone, unescaped.
fn address(text: &[u8]) -> Result<Vec<u8>, Fault> {
    let zone = text.windows(3).position(|window| window == b"%25").unwrap_or(text.len());
    let address = unescape(&text[..zone], Part::Host)?;
    let whole = [&*address, &unescape(&text[zone..], Part::Zone)?].concat();
    match String::from_utf8_lossy(&address).parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => Ok(whole),
        Ok(IpAddr::V4(_)) => Err(Fault::Literal),
        Err(_) => Err(Fault::Address(quoted(&whole))),
    }
}

/// Whether a byte is written as an escape in a part.
fn is_escaped(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return false;
    }
    let plain: &[u8] = match part {
        Part::Path => b"$&+,/:;=@",
        Part::User => b"$&+,;=",
        Part::Host | Part::Zone => b"!$&'()*+,;=:[]<>\"",
        Part::Fragment => b"$&+,/:;=?@!()*",
    };
    !plain.contains(&byte)
}

fn escape(text: &[u8], part: Part) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if is_escaped(*byte, part) {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            out.push(*byte);
        }
    }
    out
}

fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    while let Some(byte) = text.get(at) {
        if *byte != b'%' {
            if matches!(part, Part::Host | Part::Zone) && byte.is_ascii() && is_escaped(*byte, part) {
                return Err(Fault::HostCharacter(quoted(&[*byte])));
            }
            out.push(*byte);
            at += 1;
            continue;
        }
        let escape = &text[at..text.len().min(at + 3)];
        let fault = || Fault::Escape(quoted(escape));
        let value = digit(escape.get(1)).zip(digit(escape.get(2))).map(|(high, low)| high * 16 + low);
        let value = value.and_then(|value| u8::try_from(value).ok()).ok_or_else(fault)?;
        let forbidden = match part {
            Part::Host => value.is_ascii() && escape != b"%25",
            Part::Zone => escape != b"%25" && value != b' ' && is_escaped(value, Part::Host),
            Part::Path | Part::User | Part::Fragment => false,
        };
        if forbidden {
            return Err(fault());
        }
        out.push(value);
        at += 3;
    }
    Ok(out)
}
