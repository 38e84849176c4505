//! What the operating system says about the process, under Prometheus' usual names.

use std::fmt::Write as _;

use prometheus::{Gauge, Opts, Registry};

/// Ticks of the kernel's clock in a second, on every architecture that Linux knows.
const TICKS: f64 = 100.0;

/// `process_start_time_seconds`, registered and set.
pub(super) fn start_time(registry: &Registry) {
    let help = "Start of the process in seconds since the epoch";
    let gauge = Gauge::with_opts(Opts::new("process_start_time_seconds", help)).expect(super::VALID);
    registry.register(Box::new(gauge.clone())).expect(super::VALID);
    #[expect(clippy::cast_precision_loss, reason = "the epoch's seconds fit")]
    gauge.set(k8s_openapi::jiff::Timestamp::now().as_second() as f64);
}

/// Appends what `/proc` says; nothing where there is none.
pub(super) fn write(text: &mut String) {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    let (stat, status, limits) = (read("stat"), read("status"), read("limits"));
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok().map(|value| value * 1024.0)
    };
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field = |index: usize| fields.get(index).and_then(|value| value.parse::<f64>().ok());
    let open = std::fs::read_dir("/proc/self/fd").map(Iterator::count).ok();
    let max = limits.lines().find(|line| line.starts_with("Max open files"));
    let max = max.and_then(|line| line.split_whitespace().nth(3)).and_then(|value| value.parse().ok());
    #[expect(clippy::cast_precision_loss, reason = "far fewer files are open than a float counts")]
    let open = open.map(|open| open as f64);
    for (name, kind, help, value) in [
        (
            "process_cpu_seconds_total",
            "counter",
            "Time on processors, in seconds",
            field(11).zip(field(12)).map(|(user, system)| (user + system) / TICKS),
        ),
        ("process_resident_memory_bytes", "gauge", "Resident memory", kib("VmRSS:")),
        ("process_virtual_memory_bytes", "gauge", "Virtual memory", kib("VmSize:")),
        ("process_open_fds", "gauge", "Open files", open),
        ("process_max_fds", "gauge", "Files that may be open", max),
        ("process_threads", "gauge", "Threads", kib("Threads:").map(|threads| threads / 1024.0)),
    ] {
        if let Some(value) = value {
            let _infallible = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
    }
}
