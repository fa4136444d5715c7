# Every target does its own set-up: a fresh machine needs Rust, gcc, make and apt-get, nothing else.
.DEFAULT_GOAL := help
.PHONY: help demo dev build tasks polyglot test bench-stop bench-schedules chaos lint fmt docs deny sql setup clean

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Two tasks published and run on an embedded system, results shown, nothing left running
	@scripts/demo

dev: ## The same system, kept up until ctrl-c
	@scripts/demo --keep

build: ## target/release/jobctl
	@scripts/setup rust
	cargo build --release -p cli

tasks: ## Every example as example-tasks/dist/NAME.wasm: Rust, Python, JavaScript
	@scripts/setup rust
	@scripts/build-tasks
	@scripts/setup python node
	@scripts/build-polyglot

polyglot: ## Of these, the Python and JavaScript ones, with pinned tools
	@scripts/setup python node
	@scripts/build-polyglot

test: ## All that .ci/run does: format, lints, every test, docs, dependencies
	@scripts/test

bench-stop: ## How fast anything is stopped, on a quiet machine; writes docs/STOPPING.md. BENCH="--stops 20" for a look
	@scripts/bench-stop $(BENCH)

bench-schedules: ## What 100,000 schedules cost and how punctual they are; writes docs/SCHEDULING.md. BENCH="--schedules 1000" for a look
	@scripts/bench-schedules $(BENCH)

chaos: ## Faults of every kind against a whole system, some ten minutes; writes docs/RELIABILITY.md. CHAOS="--only NAME --short" for a look
	@scripts/chaos $(CHAOS)

lint: ## clippy, warnings as errors
	cargo clippy --workspace --all-targets -- -D warnings

fmt: ## Format everything
	cargo fmt --all

docs: ## The documentation of every crate, warnings as errors
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --workspace --no-deps --document-private-items

deny: ## Sources, licences and bans of all dependencies
	@scripts/setup deny
	@cargo fetch --locked --quiet
	@scripts/tool cargo-deny --offline --log-level error check bans licenses sources

sql: ## Check every SQL file against fresh databases and write what the builds need
	@scripts/setup postgres
	@scripts/prepare-sql-postgres
	@scripts/prepare-sql-sqlite

setup: ## Install what builds and tests need on this machine
	@scripts/setup

clean: ## Remove what was built; tools stay
	cargo clean
	rm -rf example-tasks/dist .demo
