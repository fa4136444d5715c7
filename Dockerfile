# The one image that has all roles: `jobctl scheduler run`, `jobctl host run`, `jobctl migrate`, `jobctl dev`.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p cli \
    && install -D target/release/jobctl /out/jobctl

FROM debian:bookworm-slim
# The roots that TLS to Postgres, Redis, mail relays and HTTP hosts is checked against: Debian's newest, not
# a pinned release of them.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/jobctl jobctl
COPY --from=build /out/jobctl /usr/local/bin/jobctl
USER 10001
WORKDIR /var/lib/jobctl
VOLUME /var/lib/jobctl
# 7700: API and dashboard of a scheduler; 7710: control service of a host.
EXPOSE 7700 7710
# A role drains on SIGTERM and is done within its drain timeout (30 s unless set).
STOPSIGNAL SIGTERM
ENTRYPOINT ["jobctl"]
CMD ["--help"]
