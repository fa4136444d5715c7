//! What the leader makes of what it sees of a session's host: a decision without the world.
//!
//! A session is *gone* when its stream had named it, and then
//!
//! * the stream broke and the host's port refuses: the machine is there, the process is not; or
//! * the same host says a newer session: this one is over for its own process, too.
//!
//! Everything else waits for the lease: silence, a network that leads nowhere, an address that never named the session,
//! another host at it, and a host that said itself that the session is over, since it closes it. To act on a mistake (a firewall that answers for a host that lives) costs an attempt, not
//! truth: the session is closed, so what its process still reports is refused.

use std::fmt;

use model::id::SessionId;
use store::OpenedSession;

/// What is known of a session.
#[derive(Debug)]
pub(super) struct Sight {
    session: OpenedSession,
    /// Its own host has said that this is its session.
    named: bool,
    /// The same on the stream that is open.
    named_here: bool,
    /// Then the same process said that it has no session any more.
    over: bool,
}

/// What the host's address brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen<'a> {
    /// A new stream: it may be another process that speaks.
    Opened,
    /// A host says its name and its session; none between two.
    Said {
        /// The host's name.
        name: &'a str,
        /// Its session.
        session: Option<SessionId>,
    },
    /// There is no stream, and nobody listens.
    Refused,
}

/// What follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing: its lease decides.
    Wait,
    /// The process is gone, or has given the session up.
    Gone(How),
    /// Another host is there.
    Foreign,
    /// Nobody was ever there.
    NeverThere,
}

/// How it was noticed that a session is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Its connection broke and its port refuses.
    Refuses,
    /// Its host has begun this one.
    Succeeded(SessionId),
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuses => f.write_str("its connection broke and its port refuses"),
            Self::Succeeded(session) => write!(f, "it has begun session {session}"),
        }
    }
}

impl Sight {
    pub(super) fn of(session: OpenedSession) -> Self {
        Self { session, named: false, named_here: false, over: false }
    }

    pub(super) fn session(&self) -> &OpenedSession {
        &self.session
    }

    /// Whether its own host has said that this is its session.
    pub(super) fn is_named(&self) -> bool {
        self.named
    }

    pub(super) fn see(&mut self, seen: Seen<'_>) -> Verdict {
        match seen {
            Seen::Opened => self.named_here = false,
            Seen::Said { name, .. } if name != self.session.name => return Verdict::Foreign,
            Seen::Said { session: None, .. } => self.over |= self.named_here,
            Seen::Said { session: Some(said), .. } if said == self.session.id => {
                (self.named, self.named_here) = (true, true);
            }
            Seen::Said { session: Some(said), .. } if self.named && said > self.session.id => {
                return Verdict::Gone(How::Succeeded(said));
            }
            Seen::Refused if !self.named => return Verdict::NeverThere,
            Seen::Refused if !self.over => return Verdict::Gone(How::Refuses),
            Seen::Said { .. } | Seen::Refused => {}
        }
        Verdict::Wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: SessionId = SessionId(7);
    const OLDER: SessionId = SessionId(6);
    const NEWER: SessionId = SessionId(9);

    fn said(session: SessionId) -> Seen<'static> {
        Seen::Said { name: "a", session: Some(session) }
    }

    #[test]
    fn only_a_process_that_was_there_can_be_gone() {
        let between = Seen::Said { name: "a", session: None };
        let foreign = Seen::Said { name: "b", session: Some(OURS) };
        let newer_foreign = Seen::Said { name: "b", session: Some(NEWER) };
        let succeeded = Verdict::Gone(How::Succeeded(NEWER));
        let refuses = Verdict::Gone(How::Refuses);

        for (what, seen, verdict) in [
            ("it lives", vec![said(OURS), said(OURS)], Verdict::Wait),
            ("killed", vec![said(OURS), Seen::Refused], refuses),
            ("ended in order", vec![said(OURS), between, Seen::Refused], Verdict::Wait),
            (
                "killed twice, the second time before it had a session",
                vec![said(OURS), Seen::Opened, between, Seen::Refused],
                refuses,
            ),
            ("began another session", vec![said(OURS), between, said(NEWER)], succeeded),
            (
                "killed and started on the same port",
                vec![said(OURS), Seen::Opened, between, said(NEWER)],
                succeeded,
            ),
            ("between two sessions", vec![said(OURS), between], Verdict::Wait),
            ("an older one, from before it was opened", vec![said(OURS), said(OLDER)], Verdict::Wait),
            ("never there", vec![Seen::Refused], Verdict::NeverThere),
            ("there, but not with this session", vec![between, Seen::Refused], Verdict::NeverThere),
            ("killed before it was seen", vec![said(NEWER)], Verdict::Wait),
            ("killed twice before it was seen", vec![said(NEWER), Seen::Refused], Verdict::NeverThere),
            ("another host's address", vec![foreign], Verdict::Foreign),
            ("another host came there", vec![said(OURS), newer_foreign], Verdict::Foreign),
            ("another host came and went", vec![said(OURS), newer_foreign, Seen::Refused], refuses),
            ("another host was there and went", vec![foreign, Seen::Refused], Verdict::NeverThere),
        ] {
            let (name, address) = ("a".to_owned(), "http://a:1".to_owned());
            let mut sight = Sight::of(OpenedSession { id: OURS, name, address });
            let last = seen.into_iter().map(|seen| sight.see(seen)).last();

            assert_eq!(last, Some(verdict), "{what}");
        }
    }
}
