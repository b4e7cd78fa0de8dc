# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The real lab: required (it must run), auto (skipped loudly where it cannot), off.
CONNECTOR_LAB ?= auto
export CONNECTOR_LAB
# Where it is set, each pytest compiles every test anew: 22 s to collect them instead of 10 s.
unexport PYTHONDONTWRITEBYTECODE
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test check lint types unit slow sim lab lab-tests lab-states lab-test lab-9 lab-9-modules soak lab-packages tool-packages bench bench-watch bench-idle bench-scrape bench-fleet fuzz fuzz-corpus mutants pictures docs man deb lock clean venv dev

help:  ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 22

demo: $(VENV)/run.stamp  ## Watch a simulated pair split and be put together again (no root, no DRBD)
	@$(BIN)/connector demo

test: lab-packages tool-packages check slow sim lab-tests  ## Lint, types, unit tests, schedules, and real DRBD in two virtual machines

check: lint types unit  ## The quick part: lint, types, unit tests

lint: $(VENV)/dev.stamp  ## Style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp  ## Types
	$(BIN)/mypy

unit: $(VENV)/dev.stamp  ## Unit tests, without the lab
	$(BIN)/pytest -q -n 3 --dist worksteal -m "not real_drbd and not soak and not broken_rules and not slow"

# Only files with the mark are read: each process would read all others for longer than its tests take.
slow: $(VENV)/dev.stamp tool-packages  ## Unit tests that start a browser or a Prometheus, build the package, wait, or take long
	$(BIN)/pytest -q -n 3 --dist worksteal -m "slow and not real_drbd and not soak and not broken_rules" \
	  $$(grep -rl --include='test_*.py' 'mark\.slow' tests)

# The rules that are broken on purpose come first: what does not catch them proves nothing.
SEEDS ?= 500
sim: $(VENV)/dev.stamp  ## Schedules on the simulated pair: make sim SEEDS=20000
	$(BIN)/pytest -q -n 2 -m broken_rules tests/schedules
	$(BIN)/python -m tests.schedules --seeds $(SEEDS)

lab-packages:
	@PYTHONPATH=. $(PYTHON) -m tests.lab.packages || test "$(CONNECTOR_LAB)" != required

# What some unit tests look at connector's page, rules and units with. They are skipped without it,
# and say so; where the lab is required, so is this.
TOOLS = chromium:chromium promtool:prometheus prometheus:prometheus systemd-analyze:systemd \
  prometheus-node-exporter:prometheus-node-exporter man:man-db mandoc:mandoc zsh:zsh fish:fish \
  dpkg-buildpackage:dpkg-dev dh:debhelper dh_python3:dh-python e2image:e2fsprogs xfs_copy:xfsprogs xmllint:libxml2-utils

tool-packages:
	@lacking=; for tool in $(TOOLS); do \
	  command -v "$${tool%:*}" >/dev/null || lacking="$$lacking $${tool#*:}"; done; \
	/usr/bin/python3 -c 'import ensurepip' 2>/dev/null || lacking="$$lacking python3-venv"; \
	test -z "$$lacking" || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	  apt-get install -qq -y --no-install-recommends $$lacking >/dev/null; } || { \
	  echo "missing, so some tests are skipped:$$lacking (apt-get install, as root)" >&2; \
	  test "$(CONNECTOR_LAB)" != required; }

# Two pairs share the stories: one waits for DRBD most of the time, and leaves a core idle.
lab-tests: $(VENV)/dev.stamp lab-packages tool-packages  ## The stories on real DRBD
	$(BIN)/pytest -q -n 2 --dist worksteal --durations 12 -m "real_drbd and not soak" tests/lab tests/stories

lab-states: $(VENV)/dev.stamp lab-packages tool-packages  ## The stories on real DRBD, compared with what was recorded of it
	CONNECTOR_LAB_STATES=compare $(BIN)/pytest -q -n 2 --dist worksteal -m "real_drbd and not soak" tests/stories

lab-test: $(VENV)/dev.stamp lab-packages tool-packages  ## One story on real DRBD: make lab-test STORY=grace
	@test -n "$(STORY)" || { echo "which one? make lab-test STORY=WORD (a part of its name)" >&2; exit 2; }
	@$(BIN)/pytest -v -m real_drbd -k "$(STORY)" tests/lab tests/stories || { status=$$?; \
	  test $$status != 5 || echo "no story on real DRBD has $(STORY) in its name;" \
	    "$(BIN)/pytest --collect-only -q -m real_drbd lists them" >&2; exit $$status; }

