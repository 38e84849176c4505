use std::sync::{Arc, Mutex};

use super::*;

fn lines(level: Level, encoding: Encoding, work: impl FnOnce()) -> Vec<String> {
    let written = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&written);
    let write = move |line: &str| sink.lock().unwrap().push(line.to_owned());
    let subscriber = tracing_subscriber::registry().with(Lines { level, encoding, write });
    tracing::subscriber::with_default(subscriber, work);
    std::mem::take(&mut *written.lock().unwrap())
}

fn one_run() {
    let span = tracing::error_span!(
        "run",
        controller = "kustomization",
        controllerGroup = "kustomize.toolkit.fluxcd.io",
        controllerKind = "Kustomization",
        namespace = "flux-system",
        name = "apps",
        reconcileID = "r-1",
    );
    span.in_scope(|| tracing::error!(error = "build failed", revision = "main@sha1:ab", "Reconciler error"));
}

#[test]
fn a_line_has_upstreams_keys_in_upstreams_order() {
    let line = lines(Level::Info, Encoding::Json, one_run).remove(0);
    let (start, rest) = line.split_once("\"ts\":\"").unwrap();
    let (time, rest) = rest.split_once('"').unwrap();
    assert_eq!(start, "{\"level\":\"error\",");
    assert!(time.parse::<Timestamp>().is_ok() && time.len() == "2026-01-02T03:04:05.678Z".len(), "{time}");
    let expected = concat!(
        ",\"msg\":\"Reconciler error\",\"controller\":\"kustomization\",",
        "\"controllerGroup\":\"kustomize.toolkit.fluxcd.io\",\"controllerKind\":\"Kustomization\",",
        "\"Kustomization\":{\"name\":\"apps\",\"namespace\":\"flux-system\"},",
        "\"namespace\":\"flux-system\",\"name\":\"apps\",\"reconcileID\":\"r-1\",",
        "\"error\":\"build failed\",\"revision\":\"main@sha1:ab\"}\n",
    );
    assert_eq!(rest, expected);
}

#[test]
fn a_console_line_starts_with_time_level_and_message() {
    let line = lines(Level::Info, Encoding::Console, || tracing::info!(revision = "a", "done")).remove(0);
    let (_, rest) = line.split_once('\t').unwrap();
    assert_eq!(rest, "INFO\tdone\t{\"revision\":\"a\"}\n");
}

#[test]
fn levels_hide_what_lies_below_them_and_libraries_say_only_warnings() {
    let all = || {
        tracing::error!("1");
        tracing::info!("2");
        tracing::debug!("3");
        tracing::trace!("4");
        tracing::info!(target: "kube_client::client", "5");
        tracing::warn!(target: "kube_client::client", "6");
    };
    for (level, count) in [(Level::Error, 1), (Level::Info, 3), (Level::Debug, 4), (Level::Trace, 6)] {
        assert_eq!(lines(level, Encoding::Json, all).len(), count, "{level:?}");
    }
}
