# The service on the CPU: `docker build -t sakuga .`, `docker run -p 8080:8080 sakuga`.

FROM rust:1-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc g++ make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /sakuga
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY static static
COPY models models
COPY weights weights
RUN cargo build --release --locked --bin sakuga

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin sakuga
WORKDIR /sakuga
COPY --from=build /sakuga/target/release/sakuga /usr/local/bin/sakuga
COPY models models
COPY weights weights
ENV SAKUGA_HOST=0.0.0.0 SAKUGA_LOG_FORMAT=json
EXPOSE 8080
USER 10001
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s CMD ["sakuga", "health"]
ENTRYPOINT ["sakuga"]
CMD ["serve"]
