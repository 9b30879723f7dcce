# Every target works with any Node.js >= 20 on the machine: what runs, runs on the Node.js that package-lock.json pins.
MAKEFLAGS += --no-print-directory
BIN := node_modules/.bin
NODE := $(BIN)/node
INSTALLED := node_modules/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
NAME ?= client
ROLE ?= write

.PHONY: help key install generate format verify test unit flow contract setup up down logs bench bench-cluster conformance images clean cluster-up cluster-down deploy e2e

help: ## Shows this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

$(INSTALLED): package-lock.json .npmrc tools/install.sh
	@tools/install.sh
	@touch $@

install: $(INSTALLED) ## Installs the packages; the other targets do so themselves

up: $(INSTALLED) ## Builds the images, starts the local control plane, prints what to try next
	@$(NODE) local/cli.ts up

down: $(INSTALLED) ## Stops the local control plane and its sandboxes
	@$(NODE) local/cli.ts down

logs: $(INSTALLED) ## Follows the log of the local control plane
	@$(NODE) local/cli.ts logs

verify: $(INSTALLED) ## Checks in seconds: generated files, types, lint, format, layers, dead code, licences, unit tests
	@$(NODE) tools/run-checks.ts verify

test: setup $(INSTALLED) ## Checks everything: verify, flows, contracts, the executor, the main job on both runners
	@$(NODE) tools/run-checks.ts test

unit flow contract: $(INSTALLED) ## Runs these tests alone
	@npm run --silent $@

setup: # On a bare Debian machine: what the suites need
	@tools/bare-debian.sh

generate: $(INSTALLED) ## Writes the generated files anew
	@npm run --silent generate

format: $(INSTALLED) ## Formats all files
	@npm run --silent format

key: $(INSTALLED) ## Makes an API key: make key NAME=ci ROLE=write
	@$(NODE) api-shim/make-key.ts --name '$(NAME)' --role '$(ROLE)'

conformance: $(INSTALLED) ## Tries an API against every case of the specification: make conformance BASE_URL=http://localhost:8000
	@BASE_URL='$(BASE_URL)' API_KEY='$(API_KEY)' $(NODE) test/conformance/run.ts $(if $(NAME_OF_RESULTS),--name '$(NAME_OF_RESULTS)')

images: $(INSTALLED) ## Builds the images of the sandboxes and of the control plane
	@images/build.sh

bench: $(INSTALLED) ## Measures runs beside their physical baselines
	@$(NODE) test/bench/main.ts

bench-cluster: $(INSTALLED) ## Measures this checkout on the cluster, beside bare pods and agent-sandbox; writes docs/benchmarks.md
	@test/bench/with-cluster

cluster-up: $(INSTALLED) ## Starts a Kubernetes cluster on this machine, by kind or from source; see test/cluster
	@test/cluster/cluster-up

cluster-down: ## Stops it
	@test/cluster/cluster-down

deploy: $(INSTALLED) ## Installs this checkout into that cluster, which it starts
	@test/cluster/deploy

e2e: setup $(INSTALLED) ## Checks the chart and the life of sandboxes on that cluster; replaces what is installed there
	@$(NODE) tools/run-checks.ts e2e

clean: ## Stops the local control plane; removes its state, caches and the packages
	@if [ -x $(NODE) ] && [ -f local/cli.ts ]; then $(NODE) local/cli.ts clean; fi
	@rm -rf node_modules .cache coverage
