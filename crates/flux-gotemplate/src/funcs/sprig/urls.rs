//! URLs as maps of their parts.

use super::Table;
use super::url::{Url, UserInfo};
use crate::call::Call;
use crate::error::FuncError;
use crate::function::{Args, Signature};
use crate::value::{GoStr, Kind, Map, Type, Value};

pub(super) const TABLE: Table = &[
    ("urlParse", Signature::fixed(&[Type::Str], Type::MAP), parse),
    ("urlJoin", Signature::fixed(&[Type::MAP], Type::Str), join),
];

fn parse(_: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let url = Url::parse(args.bytes(0)).map_err(|fault| FuncError::new(format!("unable to parse url: {fault}")))?;
    let user = url.user.as_ref().map(UserInfo::text).unwrap_or_default();
    let host = url.host.clone();
    let parts = [
        ("scheme", url.scheme),
        ("hostname", super::url::hostname(&host).to_vec()),
        ("host", host),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", user),
    ];
    Ok(parts.into_iter().map(|(name, part)| (GoStr::from(name), Value::str(part))).collect::<Map>().into())
}

fn join(_: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let map = args.map(0);
    let part = |name: &str| match map.get(name.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(text.as_bytes().to_vec()),
        Some(other) => match other.kind() {
            Kind::Invalid => Err(FuncError::new(super::text::NIL_DEREFERENCE)),
            kind => {
                Err(FuncError::new(format!("unable to parse {name} key, must be of type string, but {kind} found")))
            }
        },
    };
    let (scheme, host, path) = (part("scheme")?, part("host")?, part("path")?);
    let (query, opaque, fragment) = (part("query")?, part("opaque")?, part("fragment")?);
    let userinfo = part("userinfo")?;
    let user = if userinfo.is_empty() {
        None
    } else {
        let whole = [b"proto://", &*userinfo, b"@host"].concat();
        let parsed = Url::parse(&whole);
        parsed.map_err(|fault| FuncError::new(format!("unable to parse userinfo in dict: {fault}")))?.user
    };
    Ok(Value::str(Url { scheme, opaque, user, host, path, query, fragment }.text()))
}
