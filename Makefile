# `make` alone lists what it can do.
.DEFAULT_GOAL := help
CARGO ?= cargo
PROFILE ?= release

.PHONY: help build run test test-tools test-gpu test-image fuzz soak dist fmt lint doc deny bench bench-training bench-service bench-scale bench-peak bench-tools clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build both binaries, optimised
	$(CARGO) build --locked --profile $(PROFILE)

run: ## serve on http://127.0.0.1:8080
	$(CARGO) run --locked --profile $(PROFILE)

test: test-tools ## install what the tests need and is missing, and run every test
	$(CARGO) test --locked
	$(CARGO) test --locked --features otlp --test http otlp::

test-tools: ## install what the tests need and is missing
	sh tests/browser/install.sh
	sh tests/balancer/install.sh
	sh tests/deploy/install.sh

test-gpu: ## on a machine with a GPU, CUDA and cuDNN: what it learns and draws, beside the CPU
	$(CARGO) test --locked --features cuda --test gpu

test-image: ## build the container's image and run it (Debian, root, minutes)
	bash tests/image/test.sh

fuzz: ## feed random and damaged input to all that reads what users send, MINUTES=20 each
	bash tests/fuzz.sh $(or $(MINUTES),20)

soak: bench-tools ## a service at its limit for MINUTES=30: good, bad and abandoned requests
	target/bench/venv/run benches/soak.py --profile $(PROFILE) --minutes $(or $(MINUTES),30)

dist: ## release files under target/dist: archive, bill of materials, checksums
	bash deploy/dist.sh

fmt: ## format the sources
	$(CARGO) fmt

lint: ## what CI asks before the tests: format and clippy
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

doc: ## build the documentation; a warning is an error
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --locked --no-deps

deny: ## check the dependencies' licences and sources
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install cargo-deny --locked --debug
	$(CARGO) deny check bans licenses sources

bench: bench-tools ## beside PyTorch, ONNX Runtime and OpenVINO: networks, training, services
	target/bench/venv/run benches/infer.py --profile $(PROFILE) $(BENCH)
	target/bench/venv/run benches/training.py --profile $(PROFILE)
	target/bench/venv/run benches/service.py --profile $(PROFILE)

bench-training: bench-tools ## training steps alone
	target/bench/venv/run benches/training.py --profile $(PROFILE) $(BENCH)

bench-service: bench-tools ## the services alone
	target/bench/venv/run benches/service.py --profile $(PROFILE) $(BENCH)

bench-scale: bench-tools ## seconds and memory as pictures and crowds grow
	target/bench/venv/run benches/scale.py --profile $(PROFILE) $(BENCH)

bench-peak: ## the multiply-adds a second that this machine can do at most
	$(CARGO) bench --locked --profile $(PROFILE) --bench peak

bench-tools: target/bench/anime.onnx

target/bench/anime.onnx: $(addprefix benches/peers/,networks.py picture.py prepare.py) benches/setup.sh benches/requirements.txt
	bash benches/setup.sh
	$(CARGO) build --locked --profile $(PROFILE) --bin sakuga --bench worker --bench stepper
	target/bench/venv/run benches/peers/prepare.py target/$(PROFILE:dev=debug)/sakuga target/bench

clean: ## remove what was built and installed here
	$(CARGO) clean
	rm -rf tests/browser/node_modules
