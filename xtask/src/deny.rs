//! `cargo deny`: installed when it is missing, advisories only where their database can be had.

use anyhow::Result;

use crate::process::{cargo, execute};

/// The version that deny.toml was written for.
const VERSION: &str = "0.20.2";

pub(crate) fn run() -> Result<()> {
    if !installed() {
        println!("installing cargo-deny {VERSION} (once, some minutes)");
        // A debug build checks this workspace in seconds and builds in half the time.
        run_quietly(&["install", "cargo-deny", "--version", VERSION, "--locked", "--debug", "--quiet"])?;
    }
    run_quietly(&["deny", "--all-features", "--log-level", "error", "check", "bans", "licenses", "sources"])?;
    advisories()
}

fn installed() -> bool {
    let asked = cargo(["deny", "--version"]).output();
    asked.is_ok_and(|output| output.status.success() && String::from_utf8_lossy(&output.stdout).contains(VERSION))
}

/// Fails on advisories; says so, and passes, where the database cannot be fetched.
fn advisories() -> Result<()> {
    let fetched = cargo(["deny", "--log-level", "error", "fetch", "db"]).output()?;
    if fetched.status.success() {
        return run_quietly(&["deny", "--all-features", "--log-level", "error", "check", "advisories"]);
    }
    println!("advisories skipped: their database cannot be had here");
    Ok(())
}

fn run_quietly(arguments: &[&str]) -> Result<()> {
    execute(&mut cargo(arguments))
}
