use ConditionStatus::{False, True, Unknown};

use super::*;

fn time(second: i64) -> Time {
    Time(Timestamp::new(second, 0).unwrap())
}

fn empty() -> Conditions {
    Conditions::new(Vec::new(), 3, time(100))
}

/// The conditions as `Type=Status Reason: message @generation #second`, in the order in which they are written.
fn shown(conditions: &Conditions) -> Vec<String> {
    let line = |condition: &Condition| {
        let Condition { type_, status, observed_generation, last_transition_time, reason, message } = condition;
        let (generation, second) = (observed_generation.unwrap_or_default(), last_transition_time.0.as_second());
        format!("{type_}={status:?} {reason}: {message} @{generation} #{second}")
    };
    conditions.sorted().iter().map(line).collect()
}

#[test]
fn the_transition_time_moves_only_when_status_reason_or_message_change() {
    for (status, reason, message, second) in [
        (True, "Succeeded", "stored", 100),
        (False, "Succeeded", "stored", 200),
        (True, "Failed", "stored", 200),
        (True, "Succeeded", "stored again", 200),
    ] {
        let mut before = empty();
        before.set(READY, True, "Succeeded", "stored");
        let mut after = Conditions::new(before.sorted(), 4, time(200));
        after.set(READY, status, reason, message);
        assert_eq!(shown(&after), [format!("Ready={status:?} {reason}: {message} @4 #{second}")]);
    }
}

#[test]
fn times_are_in_whole_seconds() {
    let mut conditions = Conditions::new(Vec::new(), 1, Time(Timestamp::new(100, 999_999_999).unwrap()));
    conditions.set(READY, True, "R", "m");
    assert_eq!(conditions.get(READY).unwrap().last_transition_time, time(100));
}

#[test]
fn reconciling_and_stalled_exclude_each_other_and_exist_only_while_true() {
    let mut conditions = empty();
    conditions.reconciling("Progressing", "on it");
    conditions.stalled("InvalidURL", "no");
    assert_eq!(shown(&conditions), ["Stalled=True InvalidURL: no @3 #100"]);
    conditions.reconciling("Progressing", "on it");
    assert_eq!(shown(&conditions), ["Reconciling=True Progressing: on it @3 #100"]);
    conditions.set(STALLED, False, "R", "m");
    assert_eq!(shown(&conditions), ["Reconciling=True Progressing: on it @3 #100"]);
    conditions.set(RECONCILING, False, "R", "m");
    assert_eq!(shown(&conditions), Vec::<String>::new());
}

#[test]
fn leading_types_come_first_then_higher_generations_then_names() {
    let mut old = Conditions::new(Vec::new(), 2, time(100));
    old.set("Aged", True, "R", "m");
    let mut conditions = Conditions::new(old.sorted(), 3, time(100));
    for type_ in ["Healthy", "ArtifactInStorage", READY, RECONCILING] {
        conditions.set(type_, True, "R", "m");
    }
    let types: Vec<String> = conditions.sorted().into_iter().map(|condition| condition.type_).collect();
    assert_eq!(types, ["Reconciling", "Ready", "ArtifactInStorage", "Healthy", "Aged"]);
}

#[test]
fn long_messages_are_cut_at_the_limit_in_characters() {
    let mut conditions = empty();
    conditions.set(READY, False, "R", "ä".repeat(MESSAGE_LIMIT));
    assert!(conditions.get(READY).unwrap().message.ends_with('ä'));
    conditions.set(READY, False, "R", "ä".repeat(MESSAGE_LIMIT + 1));
    let message = &conditions.get(READY).unwrap().message;
    assert_eq!(message.chars().count(), MESSAGE_LIMIT);
    assert!(message.ends_with("ä..."));
}

const SOURCE: Summary<'static> = Summary {
    types: &["StorageOperationFailed", "FetchFailed", "ArtifactInStorage", "SourceVerified", STALLED, RECONCILING],
    harmful: &["StorageOperationFailed", "FetchFailed", STALLED, RECONCILING],
    bipolar: &["SourceVerified"],
};

#[test]
fn ready_sums_up_the_other_conditions() {
    type Given<'a> = &'a [(&'a str, ConditionStatus)];
    let table: [(Given<'_>, Option<(ConditionStatus, &str)>); 9] = [
        (&[], None),
        (&[("Foreign", True)], None),
        (&[("ArtifactInStorage", True)], Some((True, "ArtifactInStorage"))),
        (&[("ArtifactInStorage", True), ("SourceVerified", True)], Some((True, "ArtifactInStorage"))),
        (&[("ArtifactInStorage", True), (RECONCILING, True), ("FetchFailed", True)], Some((False, "FetchFailed"))),
        (&[("ArtifactInStorage", True), (STALLED, True)], Some((False, STALLED))),
        (&[("FetchFailed", True), ("SourceVerified", False)], Some((False, "SourceVerified"))),
        (&[("ArtifactInStorage", False), ("FetchFailed", False)], Some((False, "ArtifactInStorage"))),
        (&[("ArtifactInStorage", Unknown)], Some((Unknown, "ArtifactInStorage"))),
    ];
    for (given, expected) in table {
        let mut conditions = empty();
        for (type_, status) in given {
            conditions.set(type_, *status, type_, "m");
        }
        conditions.summarize(&SOURCE);
        let ready = conditions.get(READY).map(|ready| (ready.status, ready.reason.as_str()));
        assert_eq!(ready, expected, "{given:?}");
    }
}

#[test]
fn a_harmful_condition_that_is_false_is_better_than_an_unknown_one() {
    let mut conditions = empty();
    conditions.set("ArtifactInStorage", Unknown, "U", "m");
    conditions.set("FetchFailed", False, "F", "m");
    conditions.summarize(&SOURCE);
    assert_eq!(shown(&conditions)[0], "Ready=True F: m @3 #100");
}

#[test]
fn rebasing_keeps_what_others_did_meanwhile() {
    let conditions = |list: &[(&str, &str)]| {
        let mut all = empty();
        for (type_, message) in list {
            all.set(type_, True, "R", *message);
        }
        all.sorted()
    };
    let base = conditions(&[(READY, "old"), ("Gone", "m"), ("Theirs", "old")]);
    let wanted = conditions(&[(READY, "new"), ("Theirs", "old"), ("New", "m")]);
    let latest = conditions(&[(READY, "old"), ("Gone", "m"), ("Theirs", "new"), ("Added", "m")]);
    let expected = conditions(&[(READY, "new"), ("Theirs", "new"), ("New", "m"), ("Added", "m")]);
    assert_eq!(rebase(&base, &wanted, &latest), expected);
}
