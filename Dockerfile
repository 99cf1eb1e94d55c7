# The service in a container, the weights inside.
#
#   docker build -t sakuga .                    the CPU's: one static binary and nothing else
#   docker build -t sakuga:cuda --target cuda . the GPU's, on NVIDIA's CUDA and cuDNN
#   docker run --rm -p 8080:8080 --read-only sakuga

ARG RUST=rust:1-slim-bookworm
ARG CUDA=nvidia/cuda:13.0.1-cudnn

# Dependencies first, over an empty crate: they are built again only when
# Cargo.toml, Cargo.lock or the tool chain change.
FROM ${RUST} AS build
WORKDIR /sakuga
ENV RUSTFLAGS="-C target-feature=+crt-static"
# Naming the target keeps RUSTFLAGS away from build scripts and macros.
RUN rustc -vV | sed -n 's/^host: //p' > /target
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src/bin && touch src/lib.rs \
    && echo 'fn main() {}' | tee src/bin/sakuga.rs > src/bin/sakuga-train.rs \
    && cargo build --release --locked --bin sakuga --target "$(cat /target)" \
    && rm -r src
COPY src src
COPY static static
COPY models models
COPY weights weights
# Newer than the empty crate, whatever the checkout says.
RUN find src -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --bin sakuga --target "$(cat /target)" \
    && cp "target/$(cat /target)/release/sakuga" /sakuga/sakuga

FROM ${CUDA}-devel-ubuntu24.04 AS build-cuda
ENV PATH=/usr/local/cargo/bin:$PATH RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo
COPY --from=build /usr/local/rustup /usr/local/rustup
COPY --from=build /usr/local/cargo /usr/local/cargo
WORKDIR /sakuga
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY static static
COPY models models
COPY weights weights
RUN cargo build --release --locked --features cuda --bin sakuga

FROM ${CUDA}-runtime-ubuntu24.04 AS cuda
COPY --from=build-cuda /sakuga/target/release/sakuga /usr/local/bin/sakuga
LABEL org.opencontainers.image.title="Sakuga" \
      org.opencontainers.image.description="A photo goes in, an anime-styled picture comes out (CUDA)" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
ENV SAKUGA_HOST=0.0.0.0 SAKUGA_LOG_FORMAT=json
EXPOSE 8080
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s CMD ["sakuga", "health"]
ENTRYPOINT ["sakuga"]
CMD ["serve"]

# Last, so that it is what is built when no target is named.
FROM scratch AS cpu
# Version and revision are the builder's to say (docker build --label …): as
# arguments, some builders would take them from their cache.
LABEL org.opencontainers.image.title="Sakuga" \
      org.opencontainers.image.description="A photo goes in, an anime-styled picture comes out" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /sakuga/sakuga /usr/local/bin/sakuga
COPY LICENSE-MIT LICENSE-APACHE /licenses/
ENV PATH=/usr/local/bin SAKUGA_HOST=0.0.0.0 SAKUGA_LOG_FORMAT=json
EXPOSE 8080
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s CMD ["sakuga", "health"]
ENTRYPOINT ["sakuga"]
CMD ["serve"]
