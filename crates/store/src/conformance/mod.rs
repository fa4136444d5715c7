//! The suite that holds every driver to the promises of the six traits.
//!
//! A fact is a function that is given a [`Lab`] around a fresh, empty store and panics when the fact does
//! not hold. A driver's test file writes one line, and gets one test for each fact, with the fact's name:
//!
//! ```text
//! async fn fresh() -> Lab { /* a new database */ }
//! store::conformance!(fresh);
//! ```
//!
//! Time is the database's: facts that need a lease to run out ask for a tiny one and wait, by a deadline,
//! until the database says that it is past.

mod lab;
#[cfg(test)]
mod tests;
mod timetable;

pub use lab::Lab;

#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod cancel;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod changes;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod claim;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod components;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod control;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod count;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod due;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod fates;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod fence;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod finish;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod fires;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod keys;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod look;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod report;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod rescue;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod retry;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod schedules;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod session;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod submit;
#[expect(missing_docs, reason = "the name of a fact says it all")]
pub mod terms;

/// Expands to one `#[tokio::test]` for each fact. `$fresh` is an async function without arguments that
/// makes a [`Lab`] around a fresh, empty store.
#[macro_export]
macro_rules! conformance {
    ($fresh:expr) => {
        $crate::conformance! { @facts $fresh;
            submit:
                a_new_job_is_queued_and_offered
                a_batch_is_answered_in_its_order
                a_full_batch_is_stored_whole
                an_empty_batch_is_harmless
                a_submit_made_again_changes_nothing_and_answers_the_same
                a_submit_made_again_does_not_revive_what_ended
                an_id_that_another_namespace_uses_is_a_conflict_and_stores_nothing
                a_payload_keeps_its_bytes
                options_are_kept
                limits_are_kept
                a_delayed_job_is_scheduled_and_not_offered
                an_instant_to_come_is_waited_for_and_a_past_one_is_now
                a_job_of_an_unknown_version_is_refused_with_its_batch
                a_child_job_names_its_parent
                a_parent_that_lost_its_lease_makes_no_child
                a_parent_that_ended_makes_no_child
            ;
            keys:
                a_key_in_use_tells_the_earlier_job
                a_key_twice_in_a_batch_makes_one_job
                a_keyed_submit_made_again_answers_the_same
                an_ended_job_still_stands_for_its_key
                a_key_with_another_payload_is_a_conflict_and_stores_nothing
                a_key_with_other_options_is_a_conflict
                a_key_with_other_limits_is_a_conflict
                a_key_with_two_contents_in_a_batch_is_a_conflict
                a_key_is_the_task_s_own
                a_newer_version_of_the_task_keeps_its_keys
                a_key_is_forgotten_after_its_time
                many_submitters_of_one_key_make_one_job
            ;
            look:
                an_unknown_job_is_not_found_by_its_id
                a_job_is_not_seen_from_another_namespace
                a_prefix_finds_its_jobs_in_order
                a_job_is_in_the_state_it_was_brought_to
                a_list_is_newest_first
                a_list_shows_what_a_job_shows
                a_list_can_be_restricted_by_state
                a_list_can_be_restricted_by_task_queue_and_tags
                a_list_can_be_restricted_by_time
                pages_show_every_job_once
                a_page_that_is_just_full_is_the_last
                states_are_told_of_every_job_there_is
            ;
            count:
                unfinished_jobs_are_counted_by_state
                an_empty_store_counts_nothing
                a_count_can_be_restricted_by_state
                failed_and_cancelled_jobs_are_counted_when_they_are_asked_for
                a_job_that_runs_again_is_not_counted_as_failed
                a_count_of_the_failed_can_be_restricted
                a_count_tells_when_it_was_made
                a_count_can_be_restricted_by_task_queue_and_tags
                a_count_can_be_restricted_by_time
                a_count_is_of_one_namespace
                a_count_is_of_all_pages
            ;
            control:
                a_waiting_job_is_cancelled_at_once
                a_scheduled_job_is_cancelled_at_once
                a_job_that_waits_for_another_try_is_cancelled_at_once
                a_running_job_is_asked_to_stop
                a_cancelled_job_does_not_run_again_after_a_failure
                a_success_that_was_under_way_stands
                an_ended_job_says_how_it_ended_when_it_is_cancelled
                an_unknown_job_is_neither_cancelled_nor_tried_again
                a_failed_job_runs_again_when_it_is_told_to
                a_job_tried_again_has_all_its_failures_to_spend
                a_job_tried_again_has_all_its_losses_to_spend
                a_cancelled_job_runs_again_when_it_is_told_to
                a_job_tried_again_can_be_cancelled
                a_job_that_has_not_failed_is_not_tried_again
            ;
            cancel:
                a_batch_is_cancelled_in_its_order
                a_job_that_is_named_twice_is_cancelled_once
                an_empty_batch_cancels_nothing
                a_full_batch_is_cancelled_whole
                of_those_who_cancel_the_same_jobs_one_cancels_each
                a_grace_is_told_with_what_is_left_of_it
                a_grace_that_is_over_is_told_as_none
                of_several_graces_the_one_that_ends_first_holds
                a_grace_without_end_is_kept
                a_success_within_the_grace_stands
                a_failure_within_the_grace_ends_the_job
                a_lost_job_in_its_grace_ends
                a_job_given_back_in_its_grace_ends
                a_job_tried_again_is_cancelled_anew
            ;
            retry:
                a_batch_is_tried_again_in_its_order
                a_job_that_is_named_twice_is_tried_again_once
                an_empty_batch_tries_nothing_again
                a_full_batch_is_tried_again_whole
                of_those_who_try_the_same_jobs_again_one_revives_each
                a_job_tried_again_keeps_what_it_was_made_with
                a_job_tried_again_still_stands_for_its_key
                a_job_that_expired_is_tried_again_without_its_end
                attempt_a_hundred_honours_the_ceiling
            ;
            claim:
                a_claimed_job_runs_under_its_session
                a_batch_is_claimed_whole
                what_is_not_claimable_is_passed_over
                racing_sessions_claim_a_job_once
                a_delayed_job_is_claimed_once_it_is_due
                a_job_is_not_claimed_before_its_next_try
                an_expired_job_is_not_claimed
                a_job_that_has_not_expired_is_claimed
                a_closed_session_claims_nothing
                a_session_that_was_silent_too_long_claims_nothing
                an_unknown_session_claims_nothing
            ;
            fence:
                an_attempt_that_ended_is_nobody_s
                an_older_attempt_of_the_same_session_is_powerless
                an_attempt_that_was_taken_back_is_powerless
                a_session_that_was_silent_too_long_is_powerless
                a_closed_session_is_powerless
                a_token_with_another_session_or_number_is_powerless
                a_lost_attempt_does_not_spoil_the_others_of_its_batch
                an_attempt_is_finished_once_in_a_batch
            ;
            finish:
                a_success_ends_the_job_with_its_result
                a_failure_for_good_ends_the_job_with_its_reason
                a_failure_that_may_pass_runs_again_after_its_wait
                failures_are_counted_and_numbers_go_on
                what_was_given_back_is_not_counted
                a_stop_is_kept_with_its_reason_and_time
                unmetered_fuel_is_not_nought
                an_attempt_that_never_had_its_code_names_no_origin
                a_result_keeps_its_bytes
                a_batch_is_finished_in_its_order
                files_are_kept_with_their_bytes
                files_are_those_of_the_last_finished_attempt
            ;
            report:
                log_lines_are_read_in_order_and_once
                log_lines_name_their_attempt
                one_long_chunk_is_read_in_pieces
                a_job_without_logs_has_none
                the_last_progress_is_shown
                a_checkpoint_is_given_to_the_next_attempt
                a_checkpoint_outlives_its_host
                a_checkpoint_is_the_job_s_own
            ;
            session:
                every_session_is_a_new_one
                open_sessions_are_listed_oldest_first
                a_sign_of_life_keeps_the_lease
                a_sign_of_life_tells_what_to_cancel
                a_session_that_was_silent_too_long_cannot_be_revived
                a_closed_session_cannot_be_revived
                a_drain_is_told_by_the_next_sign_of_life
                a_session_that_is_not_open_is_not_drained
                a_closed_session_gives_back_what_it_held
                a_closed_session_keeps_what_it_finished
                a_job_to_be_cancelled_ends_when_its_session_closes
                closing_an_unknown_session_is_harmless
            ;
            due:
                an_empty_store_has_nothing_due
                the_database_s_clock_is_told
                the_most_urgent_and_then_the_longest_due_come_first
                an_offer_names_its_queue
                the_limit_is_for_each_queue_and_priority
                the_steady_read_finds_only_what_became_due_since
                what_became_due_by_waiting_is_found_by_the_steady_read
                depths_count_what_stands_in_each_queue
                an_emptied_queue_is_still_shown
            ;
            rescue:
                there_is_nothing_to_rescue_from_the_living
                a_lost_lease_is_rescued_once
                a_session_whose_process_is_gone_is_closed_before_its_lease_ends
                open_sessions_are_told_with_their_addresses
                a_session_without_jobs_is_closed_too
                a_loss_is_not_a_failure
                a_job_that_loses_too_many_hosts_is_parked
                failures_between_losses_do_not_park_a_job
                a_lost_job_that_was_to_be_cancelled_ends
                a_job_that_expired_before_its_start_ends
                a_job_that_was_started_in_time_does_not_expire
                a_round_takes_back_no_more_than_its_limit
                two_rescuers_take_a_job_back_once
            ;
            terms:
                nobody_leads_before_the_first_election
                one_leads_at_a_time
                a_leader_that_asks_again_keeps_its_term
                many_candidates_make_one_leader
                a_renewed_term_goes_on
                nobody_renews_what_is_not_his
                a_lapsed_term_is_taken_over_with_a_higher_number
                a_term_that_no_lease_makes_so_long_is_taken_over
                a_leader_that_resigns_is_followed_at_once
                nobody_resigns_for_another
                all_that_took_part_are_listed
                a_replica_that_fell_silent_is_not_listed
                a_renewal_is_a_sign_of_life
            ;
            schedules:
                a_schedule_is_found_as_it_was_made
                a_name_in_use_tells_the_schedule_that_has_it
                a_schedule_that_is_made_again_is_told_as_it_stands_now
                of_many_who_make_one_name_one_makes_it
                an_unknown_schedule_is_not_found_by_its_name
                namespaces_keep_their_schedules_apart
                schedules_are_listed_by_name_as_they_are_found
                pages_show_every_schedule_once
                a_page_of_schedules_that_is_just_full_is_the_last
                schedules_can_be_listed_by_state
                schedules_can_be_listed_by_task_whatever_the_version
                without_schedules_the_clock_is_told_all_the_same
                the_schedules_that_are_due_longest_come_first
                a_schedule_is_due_once_the_database_s_clock_is_there
                a_schedule_that_was_looked_at_is_not_due_again_before_its_time
                a_due_schedule_is_told_in_full
                schedules_of_all_namespaces_are_due
                a_schedule_is_set_aside_with_the_reason
                a_schedule_that_was_changed_meanwhile_is_not_set_aside
                a_schedule_that_is_gone_is_not_set_aside
            ;
            changes:
                a_change_is_made_to_what_was_looked_at
                a_stale_change_changes_nothing
                a_change_of_no_schedule_is_stale
                an_empty_batch_of_changes_is_harmless
                a_stale_change_does_not_hold_up_the_others
                of_two_changes_of_one_schedule_in_a_batch_the_first_is_made
                a_full_batch_of_changes_is_made_whole
                where_a_schedule_stands_is_read_back_whole
                a_change_of_what_it_is_replaces_spec_and_payload
                a_change_of_where_it_stands_leaves_what_it_is
                a_schedule_that_is_deleted_leaves_its_jobs_and_its_name
                of_many_who_looked_at_the_same_one_changes_it
            ;
            fires:
                a_run_is_stored_as_a_submitted_job_is
                a_run_that_starts_later_is_scheduled_and_not_offered
                a_run_of_an_unknown_version_is_refused_with_its_batch
                an_instant_makes_one_job_whoever_makes_it
                an_instant_that_a_change_names_twice_makes_one_job
                an_instant_finer_than_the_stores_own_makes_one_job
                schedules_that_share_an_instant_make_a_job_each
                a_job_tells_the_schedule_and_the_instant_it_is_for
                the_latest_instant_that_made_a_job_is_told
                runs_are_open_until_they_end
                a_run_of_a_backfill_is_not_open
                of_many_open_runs_the_latest_are_kept
                of_many_who_go_on_until_they_fire_an_instant_one_makes_its_job
            ;
            fates:
                a_schedule_that_did_nothing_has_no_history
                a_run_is_told_with_its_job
                instants_that_were_passed_over_are_told_with_the_reason
                a_history_begins_with_the_latest_instant
                a_history_is_told_in_pages
                a_history_is_of_one_schedule
                a_history_shows_how_a_job_goes_on
                those_instants_that_made_a_job_are_found_and_no_others
            ;
            components:
                a_component_keeps_its_bytes
                every_task_of_a_component_gets_a_version
                versions_are_numbered_without_gaps
                the_same_bytes_and_manifest_are_not_published_again
                another_manifest_or_other_bytes_make_a_new_version
                an_unpromoted_version_is_not_active
                publishing_again_can_promote
                any_version_can_be_promoted
                a_version_is_found_by_name_number_and_digest
                what_is_not_found_is_named
                versions_are_listed_newest_first
                tasks_are_listed_by_name
                namespaces_keep_their_tasks_apart
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
