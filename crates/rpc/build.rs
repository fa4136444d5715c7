//! Generates the protobuf types and gRPC stubs from `proto/`, in pure Rust: no protoc to install.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=../../proto");
    let files = protox::compile(
        ["jobs/v1/jobs.proto", "jobs/v1/tasks.proto", "jobs/v1/schedules.proto", "jobs/v1/host.proto"],
        ["../../proto"],
    )?;
    tonic_prost_build::configure().build_transport(true).compile_fds(files)?;
    Ok(())
}
