# run · test · lint · lambda: each is what CI and the README call. `make` alone says what there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
# What the checks need and no machine has: in the build folder, so that `cargo clean` takes it away.
TOOLS ?= $(CURDIR)/target/tools
TARGET := $(or $(CARGO_TARGET_DIR),target)

# Options of `callboard dev`, as in: make run ARGS="--port 9000"
ARGS ?=
# Cargo's profile of what runs and is tested here. dev is built in a third of the time; the simulation takes four times
# as long in it.
PROFILE ?= local
# Options of `cargo lambda build`, as in: make lambda LAMBDA="--release --arm64"
LAMBDA ?=

CARGO_DENY := 0.20.2
CARGO_MACHETE := 0.9.2

SPEECH := infra/speech
SPEECH_PYTHON := $(SPEECH)/.venv/bin/python
FUNCTIONS := $(notdir $(patsubst %/Cargo.toml,%,$(wildcard functions/*/Cargo.toml)))
TIMED := @infra/checks/timed.sh

.PHONY: help run test lint lambda needs needs-of-checks speech speech-test rust-test api-test contract-test api-docs \
	simulate web web-test browser-test screenshots web-lint files crates fmt clippy doc deny machete template tools
.NOTPARALLEL:

help:
	@echo 'make run      the whole system on this machine   make run ARGS="--port 9000"'
	@echo 'make test     every test: unit, integration, end to end'
	@echo 'make contract-test  what the code asks of AWS, asked of the local stack and of moto'
	@echo 'make api-docs  the OpenAPI and AsyncAPI documents, made anew from the types and shared/wire/api'
	@echo 'make simulate  the live path under everything that the cloud does to it   make simulate SEEDS=42'
	@echo 'make lint     format, lints, documentation, licences, what may depend on what, the template'
	@echo 'make web      the page, built into dashboard/dist; make run does it where something changed'
	@echo 'make web-test the page: its logic, and browsers against a stack   make screenshots'
	@echo 'make lambda   every function, built as Lambda runs it   make lambda LAMBDA="--release --arm64"'
	@echo 'make speech   the speech server'"'"'s virtual environment'

# ---------------------------------------------------------------- run
run: speech web
	@cargo build --locked --profile $(PROFILE) --workspace --bin callboard
	@exec $(TARGET)/$(PROFILE:dev=debug)/callboard dev $(ARGS)

needs:
	@PYTHON="$(PYTHON)" infra/checks/needs.sh

needs-of-checks:
	@PYTHON="$(PYTHON)" infra/checks/needs.sh checks

# ---------------------------------------------------------------- the speech server
speech: $(SPEECH)/.venv/installed

# Made anew when what is pinned changes, or when the Python that it was made with is gone.
ifeq ($(shell test -x $(SPEECH_PYTHON) && echo there),)
.PHONY: $(SPEECH)/.venv/installed
endif
$(SPEECH)/.venv/installed: $(SPEECH)/requirements.txt | needs
	@echo "installing the speech server (about 400 MB, once)"
	@$(PYTHON) -m venv --clear $(SPEECH)/.venv
	@$(SPEECH_PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(SPEECH)/.venv/installed-dev: $(SPEECH)/requirements-dev.txt $(SPEECH)/.venv/installed
	@$(SPEECH_PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# ---------------------------------------------------------------- the page
PAGE := dashboard
BROWSER := tests/browser
PAGE_SOURCES = $(wildcard $(shell git ls-files --cached --others --exclude-standard $(PAGE)) shared/wire/api/*api.json)

web: $(PAGE)/dist/index.html

$(PAGE)/dist/index.html: $(PAGE)/node_modules/installed $(PAGE_SOURCES)
	@cd $(PAGE) && npm run --silent build

# As the lock file has it, and no package's own scripts are run. `npm ci` refuses lock files that leave out an optional
# package of another system which a registry does not have.
%/node_modules/installed: %/package.json %/package-lock.json %/.npmrc | needs
	@cd $* && npm install --no-save --no-progress --loglevel=error
	@touch $@

web-lint: $(PAGE)/node_modules/installed
	$(TIMED) "the page's types and lints" bash -ec 'cd $(PAGE); npm run --silent check'

# ---------------------------------------------------------------- test
test: speech-test rust-test api-test web-test

web-test: $(PAGE)/node_modules/installed
	$(TIMED) "the page's logic" bash -ec 'cd $(PAGE); npm test --silent'
	@$(MAKE) browser-test

# Needs Chromium; CHROMIUM names it where it is not /usr/bin/chromium.
browser-test: needs-of-checks speech web $(BROWSER)/node_modules/installed
	@cargo build --quiet --locked --profile $(PROFILE) --workspace --bin callboard
	$(TIMED) "browsers" env CALLBOARD_BIN=$(abspath $(TARGET))/$(PROFILE:dev=debug)/callboard \
		bash -ec 'cd $(BROWSER); npm test --silent'

# Each page in both themes, wide and narrow, in target/screenshots.
screenshots: speech web $(BROWSER)/node_modules/installed
	@cargo build --quiet --locked --profile $(PROFILE) --workspace --bin callboard
	@CALLBOARD_BIN=$(abspath $(TARGET))/$(PROFILE:dev=debug)/callboard node $(BROWSER)/screenshots.mjs target/screenshots

speech-test: needs-of-checks $(SPEECH)/.venv/installed-dev
	$(TIMED) "speech server's tests" $(SPEECH_PYTHON) -m pytest -rs $(SPEECH) | $(PYTHON) infra/checks/tests.py

rust-test: needs-of-checks speech $(TOOLS)/moto/installed
	$(TIMED) "cargo test" env MOTO_SERVER=$(TOOLS)/moto/bin/moto_server cargo test --workspace --locked --profile $(PROFILE) --no-fail-fast 2>&1 | $(PYTHON) infra/checks/tests.py

# Every answer of the REST interface is what its document says.
api-test: needs-of-checks $(TOOLS)/api/installed
	@cargo build --quiet --locked --profile $(PROFILE) --workspace --bin callboard
	@$(TOOLS)/api/bin/python infra/checks/api.py --self-test
	$(TIMED) "schemathesis" $(TOOLS)/api/bin/python infra/checks/api.py $(TARGET)/$(PROFILE:dev=debug)/callboard

# A part of rust-test, alone: every AWS operation of the code, on the local stack and on moto.
contract-test: needs-of-checks $(TOOLS)/moto/installed
	@MOTO_SERVER=$(TOOLS)/moto/bin/moto_server \
		cargo test --locked --profile $(PROFILE) --package callboard-tests --test aws_contract

# Writes openapi.json and asyncapi.json in shared/wire/api anew, of the files beside them and the types that are sent.
api-docs: needs
	@cargo run --quiet --locked --package callboard-wire --features schema --example openapi

# How many of them, or which: SEEDS=100..200, and SEEDS=42 with its log.
SEEDS ?= 0..100000

simulate: needs-of-checks
	@SIMULATION_SEEDS=$(SEEDS) cargo test --workspace --locked --profile $(PROFILE) --test simulation \
		no_word_is_lost -- --nocapture

# ---------------------------------------------------------------- lint
lint: files crates web-lint fmt deny machete template clippy doc

files: needs-of-checks
	$(TIMED) "files" bash -ec 'for check in files tests; do $(PYTHON) infra/checks/$$check.py --self-test; done; \
		$(PYTHON) infra/checks/files.py'

crates: needs-of-checks
	$(TIMED) "what may depend on what" bash -ec '$(PYTHON) infra/checks/crates.py --self-test; \
		$(PYTHON) infra/checks/crates.py'

fmt: needs-of-checks
	$(TIMED) "cargo fmt" cargo fmt --all --check

clippy: needs-of-checks
	$(TIMED) "cargo clippy" cargo clippy --workspace --all-targets --locked -- -D warnings

doc: needs-of-checks
	$(TIMED) "cargo doc" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

deny: $(TOOLS)/bin/cargo-deny-$(CARGO_DENY)
	$(TIMED) "cargo deny" $< --locked check --hide-inclusion-graph bans licenses sources

machete: $(TOOLS)/bin/cargo-machete-$(CARGO_MACHETE)
	$(TIMED) "cargo machete" $< --with-metadata .

# SAM asks for a region even where nothing is deployed.
template: $(TOOLS)/aws/installed
	$(TIMED) "sam validate" env SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 \
		$(TOOLS)/aws/bin/sam validate --lint --template-file template.yaml

# ---------------------------------------------------------------- lambda
# One package at a time would take each function's features alone, and most of the time for nothing: what a function
# carries is proved by `make crates`, that every one links is proved here.
lambda: needs-of-checks $(TOOLS)/aws/installed
	@rm -rf $(TARGET)/lambda
	$(TIMED) "cargo lambda build" env PATH="$(TOOLS)/aws/bin:$$PATH" \
		cargo lambda build --locked $(FUNCTIONS:%=--package callboard-%) $(LAMBDA)
	@for function in $(FUNCTIONS); do \
		test -x $(TARGET)/lambda/$$function/bootstrap || { echo "error: $$function was not built" >&2; exit 1; }; \
	done
	@echo "$(words $(FUNCTIONS)) functions built: $(FUNCTIONS)"

# ---------------------------------------------------------------- tools
tools: $(TOOLS)/bin/cargo-deny-$(CARGO_DENY) $(TOOLS)/bin/cargo-machete-$(CARGO_MACHETE) $(TOOLS)/aws/installed

# Built without optimisation: they run for seconds.
$(TOOLS)/bin/cargo-deny-$(CARGO_DENY) $(TOOLS)/bin/cargo-machete-$(CARGO_MACHETE) &: | needs-of-checks
	$(TIMED) "installing cargo deny and cargo machete" env CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 \
		cargo install --quiet --locked --debug --root $(TOOLS) --target-dir $(TOOLS)/build \
		cargo-deny@$(CARGO_DENY) cargo-machete@$(CARGO_MACHETE)
	@rm -rf $(TOOLS)/build
	@cd $(TOOLS)/bin && ln -sf cargo-deny cargo-deny-$(CARGO_DENY) && ln -sf cargo-machete cargo-machete-$(CARGO_MACHETE)

$(TOOLS)/aws/installed: infra/checks/requirements.txt | needs-of-checks
	@mkdir -p $(TOOLS)
	@$(PYTHON) -m venv --clear $(TOOLS)/aws
	$(TIMED) "installing SAM and cargo lambda" \
		$(TOOLS)/aws/bin/pip install --quiet --no-compile --disable-pip-version-check --requirement $<
	@touch $@

$(TOOLS)/api/installed: infra/checks/requirements-api.txt | needs-of-checks
	@mkdir -p $(TOOLS)
	@$(PYTHON) -m venv --clear $(TOOLS)/api
	$(TIMED) "installing schemathesis" \
		$(TOOLS)/api/bin/pip install --quiet --no-compile --disable-pip-version-check --requirement $<
	@touch $@

$(TOOLS)/moto/installed: infra/checks/requirements-moto.txt | needs-of-checks
	@mkdir -p $(TOOLS)
	@$(PYTHON) -m venv --clear $(TOOLS)/moto
	$(TIMED) "installing moto" \
		$(TOOLS)/moto/bin/pip install --quiet --no-compile --disable-pip-version-check --requirement $<
	@touch $@
