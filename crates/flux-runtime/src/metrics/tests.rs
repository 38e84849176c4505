use super::*;

struct Fixed(Vec<Vec<(&'static str, String)>>);

impl Resources for Fixed {
    fn labels(&self) -> Vec<Vec<(&'static str, String)>> {
        self.0.clone()
    }
}

fn has(metrics: &Metrics, line: &str) -> bool {
    metrics.text().lines().any(|known| known == line)
}

#[test]
fn a_finished_run_is_counted_under_upstreams_names() {
    let metrics = Metrics::new();
    let key = ObjectKey::new("flux-system", "apps");
    metrics.run_ended("Kustomization", &key, "error", Duration::from_millis(20));
    let object = "kind=\"Kustomization\",name=\"apps\",namespace=\"flux-system\"";
    let count = format!("gotk_reconcile_duration_seconds_count{{{object}}} 1");
    assert!(has(&metrics, &count));
    assert!(has(&metrics, "controller_runtime_reconcile_total{controller=\"kustomization\",result=\"error\"} 1"));
    assert!(has(&metrics, "controller_runtime_reconcile_errors_total{controller=\"kustomization\"} 1"));
    metrics.object_gone("Kustomization", &key);
    assert!(!has(&metrics, &count));
}

#[test]
fn the_queue_shows_its_depth_and_how_long_work_takes() {
    let metrics = Metrics::new();
    let queue = metrics.queue("GitRepository", 2);
    let (now, key) = (Instant::now(), ObjectKey::new("ns", "a"));
    queue.adds.inc();
    queue.depth.set(3);
    queue.started(&key, now, now);
    let labels = "controller=\"gitrepository\",name=\"gitrepository\"";
    for line in ["workqueue_depth{} 3", "workqueue_adds_total{} 1", "workqueue_queue_duration_seconds_count{} 1"] {
        assert!(has(&metrics, &line.replace("{}", &format!("{{{labels}}}"))), "{line}");
    }
    queue.ended(&key, now);
    assert!(has(&metrics, &format!("workqueue_work_duration_seconds_count{{{labels}}} 1")));
    assert!(has(&metrics, &format!("workqueue_unfinished_work_seconds{{{labels}}} 0")));
    assert!(has(&metrics, "controller_runtime_max_concurrent_reconciles{controller=\"gitrepository\"} 2"));
}

#[test]
fn each_object_has_one_info_series_with_its_labels_escaped() {
    let metrics = Metrics::new();
    let labels = vec![("customresource_kind", "GitRepository".to_owned()), ("url", "a\"b\\c".to_owned())];
    metrics.add_resources(Arc::new(Fixed(vec![labels])));
    assert!(has(&metrics, r#"gotk_resource_info{customresource_kind="GitRepository",url="a\"b\\c"} 1"#));
}

#[test]
fn the_process_and_the_buckets_are_those_that_dashboards_expect() {
    let metrics = Metrics::new();
    metrics.run_ended("Kustomization", &ObjectKey::new("ns", "a"), "success", Duration::ZERO);
    let text = metrics.text();
    for name in ["process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}");
    }
    let buckets = text.lines().filter(|line| line.starts_with("gotk_reconcile_duration_seconds_bucket")).count();
    assert_eq!(buckets, 11);
}
