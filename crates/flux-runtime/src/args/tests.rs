use super::*;

#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    shared: SharedArgs,
    #[command(flatten)]
    jitter: JitterArgs,
    #[command(flatten)]
    access: AccessArgs,
}

fn read(line: &str) -> Result<Args, String> {
    let line = std::iter::once("controller").chain(line.split_whitespace()).map(OsString::from);
    parse_from("controller", |command| command, line).map_err(|err| err.to_string())
}

#[test]
fn defaults_are_upstreams() {
    let args = read("").unwrap();
    let SharedArgs { servers, election, schedule, api, watch, features, .. } = args.shared;
    assert_eq!((servers.metrics_addr.as_str(), servers.health_addr.as_str()), (":8080", ":9440"));
    assert!(!election.enable_leader_election && election.leader_election_release_on_cancel);
    let lease = [
        election.leader_election_lease_duration,
        election.leader_election_renew_deadline,
        election.leader_election_retry_period,
    ];
    assert_eq!(lease.map(|duration| duration.as_secs()), [35, 30, 5]);
    assert_eq!((schedule.concurrent, schedule.min_retry_delay.as_millis()), (4, 750));
    assert_eq!(schedule.max_retry_delay.as_secs(), 900);
    assert_eq!((api.kube_api_qps, api.kube_api_burst), (50.0, 300));
    assert!(watch.watch_all_namespaces && watch.watch_label_selector.is_empty());
    assert!(features.feature_gates.is_empty() && !args.access.no_cross_namespace_refs);
    assert_eq!(args.jitter.interval_jitter_percentage, 5);
}

#[test]
fn flags_are_given_in_both_of_gos_forms() {
    let line = "--metrics-addr :1 --health-addr=:2 --enable-leader-election --no-cross-namespace-refs=true \
                --watch-all-namespaces=false --log-level=debug --log-encoding console --max-retry-delay=1m30s";
    let args = read(line).unwrap();
    assert_eq!((args.shared.servers.metrics_addr.as_str(), args.shared.servers.health_addr.as_str()), (":1", ":2"));
    assert!(args.shared.election.enable_leader_election && args.access.no_cross_namespace_refs);
    assert!(!args.shared.watch.watch_all_namespaces);
    assert_eq!((args.shared.log.log_level, args.shared.log.log_encoding), (Level::Debug, Encoding::Console));
    assert_eq!(args.shared.schedule.max_retry_delay.as_secs(), 90);
}

#[test]
fn feature_gates_are_a_list_of_names_and_booleans() {
    let gates = read("--feature-gates=A=true,B=false --feature-gates C=1").unwrap().shared.features.feature_gates;
    assert_eq!(gates, [("A".to_owned(), true), ("B".to_owned(), false), ("C".to_owned(), true)]);
}

#[test]
fn values_that_make_no_sense_are_refused() {
    for line in [
        "--log-level=loud",
        "--min-retry-delay=5",
        "--enable-leader-election=maybe",
        "--feature-gates=A",
        "--interval-jitter-percentage=100",
        "--unknown",
    ] {
        assert!(read(line).is_err(), "{line}");
    }
}

#[test]
fn an_app_can_change_a_default() {
    let tune = |command: Command| command.mut_arg("concurrent", |arg| arg.default_value("2"));
    let args: Args = parse_from("controller", tune, [OsString::from("controller")]).unwrap();
    assert_eq!(args.shared.schedule.concurrent, 2);
}
