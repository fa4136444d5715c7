//! The words of schedules: what people choose, and what is told of an instant.

use crate::words::words;

words!(
    /// What becomes of a fixed time that does not exist because clocks go forward over it.
    DstGap, "dst-gap", {
        /// It fires once, right after the gap.
        After = "after",
        /// It does not fire that day.
        Skip = "skip",
    }
);

words!(
    /// What becomes of a fixed time that comes twice because clocks go back.
    DstOverlap, "dst-overlap", {
        /// It fires the first time.
        First = "first",
        /// It fires both times.
        Both = "both",
    }
);

words!(
    /// What becomes of instants that passed while nothing was up.
    Missed, "missed", {
        /// They are passed over.
        Skip = "skip",
        /// The latest one fires.
        Last = "last",
        /// All fire, the latest [`super::MISSED_ALL_MAX`] of them.
        All = "all",
    }
);

words!(
    /// What happens when a schedule fires while a run of it still goes.
    Overlap, "overlap", {
        /// The instant is passed over.
        Skip = "skip",
        /// It runs when that run has ended.
        Queue = "queue",
        /// That run is cancelled, and this one starts.
        Cancel = "cancel",
        /// They run side by side.
        Allow = "allow",
    }
);

words!(
    /// Why an instant made no job.
    SkipReason, "skip reason", {
        /// Nothing was up in time.
        Missed = "missed",
        /// A run still went on.
        Overlap = "overlap",
        /// Too many waited for a run to end.
        QueueFull = "queue_full",
        /// The schedule was paused.
        Paused = "paused",
        /// The schedule was disabled.
        Disabled = "disabled",
        /// Its job would not have been taken: the payload does not fit the task any more, or a limit.
        Refused = "refused",
    }
);

words!(
    /// What made a job of a schedule.
    FireKind, "kind", {
        /// The clock.
        Clock = "clock",
        /// Somebody, by hand.
        Trigger = "trigger",
        /// Somebody, for a time that has passed.
        Backfill = "backfill",
    }
);

impl FireKind {
    /// Whether the next instants meet its runs (see [`Overlap`]). Those of a backfill they do not: what somebody makes up
    /// for in great numbers must not be what the clock skips, waits for or cancels.
    #[must_use]
    pub fn overlaps(self) -> bool {
        self != Self::Backfill
    }
}

words!(
    /// Whether a schedule fires.
    ScheduleState, "state", {
        /// It fires.
        Active = "active",
        /// Somebody paused it.
        Paused = "paused",
        /// It cannot fire, for the reason that stands with it.
        Disabled = "disabled",
        /// No instant is left.
        Finished = "finished",
    }
);
