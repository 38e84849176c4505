//! Variable substitution as fluxcd/pkg/envsubst does it.
