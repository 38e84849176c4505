//! Semantic versions.

use flux_semver::{Constraint, Version};

use super::Table;
use crate::error::FuncError;
use crate::function::{Args, Function, Signature};
use crate::value::{GoStr, Object, Shape, Type, Value, downcast};

/// Go's type of a version.
const NAME: &str = "*semver.Version";

pub(super) const TABLE: Table = &[
    ("semver", Signature::fixed(&[Type::Str], Type::Object(NAME)), |_, args| {
        Version::parse(&args.text(0)).map(|version| Value::object(Semver(version))).map_err(failed)
    }),
    ("semverCompare", Signature::fixed(&[Type::Str, Type::Str], Type::Bool), |_, args| {
        let constraint = Constraint::parse(&args.text(0)).map_err(failed)?;
        Ok(constraint.matches(&Version::parse(&args.text(1)).map_err(failed)?).into())
    }),
];

#[expect(clippy::needless_pass_by_value, reason = "stands where errors are mapped")]
fn failed(fault: flux_semver::Error) -> FuncError {
    FuncError::new(fault.to_string())
}

/// A version as templates see it.
struct Semver(Version);

impl Object for Semver {
    fn type_name(&self) -> &'static str {
        NAME
    }

    fn shape(&self) -> Shape {
        Shape::Struct(Vec::new())
    }

    fn method(&self, name: &str) -> Option<Function> {
        let version = self.0.clone();
        if let Some((signature, operation)) = operation(name) {
            return Some(Function::closure(signature, move |_, args| operation(&version, args)));
        }
        let (result, value) = self.property(name)?;
        Some(Function::closure(Signature::fixed(&[], result), move |_, _| value.clone()))
    }

    fn text(&self) -> Option<GoStr> {
        Some(self.0.to_string().into())
    }

    fn serialized(&self) -> Option<Value> {
        Some(self.0.to_string().into())
    }
}

impl Semver {
    /// What a method without parameters gives.
    fn property(&self, name: &str) -> Option<(Type, Result<Value, FuncError>)> {
        let version = &self.0;
        let raised = |next: Option<Version>, what: &str| {
            let fault = || FuncError::new(format!("{what} version increment would overflow uint64"));
            (Type::Object("semver.Version"), next.map(|next| Value::object(Self(next))).ok_or_else(fault))
        };
        let number = |number: u64| (Type::Uint64, Ok(Value::Uint64(number)));
        let text = |text: &str| (Type::Str, Ok(text.into()));
        Some(match name {
            "Major" => number(version.major),
            "Minor" => number(version.minor),
            "Patch" => number(version.patch),
            "Prerelease" => text(&version.prerelease),
            "Metadata" => text(&version.metadata),
            "Original" => text(version.original()),
            "String" => text(&version.to_string()),
            "IncPatch" => raised(version.next_patch(), "patch"),
            "IncMinor" => raised(version.next_minor(), "minor"),
            "IncMajor" => raised(version.next_major(), "major"),
            _ => return None,
        })
    }
}

/// The body of a method with a parameter.
type Operation = fn(&Version, Args<'_>) -> Result<Value, FuncError>;

fn operation(name: &str) -> Option<(Signature, Operation)> {
    const TEST: Signature = Signature::fixed(&[Type::Object(NAME)], Type::Bool);
    const CHANGE: Signature = Signature::fixed(&[Type::Str], Type::Object("semver.Version"));
    Some(match name {
        "Compare" => (Signature::fixed(&[Type::Object(NAME)], Type::Int), |version, args| {
            Ok(Value::Int(version.cmp(other(args)?) as i64))
        }),
        "Equal" => (TEST, |version, args| Ok((version == other(args)?).into())),
        "LessThan" => (TEST, |version, args| Ok((version < other(args)?).into())),
        "LessThanEqual" => (TEST, |version, args| Ok((version <= other(args)?).into())),
        "GreaterThan" => (TEST, |version, args| Ok((version > other(args)?).into())),
        "GreaterThanEqual" => (TEST, |version, args| Ok((version >= other(args)?).into())),
        "SetPrerelease" => (CHANGE, |version, args| {
            version.with_prerelease(&args.text(0)).map(|next| Value::object(Semver(next))).map_err(failed)
        }),
        "SetMetadata" => (CHANGE, |version, args| {
            version.with_metadata(&args.text(0)).map(|next| Value::object(Semver(next))).map_err(failed)
        }),
        _ => return None,
    })
}

fn other(args: Args<'_>) -> Result<&Version, FuncError> {
    let version = match args.get(0) {
        Value::Object(object) => downcast::<Semver>(object).map(|other| &other.0),
        _ => None,
    };
    version.ok_or_else(|| FuncError::new(super::text::NIL_DEREFERENCE))
}
