//! Facts about leadership.

use futures::future::join_all;

use super::lab::{LONG_MS, Lab, eventually};
use crate::{Elect, Term};

fn candidate(holder: &str, lease_ms: u32) -> Elect {
    Elect { holder: holder.to_owned(), address: format!("http://{holder}:7000"), lease_ms }
}

async fn elect(lab: &Lab, holder: &str) -> Option<Term> {
    lab.store.elect(candidate(holder, LONG_MS)).await.expect("elect")
}

pub async fn nobody_leads_before_the_first_election(lab: &Lab) {
    assert_eq!(lab.store.leader().await.expect("leader"), None);
}

pub async fn one_leads_at_a_time(lab: &Lab) {
    let term = elect(lab, "a").await.expect("nobody leads yet");

    assert_eq!(elect(lab, "b").await, None);

    let leader = lab.store.leader().await.expect("leader").expect("one leads");
    assert_eq!((leader.holder.as_str(), leader.address.as_str()), ("a", "http://a:7000"));
    assert_eq!(leader.term, term);
}

pub async fn a_leader_that_asks_again_keeps_its_term(lab: &Lab) {
    let term = elect(lab, "a").await;
    let since = lab.store.leader().await.expect("leader").expect("one leads").since;

    assert_eq!(elect(lab, "a").await, term);

    assert_eq!(lab.store.leader().await.expect("leader").expect("one leads").since, since);
}

pub async fn many_candidates_make_one_leader(lab: &Lab) {
    let names: Vec<String> = (0..12).map(|n| format!("c{n}")).collect();

    let terms = join_all(names.iter().map(|name| elect(lab, name))).await;

    assert_eq!(terms.iter().flatten().count(), 1);
}

pub async fn a_renewed_term_goes_on(lab: &Lab) {
    let term = elect(lab, "a").await.expect("nobody leads yet");

    assert!(lab.store.renew(candidate("a", LONG_MS), term).await.expect("renew"));

    assert_eq!(elect(lab, "b").await, None);
}

pub async fn nobody_renews_what_is_not_his(lab: &Lab) {
    let term = elect(lab, "a").await.expect("nobody leads yet");

    assert!(!lab.store.renew(candidate("b", LONG_MS), term).await.expect("renew"));
    assert!(!lab.store.renew(candidate("a", LONG_MS), Term(term.0 + 1)).await.expect("renew"));

    assert_eq!(lab.store.leader().await.expect("leader").expect("one leads").holder, "a");
}

pub async fn a_lapsed_term_is_taken_over_with_a_higher_number(lab: &Lab) {
    let old = lab.store.elect(candidate("a", 1)).await.expect("elect").expect("nobody leads yet");
    eventually("the term runs out", || async { lab.store.leader().await.expect("leader").is_none() }).await;

    let new = elect(lab, "b").await.expect("the term has run out");

    assert!(new > old);
    assert!(!lab.store.renew(candidate("a", LONG_MS), old).await.expect("renew"));
    assert_eq!(elect(lab, "a").await, None);
}

pub async fn a_term_that_no_lease_makes_so_long_is_taken_over(lab: &Lab) {
    let lease_ms = LONG_MS / 100;
    let old = lab.store.elect(candidate("a", LONG_MS)).await.expect("elect").expect("nobody leads yet");

    let new = lab.store.elect(candidate("b", lease_ms)).await.expect("elect").expect("it is nobody's");

    assert!(new > old);
    assert!(!lab.store.renew(candidate("a", LONG_MS), old).await.expect("renew"));
    assert_eq!(lab.store.elect(candidate("c", lease_ms)).await.expect("elect"), None);
}

pub async fn a_leader_that_resigns_is_followed_at_once(lab: &Lab) {
    let old = elect(lab, "a").await.expect("nobody leads yet");

    lab.store.resign("a", old).await.expect("resign");
    lab.store.resign("a", old).await.expect("twice is harmless");

    assert_eq!(lab.store.leader().await.expect("leader"), None);
    let new = elect(lab, "b").await.expect("nobody leads any more");
    assert!(new > old);
}

pub async fn nobody_resigns_for_another(lab: &Lab) {
    let old = elect(lab, "a").await.expect("nobody leads yet");
    lab.store.resign("a", old).await.expect("resign");
    let new = elect(lab, "b").await.expect("nobody leads any more");

    lab.store.resign("a", old).await.expect("harmless");
    lab.store.resign("a", new).await.expect("harmless");

    assert_eq!(lab.store.leader().await.expect("leader").expect("one leads").term, new);
}

pub async fn all_that_took_part_are_listed(lab: &Lab) {
    elect(lab, "b").await;
    elect(lab, "a").await;
    elect(lab, "b").await;

    let mut listed = lab.store.schedulers(60_000).await.expect("schedulers");

    listed.sort_unstable();
    let expected = [("a", "http://a:7000"), ("b", "http://b:7000")];
    assert_eq!(listed, expected.map(|(id, address)| (id.to_owned(), address.to_owned())));
}

pub async fn a_replica_that_fell_silent_is_not_listed(lab: &Lab) {
    elect(lab, "a").await;

    eventually("it falls out of the list", || async {
        lab.store.schedulers(1).await.expect("schedulers").is_empty()
    })
    .await;
}

pub async fn a_renewal_is_a_sign_of_life(lab: &Lab) {
    let term = elect(lab, "a").await.expect("nobody leads yet");
    eventually("it falls out of the list", || async {
        lab.store.schedulers(1).await.expect("schedulers").is_empty()
    })
    .await;

    eventually("a renewal lists it again", || async {
        assert!(lab.store.renew(candidate("a", LONG_MS), term).await.expect("renew"));
        !lab.store.schedulers(100).await.expect("schedulers").is_empty()
    })
    .await;
}
