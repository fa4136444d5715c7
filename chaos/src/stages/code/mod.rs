//! What becomes of code that is lost, spoilt or changed: caches, components, compiling.

mod altered;
mod caches;
mod compiled;
mod full;

use crate::stage::Stage;
use crate::trial::Trial;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "cache-spoilt",
        fault: "cache files corrupt, truncated, swapped, under a running host and over a restart",
        pass: "job runs all the same; nothing foreign is loaded",
        run: caches::spoilt,
    },
    Stage {
        name: "cache-full",
        fault: "cache disk full",
        pass: "job runs all the same; said once",
        run: full::disk,
    },
    Stage {
        name: "component-changed",
        fault: "component bytes changed in the database",
        pass: "refused, alarm, the job fails with `invalid_module`",
        run: altered::bytes,
    },
    Stage {
        name: "compiled-once",
        fault: "50 jobs of one new big component on two hosts at once",
        pass: "compiled once a host",
        run: compiled::once,
    },
];

/// How many components each host has compiled since it began, by its own word.
fn compiled(trial: &mut Trial) -> Vec<u64> {
    let dialer = rpc::HostDialer { token: None, timeout: std::time::Duration::from_secs(5) };
    let addresses: Vec<_> = trial
        .field
        .hosts()
        .iter_mut()
        .filter_map(|host| host.is_running().then(|| format!("http://{}", host.control().address())))
        .collect();
    trial.field.runtime().block_on(async {
        let mut counts = Vec::new();
        for address in addresses {
            let mut client = dialer.dial(&address).await.expect("the host answers");
            let status = client.host_status(rpc::v1::HostStatusRequest {}).await.expect("the host answers");
            counts.push(status.into_inner().components_compiled);
        }
        counts
    })
}
