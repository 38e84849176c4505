//! Sprig's functions, as Helm offers them.

use crate::function::Functions;

/// Adds sprig's functions to the table.
pub fn add_to(functions: &mut Functions) {
    let _ = functions;
}
