//! `secrets`: handles for values that only the host knows.

use model::grants::Capability;
use wasmtime::component::Resource;

use crate::bindings::jobs::task::secrets;
use crate::secret::Secret;
use crate::state::State;

impl secrets::Host for State {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<Resource<Secret>, String>> {
        self.gate.pass()?;
        if !self.gate.grants.secrets.contains(&name) {
            let flag = Capability::Secrets.flag();
            return Ok(Err(format!("secret {name:?} was not granted: publish with {flag}")));
        }
        if !self.gate.capabilities.has_secret(&name) {
            return Ok(Err(format!("this host knows no secret {name:?}")));
        }
        Ok(Ok(self.table.push(Secret { name })?))
    }
}

impl secrets::HostSecret for State {
    async fn drop(&mut self, secret: Resource<Secret>) -> wasmtime::Result<()> {
        self.table.delete(secret)?;
        Ok(())
    }
}
