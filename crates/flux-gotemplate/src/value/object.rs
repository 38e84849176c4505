//! Values of the program that runs the templates.

use std::any::Any;
use std::sync::Arc;

use super::{GoStr, Value};
use crate::function::Function;

/// A value of the host's own: a Go struct, pointer, or named type with methods, as templates see it.
pub trait Object: Any + Send + Sync {
    /// The Go type, as `%T` prints it, for example `*common.Capabilities`.
    fn type_name(&self) -> &'static str;

    /// What the value is made of: its fields, or the plain value under its name.
    fn shape(&self) -> Shape;

    /// Whether it is a pointer to what [`Object::shape`] gives.
    fn is_pointer(&self) -> bool {
        self.type_name().starts_with('*')
    }

    /// The exported field of a struct; asked after methods.
    fn field(&self, name: &str) -> Option<Value> {
        match self.shape() {
            Shape::Struct(fields) => fields.into_iter().find(|(field, _)| *field == name).map(|(_, value)| value),
            Shape::Value(_) => None,
        }
    }

    /// The method of that name, bound to this value.
    fn method(&self, name: &str) -> Option<Function> {
        let _ = name;
        None
    }

    /// What the Go type's `String` or `Error` method gives, when it has one; fmt prints that.
    fn text(&self) -> Option<GoStr> {
        None
    }

    /// What the `String` method of a pointer to the value gives, when only the pointer has one: templates print that
    /// for a field, fmt does not.
    fn text_by_address(&self) -> Option<GoStr> {
        None
    }

    /// What JSON and YAML show in place of the fields, for types that say so themselves.
    fn serialized(&self) -> Option<Value> {
        None
    }

    /// Whether both are equal by Go's `==`; `None` when the type cannot be compared.
    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let _ = other;
        None
    }
}

/// What a host object is made of.
pub enum Shape {
    /// A struct with these exported fields, in order.
    Struct(Vec<(&'static str, Value)>),
    /// A named type over a plain value.
    Value(Value),
}

/// The object as the concrete type `T`.
pub fn downcast<T: Object>(object: &Arc<dyn Object>) -> Option<&T> {
    let any: &dyn Any = &**object;
    any.downcast_ref()
}
