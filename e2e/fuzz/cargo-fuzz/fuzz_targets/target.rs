//! The property that has this program's name.
#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

/// Found once: all programs are this one file.
static TARGET: OnceLock<flux_fuzz::Target> = OnceLock::new();

fuzz_target!(|input: &[u8]| {
    let target = TARGET.get_or_init(|| {
        let program = std::env::args().next().unwrap_or_default();
        let name = Path::new(&program).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        flux_fuzz::target(name).expect("the program is named like a target")
    });
    (target.run)(input);
});
