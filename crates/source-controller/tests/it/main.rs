//! GitRepository against a real control plane, real Git servers and the controller as a process.

#[cfg(test)]
mod access;
#[cfg(test)]
mod content;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod includes;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod storage;
#[cfg(test)]
mod sync;
#[cfg(test)]
mod verification;