# Debian has no module of DRBD 9 for the lab's kernel, so `make test` does not call this. Who calls it
# by name wants it run: whatever does not run, fails.
lab-9: lab-9-modules $(VENV)/dev.stamp lab-packages  ## The stories on real DRBD 9: make lab-9 DRBD9_MODULES=FOLDER (docs/lab.md)
	@PYTHONPATH=. $(BIN)/python -m tests.lab.drbd_9_modules
	CONNECTOR_LAB=required $(BIN)/pytest -v -m real_drbd_9 tests/stories_9

lab-9-modules:
	@test -n "$(DRBD9_MODULES)" || { echo "lab-9: DRBD9_MODULES is not set:" \
	  "the stories on DRBD 9 DID NOT RUN (docs/lab.md)" >&2; exit 3; }

MAIL_OUTCOMES = build/lab/mail-cluster.jsonl

soak: $(VENV)/dev.stamp lab-packages tool-packages  ## The other stories on real DRBD, and for longer: two to three hours (the mail cluster, an hour: STORY=every_failure)
	@rm -f $(MAIL_OUTCOMES)
	$(BIN)/pytest -v -n 2 --dist worksteal -m "real_drbd and soak" $(if $(STORY),-k "$(STORY)") tests/lab tests/stories
	@test -n "$(STORY)" -a ! -e $(MAIL_OUTCOMES) || $(BIN)/python -m tests.stories.mail_outcomes $(MAIL_OUTCOMES)

lab: $(VENV)/dev.stamp lab-packages  ## Boot the real pair and get a prompt on either node
	$(BIN)/python -m tests.lab

bench: $(VENV)/run.stamp  ## CPU and wall time of a healthy pass beside a shell script of the old kind
	$(BIN)/python benchmarks/healthy_pass.py

bench-watch: $(VENV)/dev.stamp lab-packages  ## How fast watch heals beside a script, on real DRBD
	$(BIN)/python -m benchmarks.watch

bench-idle: $(VENV)/dev.stamp  ## What an idle watch costs, beside cron's passes: ten minutes
	$(BIN)/python -m benchmarks.idle_watch

bench-scrape: $(VENV)/dev.stamp tool-packages  ## A scrape of 1,000 minors, beside node_exporter's collector
	$(BIN)/python -m benchmarks.scrape

bench-fleet: $(VENV)/dev.stamp tool-packages  ## One Prometheus and 1,000 pairs, beside node_exporter's series
	$(BIN)/python -m benchmarks.fleet

fuzz: $(VENV)/fuzz.stamp  ## Give the parsers bytes that a fuzzer makes up: make fuzz SECONDS=3600
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),280) $(if $(TARGET),--target $(TARGET))

fuzz-corpus: $(VENV)/fuzz.stamp  ## Make tests/fuzz/corpus anew: the fewest inputs that reach the same
	$(BIN)/python -m tests.fuzz --minimise

mutants: $(VENV)/dev.stamp build/mutants/venv.stamp  ## Change connector/decide bit by bit: do its tests notice?
	$(BIN)/python -m tests.decide.mutants

pictures: $(VENV)/dev.stamp tool-packages  ## Draw the pictures of the dashboards and of an incident
	$(BIN)/python -m tests.contrib.panels docs/pictures
	$(BIN)/python -m tests.contrib.history_picture docs/pictures/history.svg

docs: $(VENV)/run.stamp man  ## Render the pages that come from the code
	$(BIN)/connector table --format markdown > docs/decision-table.md

man: $(VENV)/run.stamp  ## Render the manual pages
	$(BIN)/python packaging/manual.py docs/man

deb: $(VENV)/run.stamp tool-packages  ## Build the Debian package into build/deb
	$(BIN)/python packaging/deb.py build/deb

lock: $(VENV)/dev.stamp  ## Lock the newest versions in requirements/*.txt
	$(BIN)/pip install --quiet pip-tools
	cd requirements && for name in run dev fuzz mutants; do \
	  ../$(BIN)/pip-compile --quiet --upgrade --generate-hashes --no-strip-extras --no-emit-index-url \
	    --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
	    -o $$name.txt $$name.in; done

clean:  ## Remove what these targets made in this folder
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv: $(VENV)/run.stamp
dev: $(VENV)/dev.stamp

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "connector needs Python 3.11 or later; name one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y python3-venv; \
	  else echo "python3-venv is missing: apt-get install python3-venv (as root)" >&2; exit 1; fi; }
	@rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)

PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(PIP_INSTALL) --require-hashes -r requirements/run.txt
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	$(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/fuzz.stamp: requirements/fuzz.txt $(VENV)/dev.stamp
	$(PIP_INSTALL) --require-hashes -r requirements/fuzz.txt
	@touch $@

build/mutants/venv.stamp: requirements/mutants.txt | $(VENV)/bin/python
	$(BIN)/python -m venv build/mutants/venv
	build/mutants/venv/bin/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes -r requirements/mutants.txt
	@touch $@
