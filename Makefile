# run · test · lint · lambda · deploy: each is what CI and the README call. `make` alone says what there is.

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
# What is deployed to: an environment of samconfig.toml, as in: make deploy ENV=dev
ENV ?=

CARGO_DENY := 0.20.2
CARGO_MACHETE := 0.9.2
CARGO_CYCLONEDX := 0.5.9

SPEECH := infra/speech
SPEECH_PYTHON := $(SPEECH)/.venv/bin/python
FUNCTIONS := $(notdir $(patsubst %/Cargo.toml,%,$(wildcard functions/*/Cargo.toml)))
TIMED := @infra/checks/timed.sh

.PHONY: help run test lint lambda needs needs-of-checks speech speech-test rust-test api-test contract-test api-docs simulate \
	web web-test browser-test screenshots web-lint files crates fmt clippy doc deny machete template checkov tools \
	environment package plan deploy publish smoke key destroy audit secret-scan sbom bundle bundle-test
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
	@echo 'make deploy   everything to AWS, the page too   make deploy ENV=dev, or staging, prod; make plan shows what would change'
	@echo 'make key      a key into its secret   make key ENV=dev NAME=SPEECH_API_KEY'
	@echo 'make destroy  removes all of it   make destroy ENV=dev, or with KEEP_DATA=1 all but what is stored'
	@echo 'make bundle   one archive for a machine without network; make bundle-test tries it on a bare Debian'
	@echo 'make audit    known faults in what is depended on, and secrets in what is committed; needs the network'
	@echo 'make sbom     what is in it, as CycloneDX, in target/sbom'
	@echo 'make speech   the speech server'"'"'s virtual environment'

# ---------------------------------------------------------------- run
BUILD = cargo build --locked --profile $(PROFILE) --workspace --bin callboard $(BESIDE)

run: speech web
	@$(BUILD)
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
# With a test beside it, the program is made of what the tests are made of, and next to nothing is built twice.
browser-test screenshots api-test bundle-test: BESIDE := --quiet --test end_to_end

test: speech-test rust-test api-test web-test

web-test: $(PAGE)/node_modules/installed
	$(TIMED) "the page's logic" bash -ec 'cd $(PAGE); npm test --silent'
	@$(MAKE) browser-test

# Needs Chromium; CHROMIUM names it where it is not /usr/bin/chromium.
browser-test: needs-of-checks speech web $(BROWSER)/node_modules/installed
	@$(BUILD)
	$(TIMED) "browsers" env CALLBOARD_BIN=$(abspath $(TARGET))/$(PROFILE:dev=debug)/callboard \
		bash -ec 'cd $(BROWSER); npm test --silent'

# Each page in both themes, on a wide screen, a laptop and a telephone, in target/screenshots.
screenshots: speech web $(BROWSER)/node_modules/installed
	@$(BUILD)
	@CALLBOARD_BIN=$(abspath $(TARGET))/$(PROFILE:dev=debug)/callboard node $(BROWSER)/screenshots.mjs target/screenshots

speech-test: needs-of-checks $(SPEECH)/.venv/installed-dev
	$(TIMED) "speech server's tests" $(SPEECH_PYTHON) -m pytest -rs $(SPEECH) | $(PYTHON) infra/checks/tests.py

rust-test: needs-of-checks speech $(TOOLS)/moto/installed
	$(TIMED) "cargo test" env MOTO_SERVER=$(TOOLS)/moto/bin/moto_server cargo test --workspace --locked --profile $(PROFILE) --no-fail-fast 2>&1 | $(PYTHON) infra/checks/tests.py

# Every answer of the REST interface is what its document says.
api-test: needs-of-checks $(TOOLS)/api/installed
	@$(BUILD)
	@$(TOOLS)/api/bin/python infra/checks/api.py --self-test
	$(TIMED) "schemathesis" $(TOOLS)/api/bin/python infra/checks/api.py $(TARGET)/$(PROFILE:dev=debug)/callboard

# A part of rust-test, alone: every AWS operation of the code, on the local stack and on moto.
contract-test: needs-of-checks $(TOOLS)/moto/installed
	@MOTO_SERVER=$(TOOLS)/moto/bin/moto_server \
		cargo test --workspace --locked --profile $(PROFILE) --test aws_contract

# Writes openapi.json and asyncapi.json in shared/wire/api anew, of the files beside them and the types that are sent.
api-docs: needs
	@cargo run --quiet --locked --package callboard-wire --features schema --example openapi

# How many of them, or which: SEEDS=100..200, and SEEDS=42 with its log.
SEEDS ?= 0..100000

simulate: needs-of-checks
	@SIMULATION_SEEDS=$(SEEDS) cargo test --workspace --locked --profile $(PROFILE) --test simulation \
		no_word_is_lost -- --nocapture

# ---------------------------------------------------------------- lint
lint: files crates web-lint fmt deny machete template checkov clippy doc

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
	@$(TOOLS)/aws/bin/python infra/deploy/stack.py --self-test

checkov: $(TOOLS)/checkov/installed
	$(TIMED) "checkov" $(TOOLS)/checkov/bin/checkov --file template.yaml --config-file infra/checks/checkov.yaml

# ---------------------------------------------------------------- lambda
# One package at a time would take each function's features alone, and most of the time for nothing: what a function
# carries is proved by `make crates`, that every one links is proved here. `callboard-runtime` has a function that does
# nothing, which `callboard bench cold-start` measures the others against.
lambda: needs $(TOOLS)/aws/installed
	@rm -rf $(TARGET)/lambda
	$(TIMED) "cargo lambda build" env PATH="$(TOOLS)/aws/bin:$$PATH" \
		cargo lambda build --locked $(FUNCTIONS:%=--package callboard-%) --package callboard-runtime $(LAMBDA)
	@for function in $(FUNCTIONS); do \
		test -x $(TARGET)/lambda/$$function/bootstrap || { echo "error: $$function was not built" >&2; exit 1; }; \
	done
	@echo "$(words $(FUNCTIONS)) functions built: $(FUNCTIONS)"

# ---------------------------------------------------------------- deploy
STACK = callboard-$(ENV)
PYTHON_OF_AWS := $(TOOLS)/aws/bin/python
BUILT := $(TARGET)/deploy/template.yaml
SAM_DEPLOY = SAM_CLI_TELEMETRY=0 $(TOOLS)/aws/bin/sam deploy --template-file $(BUILT) \
	--config-file $(CURDIR)/samconfig.toml --config-env $(ENV) --no-fail-on-empty-changeset

environment: $(TOOLS)/aws/installed
	@test -n "$(ENV)" || { echo 'error: name what to deploy to, as in: make $(MAKECMDGOALS) ENV=dev' >&2; exit 1; }
	@$(PYTHON_OF_AWS) infra/deploy/stack.py architecture $(ENV) >/dev/null

# The template with what was built in the place of its source.
package: environment web
	@$(MAKE) lambda LAMBDA="--release $$($(PYTHON_OF_AWS) infra/deploy/stack.py architecture $(ENV) | \
		sed 's/^arm64$$/--arm64/; s/^x86_64$$/--x86-64/')"
	@mkdir -p $(dir $(BUILT))
	@sed -E 's#CodeUri: functions/([a-z]+)#CodeUri: $(abspath $(TARGET))/lambda/\1#' template.yaml >$(BUILT)

plan: package
	@$(SAM_DEPLOY) --no-execute-changeset

deploy: package
	@$(SAM_DEPLOY) --no-confirm-changeset
	@$(MAKE) publish

publish: environment web
	@$(PYTHON_OF_AWS) infra/deploy/stack.py publish $(STACK) $(PAGE)/dist

# Whether what was deployed answers.
smoke: environment
	@$(PYTHON_OF_AWS) infra/deploy/stack.py smoke $(STACK)

# Read from the terminal, or from the standard input: make key ENV=dev NAME=SPEECH_API_KEY <key.txt
key: environment
	@$(PYTHON_OF_AWS) infra/deploy/stack.py key $(STACK) $(NAME)

destroy: environment
	@$(PYTHON_OF_AWS) infra/deploy/stack.py destroy $(STACK) $(if $(filter-out 0,$(KEEP_DATA)),--keep-data)

# ---------------------------------------------------------------- one archive
BUNDLE := $(TARGET)/bundle/callboard-$(shell uname -m).tar.gz

# All of it for a machine without network: infra/bundle/README.md.
bundle: speech web
	@$(BUILD)
	@infra/bundle/make.sh $(TARGET)/$(PROFILE:dev=debug)/callboard $(BUNDLE)

# Installs and runs it on a bare Debian in a network namespace of its own. BARE names such a Debian's folder; else one is
# made with debootstrap. Needs root.
bundle-test: bundle
	$(TIMED) "bundle" tests/bundle.sh $(BUNDLE) $(BARE)

# ---------------------------------------------------------------- what it is made of
# Apart from lint: what is known of others' faults changes by the day, and has to be asked for.
audit: secret-scan $(TOOLS)/bin/cargo-deny-$(CARGO_DENY) $(TOOLS)/sbom/installed
	$(TIMED) "cargo deny" $(TOOLS)/bin/cargo-deny-$(CARGO_DENY) --locked check --hide-inclusion-graph advisories
	$(TIMED) "npm audit" bash -ec 'for folder in $(PAGE) $(BROWSER); do (cd $$folder; npm audit --audit-level=high); done'
	$(TIMED) "pip-audit" bash -ec 'for file in $(SPEECH)/requirements.txt infra/checks/requirements*.txt; do \
		$(TOOLS)/sbom/bin/pip-audit --progress-spinner off --disable-pip --no-deps --requirement $$file; done'

# What looks like a secret and is none stands in .secrets.baseline; `detect-secrets scan --baseline .secrets.baseline` writes
# it anew, and 3 is its word for lines that moved.
secret-scan: $(TOOLS)/sbom/installed
	@cp .secrets.baseline $(TARGET)/secrets.baseline
	$(TIMED) "secrets" bash -ec 'git ls-files -z | xargs -0 bash -c \
		'"'"'$(TOOLS)/sbom/bin/detect-secrets-hook --baseline $(TARGET)/secrets.baseline "$$@" || test $$? = 3'"'"' _'

sbom: $(TOOLS)/bin/cargo-cyclonedx-$(CARGO_CYCLONEDX) $(TOOLS)/sbom/installed $(PAGE)/node_modules/installed
	@rm -rf $(TARGET)/sbom && mkdir -p $(TARGET)/sbom
	$(TIMED) "sbom" env SBOM=$(abspath $(TARGET))/sbom TOOLS=$(TOOLS) PAGE=$(PAGE) SPEECH=$(SPEECH) infra/checks/sbom.sh

# ---------------------------------------------------------------- tools
tools: $(TOOLS)/bin/cargo-deny-$(CARGO_DENY) $(TOOLS)/bin/cargo-machete-$(CARGO_MACHETE) $(TOOLS)/aws/installed \
	$(TOOLS)/checkov/installed

# Built without optimisation: they run for seconds.
$(TOOLS)/bin/cargo-deny-$(CARGO_DENY) $(TOOLS)/bin/cargo-machete-$(CARGO_MACHETE) &: | needs
	$(TIMED) "installing cargo deny and cargo machete" env CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 \
		cargo install --quiet --locked --debug --root $(TOOLS) --target-dir $(TOOLS)/build \
		cargo-deny@$(CARGO_DENY) cargo-machete@$(CARGO_MACHETE)
	@rm -rf $(TOOLS)/build
	@cd $(TOOLS)/bin && ln -sf cargo-deny cargo-deny-$(CARGO_DENY) && ln -sf cargo-machete cargo-machete-$(CARGO_MACHETE)

$(TOOLS)/aws/installed: infra/checks/requirements.txt | needs
	@mkdir -p $(TOOLS)
	@$(PYTHON) -m venv --clear $(TOOLS)/aws
	$(TIMED) "installing SAM and cargo lambda" \
		$(TOOLS)/aws/bin/pip install --quiet --no-compile --disable-pip-version-check --requirement $<
	@touch $@

# checkov, and what makes lists of parts and looks through them: each has its own idea of what it needs.
$(TOOLS)/checkov/installed $(TOOLS)/sbom/installed $(TOOLS)/api/installed $(TOOLS)/moto/installed: \
		$(TOOLS)/%/installed: infra/checks/requirements-%.txt | needs
	@mkdir -p $(TOOLS)
	@$(PYTHON) -m venv --clear $(TOOLS)/$*
	$(TIMED) "installing the checks of $*" \
		$(TOOLS)/$*/bin/pip install --quiet --no-compile --disable-pip-version-check --requirement $<
	@touch $@

$(TOOLS)/bin/cargo-cyclonedx-$(CARGO_CYCLONEDX): | needs
	$(TIMED) "installing cargo cyclonedx" env CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 \
		cargo install --quiet --locked --debug --root $(TOOLS) --target-dir $(TOOLS)/build \
		cargo-cyclonedx@$(CARGO_CYCLONEDX)
	@rm -rf $(TOOLS)/build
	@cd $(TOOLS)/bin && ln -sf cargo-cyclonedx cargo-cyclonedx-$(CARGO_CYCLONEDX)
