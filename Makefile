# Tercel's tasks. `make` or `make help` lists them; the text behind ## is what it prints.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

GO       ?= go
BIN      := $(CURDIR)/bin
# What the tests run on: PKG=./engine/... make test
PKG      ?= ./...
# Further flags of go test: TESTFLAGS='-run TestKill -v' make test
TESTFLAGS ?=
FUZZTIME ?= 60s
BENCH    ?= .
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# The linter is built from source at this version, into ./bin, when `make lint` first needs it.
GOLANGCI_VERSION := v2.15.0
GOLANGCI         := $(BIN)/golangci-lint-$(GOLANGCI_VERSION)

.PHONY: help
help: ## list the tasks
	@echo "Tercel. make TASK, with one of:"
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z-]*:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## The two commands that matter

.PHONY: demo
demo: postgres build ## start everything, run the examples for real, kill the engine once, show the results
	@$(GO) run ./examples/demo -tercel $(BIN)/tercel

.PHONY: test
test: postgres clients ## vet, then every test; needs Go, and installs Postgres, clients of AWS and Chromium where it may
	$(GO) vet ./...
	@$(GO) run ./scripts/gotest -shuffle=on -timeout=9m $(TESTFLAGS) $(PKG)

## Building

.PHONY: build
build: ## build bin/tercel
	@mkdir -p $(BIN)
	$(GO) build -o $(BIN)/tercel ./cmd/tercel

.PHONY: image
image: ## build the container image tercel:latest
	docker build -t tercel:latest --build-arg VERSION=$(VERSION) .

## Checking

.PHONY: test-race
test-race: postgres ## every test under the race detector (needs a C compiler; slower)
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout=30m $(TESTFLAGS) $(PKG)

.PHONY: lint
lint: $(GOLANGCI) ## golangci-lint with .golangci.yml; builds the linter at its first run (a few minutes)
	$(GOLANGCI) run ./...

.PHONY: fmt
fmt: $(GOLANGCI) ## format the Go sources
	$(GOLANGCI) fmt ./...

$(GOLANGCI):
	@mkdir -p $(BIN)
	GOBIN=$(BIN)/.install $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(BIN)/.install/golangci-lint $@
	rmdir $(BIN)/.install

.PHONY: bench
bench: postgres ## Go benchmarks (BENCH=regexp, PKG=./statemachine/...)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(PKG)

.PHONY: compare
compare: ## the language beside what else there is in Go for its parts (BENCH=regexp); a module of its own
	cd statemachine/benchmarks && $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(TESTFLAGS) .

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (60s) each
	@GO=$(GO) FUZZTIME=$(FUZZTIME) scripts/fuzz

.PHONY: conformance
conformance: ## the cases recorded from the reference service: make conformance CORPUS=FOLDER
	@test -n '$(CORPUS)' || { echo 'conformance: name the folder of the recorded cases: make conformance CORPUS=FOLDER' >&2; exit 2; }
	@TERCEL_CONFORMANCE='$(abspath $(CORPUS))' $(GO) run ./scripts/gotest -run 'Conformance|Suite|Recorded|Sample|Labels' $(TESTFLAGS) ./statemachine/... ./engine/ ./web/awsapi

## Housekeeping

.PHONY: postgres
postgres: ## see to it that Postgres binaries are on this machine
	@scripts/postgres

.PHONY: clients
clients: ## see to it that AWS's clients, which the tests drive Tercel with, are on this machine
	@scripts/clients

.PHONY: clean
clean: ## remove what the other tasks made in this folder
	rm -rf $(BIN) dist .demo
