# `make help` lists what there is to do.

SHELL := /bin/bash
MACHINE := $(shell uname -m)
TARGET := $(MACHINE)-unknown-linux-musl
RELEASE := target/$(TARGET)/release/bootstrap
DEBUG := target/$(TARGET)/debug/bootstrap
# A thousand small files cost seconds on a slow disk and nothing in memory.
TMPFS := $(firstword $(wildcard /dev/shm) $(TMPDIR) /tmp)
CARGO_DENY := $(or $(shell command -v cargo-deny),target/tools/bin/cargo-deny)

# C code is ring's alone.
export CC_aarch64_unknown_linux_musl ?= $(if $(filter aarch64,$(MACHINE)),musl-gcc,aarch64-linux-gnu-gcc)

.PHONY: help
help: ## Show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: run
run: setup ## Build the static binary and bring a delegate up with it, on the real tools
	scripts/build-release $(TARGET)
	BOOTSTRAP_BINARY=$(RELEASE) scripts/demo

.PHONY: test
test: lint ## Check and test everything, the real tools included
	scripts/artifacts authenticators
	scripts/artifacts kubectls
	cargo test --locked --target $(TARGET)
	scripts/test-init
	cargo build --locked --target $(TARGET)
	BOOTSTRAP_BINARY=$(DEBUG) scripts/test-root
	BOOTSTRAP_BINARY=$(DEBUG) scripts/test-image
	TMPDIR=$(TMPFS) BOOTSTRAP_BINARY=$(DEBUG) scripts/test-airgap
	TMPDIR=$(TMPFS) BOOTSTRAP_BINARY=$(DEBUG) scripts/kill-test
	BOOTSTRAP_BINARY=$(DEBUG) scripts/demo

.PHONY: check
check: test ## The same as test: what CI runs

.PHONY: lint
lint: setup ## Format, clippy, shellcheck, and the crates' bans, licences and sources
	cargo fmt --check
	cargo clippy --locked --all-targets --target $(TARGET) -- -D warnings
	shellcheck -x $$(grep -rlE '^#!/bin/(ba)?sh|^# shellcheck shell' scripts .ci)
	$(CARGO_DENY) --log-level error check bans licenses sources

.PHONY: advisories
advisories: setup ## Ask the RustSec database about the crates (needs GitHub)
	@$(CARGO_DENY) check advisories || { echo 'advisories: failed; if the database could not be fetched, nothing was checked' >&2; exit 1; }

.PHONY: bench
bench: setup ## Measure against the tools that are used today, side by side
	scripts/build-release $(TARGET)
	BOOTSTRAP_BINARY=$(RELEASE) scripts/bench

.PHONY: fuzz
fuzz: ## Fuzz the YAML editor and patch, each for FUZZ_SECONDS=60 (needs C++)
	scripts/fuzz

.PHONY: dist
dist: ## Build the release: static binaries for amd64 and arm64, archives, checksums
	scripts/setup --cross
	scripts/dist

.PHONY: dist-check
dist-check: dist ## Build the release again and compare; run both of its binaries
	scripts/dist-check

.PHONY: fmt
fmt: ## Format the code
	cargo fmt

.PHONY: clean
clean: ## Remove all that was built or downloaded
	cargo clean

.PHONY: setup
setup:
	@scripts/setup
