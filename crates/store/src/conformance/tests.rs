//! The suite is whole.

#[test]
fn every_fact_is_in_the_suite() {
    let suite = include_str!("mod.rs");
    let files = [
        include_str!("submit.rs"),
        include_str!("keys.rs"),
        include_str!("look.rs"),
        include_str!("count.rs"),
        include_str!("control.rs"),
        include_str!("cancel.rs"),
        include_str!("retry.rs"),
        include_str!("claim.rs"),
        include_str!("fence.rs"),
        include_str!("finish.rs"),
        include_str!("report.rs"),
        include_str!("session.rs"),
        include_str!("due.rs"),
        include_str!("rescue.rs"),
        include_str!("terms.rs"),
        include_str!("schedules.rs"),
        include_str!("changes.rs"),
        include_str!("fires.rs"),
        include_str!("fates.rs"),
        include_str!("components.rs"),
    ];
    let names = files
        .iter()
        .flat_map(|file| file.lines())
        .filter_map(|line| line.strip_prefix("pub async fn ").and_then(|rest| rest.split('(').next()));

    let mut count = 0;
    for name in names {
        assert!(suite.lines().any(|line| line.trim() == name), "{name} is not in the suite");
        count += 1;
    }
    assert!(count > 100, "{count} facts were found");
}
