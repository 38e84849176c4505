//! Types and kinds by name.

use super::Table;
use crate::function::Signature;
use crate::value::Type;

const NAME: Signature = Signature::fixed(&[Type::Any], Type::Str);
const TEST: Signature = Signature::fixed(&[Type::Str, Type::Any], Type::Bool);

pub(super) const TABLE: Table = &[
    ("typeOf", NAME, |_, args| Ok(args.get(0).type_name().into_owned().into())),
    ("kindOf", NAME, |_, args| Ok(args.get(0).kind().name().into())),
    ("typeIs", TEST, |_, args| Ok((args.bytes(0) == args.get(1).type_name().as_bytes()).into())),
    ("kindIs", TEST, |_, args| Ok((args.bytes(0) == args.get(1).kind().name().as_bytes()).into())),
    ("typeIsLike", TEST, |_, args| {
        let name = args.get(1).type_name();
        let pointed_to = name.strip_prefix('*').unwrap_or(&name);
        Ok((args.bytes(0) == name.as_bytes() || args.bytes(0) == pointed_to.as_bytes()).into())
    }),
];
