//! The suite that holds every driver to the promises of [`Broker`](crate::Broker).
//!
//! A fact is a function that is given a [`Lab`] around an empty broker and panics when the fact does not
//! hold. A driver's test file writes one line, and gets one test for each fact, with the fact's name:
//!
//! ```text
//! async fn fresh() -> Lab { /* an empty broker */ }
//! broker::conformance!(fresh);
//! ```

mod lab;

pub use lab::Lab;

#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod order;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod share;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod signal;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod take;

/// Expands to one `#[tokio::test]` for each fact. `$fresh` is an async function without arguments that
/// makes a [`Lab`] around an empty broker.
#[macro_export]
macro_rules! conformance {
    ($fresh:expr) => {
        $crate::conformance! { @facts $fresh;
            order:
                an_empty_broker_has_nothing_waiting
                an_empty_push_is_harmless
                the_most_urgent_leave_first
                of_one_priority_the_longest_due_leave_first
                of_one_instant_the_first_made_leave_first
                urgency_outweighs_any_wait
                the_order_holds_over_batches
                a_big_batch_is_kept_whole
                a_batch_spans_queues
                pushing_twice_is_one
                what_waits_keeps_its_place
                what_was_taken_can_be_pushed_again
                what_was_removed_is_not_found
                removing_touches_one_queue
                removing_what_is_not_there_is_harmless
                what_was_removed_can_be_pushed_again
                waiting_counts_each_queue_that_has_any
                names_with_odd_characters_are_kept_apart
                the_longest_names_are_kept
            ;
            take:
                a_take_gives_no_more_than_was_asked
                who_asks_for_nothing_gets_nothing_at_once
                a_take_is_of_one_queue
                only_named_queues_are_served
                a_queue_named_twice_is_served_once
                a_take_ends_empty_when_its_wait_ran_out
                a_take_without_a_wait_does_not_wait
                a_take_waits_for_the_first_and_is_woken
                whoever_waits_for_other_queues_is_not_served
                all_includes_queues_that_come_later
            ;
            share:
                a_long_queue_does_not_starve_a_short_one
                the_queue_named_first_does_not_starve_the_last
                a_queue_that_is_filled_again_and_again_does_not_starve_another
                somebody_else_s_takes_do_not_cost_a_queue_its_turn
                many_takers_get_each_reference_once
                a_dropped_take_loses_at_most_what_it_held
                a_take_that_is_dropped_leaves_the_others_waiting
            ;
            signal:
                a_signal_reaches_every_listener
                a_signal_about_many_jobs_tells_all_of_them
                a_signal_that_nobody_hears_is_harmless
                a_slow_listener_misses_the_oldest_and_blocks_nobody
                the_generation_is_stable_while_nothing_is_lost
            ;
        }
    };
    (@facts $fresh:expr; $($group:ident: $($fact:ident)+;)+) => {
        $($(
            #[tokio::test]
            async fn $fact() {
                let lab: $crate::conformance::Lab = $fresh().await;
                $crate::conformance::$group::$fact(&lab).await;
            }
        )+)+
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_fact_is_in_the_suite() {
        let suite = include_str!("mod.rs");
        let files = [
            include_str!("order.rs"),
            include_str!("take.rs"),
            include_str!("share.rs"),
            include_str!("signal.rs"),
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
        assert!(count > 30, "{count} facts were found");
    }
}
