//! kustomize build and the rewriting that Flux does around it.
