//! Types and traits generated from `wit/task.wit`: the world `full`.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "full",
    imports: { default: async | trappable },
    exports: { default: async },
    with: { "jobs:task/secrets.secret": crate::secret::Secret },
});
