# `make` alone lists what it can do.
.DEFAULT_GOAL := help
CARGO ?= cargo
PROFILE ?= release

.PHONY: help build run test test-tools fmt lint doc deny clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build both binaries, optimised
	$(CARGO) build --locked --profile $(PROFILE)

run: ## serve on http://127.0.0.1:8080
	$(CARGO) run --locked --profile $(PROFILE)

test: test-tools ## install what the tests need and is missing, and run every test
	$(CARGO) test --locked

test-tools: ## install what the browser test needs and is missing
	sh tests/browser/install.sh

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

clean: ## remove what was built and installed here
	$(CARGO) clean
	rm -rf tests/browser/node_modules
