# `make` lists what there is. All of it works in a fresh clone with Python 3.11 or newer.

PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
DATA ?= var
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help install run demo test clients screenshots check check-django format clean bench bench-catalog

define make-venv
command -v $(PYTHON) >/dev/null || \
  { echo "There is no $(PYTHON) here. On Debian or Ubuntu: apt-get install python3 python3-venv"; exit 1; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "Python 3.11 or newer is needed. Where it has another name: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }; \
$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
  { echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }; \
$(PYTHON) -m venv .venv
endef

help: ## list these targets
	@echo "A registry where open model weights are published under terms."
	@echo
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## ?/  make \1\t/' | expand -t 20
	@echo
	@echo "  PORT=8001, HOST=0.0.0.0 and DATA=folder change where it listens and keeps its data."

.venv/installed: requirements.txt requirements-web.txt requirements-smoke.txt constraints.txt
	@$(call make-venv)
	@echo "Installing what the registry needs into .venv (once; some minutes, about 1.4 GB)."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	@echo "Installing what tests and tools need into .venv."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

install: .venv/installed ## put everything the registry needs into .venv

run: .venv/installed ## run the registry with demo people; Ctrl-C stops it
	@exec $(BIN)/python manage.py up --data "$(DATA)" --port "$(PORT)" --host "$(HOST)" --demo

demo: .venv/installed ## carry a real model through, from upload to download
	@exec $(BIN)/python manage.py demo --data "$(DATA)" --port "$(PORT)"

# Three at once keep two cores busy: many tests wait for processes, browsers and timeouts. Who has
# nothing left takes from the others, so that no worker ends minutes before another
test: .venv/installed-dev ## run all tests; ARGS="tests/storage -x" for some
	$(BIN)/python -m pytest $(if $(ARGS),$(ARGS),-n 3 --dist worksteal)

clients: .venv/installed-dev ## drive the site with every Hub client that people still run, on a folder and on S3
	$(BIN)/python -m tests.wire.clients
	REGISTRY_TEST_CLIENTS=all $(BIN)/python -m pytest $(if $(ARGS),$(ARGS),tests/wire)

screenshots: .venv/installed-dev ## take pictures of every page: light, dark, phone, French
	mkdir -p screenshots
	REGISTRY_TESTS_SCREENSHOTS=screenshots $(BIN)/python -m pytest -q tests/web/browser -k "looks"
	for name in catalog model review lineage; do cp screenshots/readme-$$name.png docs/pictures/$$name.png; done

bench: .venv/installed-dev ## measure speed; ARGS="downloads --quick" for a part
	$(BIN)/python -m benchmarks $(ARGS)

bench-catalog: .venv/installed-dev ## measure the catalog with 1,000, 10,000 and 100,000 models
	$(BIN)/python -m benchmarks catalog $(ARGS)

check: .venv/installed-dev ## look at the source with every tool
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	find templates registry -name '*.html' -print0 | xargs -0 -r $(BIN)/djade --check --target-version 5.2
	$(BIN)/python -m registry.instance.throw_away $(MAKE) --no-print-directory check-django

check-django:
	$(BIN)/mypy
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py lintmigrations --quiet ok ignore --exclude-apps account --ignore-name 0002_evidence 0003_grant_of_an_access 0004_life_of_a_link 0005_terms_that_bind 0008_requests_of_groups_apart 0002_hosts_rescans_and_evidence

format: .venv/installed-dev ## put source and templates into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	find templates registry -name '*.html' -print0 | xargs -0 -r $(BIN)/djade --target-version 5.2

clean: ## remove the environment and the caches; the data folder stays
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find registry tests -name __pycache__ -type d -prune -exec rm -rf {} +
