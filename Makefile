# make run starts the shop; make test runs all tests. Everything they need is set up first, inside this folder.
PYTHON ?= python3
PORT ?= 8000

BIN := .venv/bin

# Nothing is compiled when it is installed, only what is used: so that has to be kept, or each start takes seconds more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-slow test-debian test-random test-repeat setup check lint types claims audit sbom wheel verify bench clients compare-clients check-clients lock clean

run: .venv/.runs
	@exec $(BIN)/shop serve --demo --port "$(PORT)" $(if $(DATA_DIR),--data-dir "$(DATA_DIR)")

# In the order of tests/conftest.py: integration and unit tests by turns, so that no core waits.
# The last line is how many of a hundred lines of src/ ran, in the processes of the tests; pyproject.toml has the floor.
test: .venv/.tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadscope --no-loadscope-reorder --durations 12 \
	  --cov --cov-report= --cov-fail-under=0
	@printf 'Lines of src/ that these tests run, in percent: '; $(BIN)/coverage report --format=total \
	  || { echo "make: too few. See which none runs, and test them: $(BIN)/coverage report --show-missing" >&2; exit 1; }

# the tests that take long for what they add: a generator of requests, a small benchmark, races with their guards off
test-slow: .venv/.tests
	$(BIN)/python -m pytest -m slow

# The tests of the database on Debian's PostgreSQL with its default settings, skipped where it is not installed;
# TESTS=... for some of them.
test-debian: .venv/.tests
	$(BIN)/python tests/stock_postgres.py $(BIN)/python -m pytest --numprocesses auto --dist loadscope \
	  $(or $(TESTS),tests/integration)

# `make test` tries the same examples in every run; this draws others, and five times as many.
test-random: .venv/.tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadscope --hypothesis-profile random -m hypothesis

# Whether `make test` passes always: RUNS times, the last BUSY of them beside two loops that keep two cores busy.
test-repeat: .venv/.tests
	@tools/repeat_tests.sh "$(or $(RUNS),20)" "$(or $(BUSY),10)"

setup: .venv/.tests

# lint, types, dependency rule, tests
check: lint types test

lint: .venv/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

# The unit tests apart: they import each other by name, so their conftest.py would be the same module as that of tests/.
types: .venv/.tests
	$(BIN)/mypy
	$(BIN)/mypy tests/unit

# the figures in README: lines of code, tests, files that a request runs through, speeds; and that those files are few
claims: .venv/.tests
	$(BIN)/python -m tools.check_claims

# Whether a locked package has a known fault: asked of a public source, and says so where that cannot be reached.
audit: .venv/.audits
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tools.known_faults requirements.txt requirements-dev.txt

# What is published, in dist/.
wheel: .venv/.runs
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir dist .

# What the shop is made of, as CycloneDX JSON.
sbom: .venv/.runs
	@$(BIN)/python -m tools.sbom requirements.txt > sbom.cdx.json
	@echo "Wrote sbom.cdx.json."

# Tries by force what the shop promises, for some minutes: make verify; for hours: make verify LONG=1;
# with the choices of an earlier run: make verify SEED=7; one part: make verify ONLY=races
verify: .venv/.tests
	@$(BIN)/python -m verification $(if $(ONLY),--only "$(ONLY)") $(if $(SEED),--seed "$(SEED)") $(if $(LONG),--long)

# Everything against its yardstick, some ten minutes: docs/performance.md. ONLY=place,pages for some; LONG=1 for more.
bench: .venv/.tests
	$(BIN)/python -m benchmarks $(if $(ONLY),--only "$(ONLY)") $(if $(LONG),--long) $(if $(YEAR),--year "$(YEAR)")

# The clients, made anew from the description of the API. They need Node.js 20.
clients: .venv/.tests clients/python/.venv/.generates clients/typescript/node_modules/.generates
	$(BIN)/python clients/generate.py

# Whether they are what the API is now, their types hold, and the tests of the TypeScript client pass; those of the
# Python client are in tests/.
compare-clients: .venv/.tests clients/python/.venv/.generates clients/typescript/node_modules/.generates
	$(BIN)/python clients/generate.py --check
	cd clients/python && .venv/bin/mypy
	cd clients/typescript && npm test --silent

# The same, and a phone lives with each.
check-clients: compare-clients
	$(BIN)/python -m verification.phone_life --client python --wishes 100
	$(BIN)/python -m verification.phone_life --client typescript --wishes 100

# Two steps of set-up, so that running the shop does not wait for the tools of the tests.
.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "make: $(PYTHON) is too old, this needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.runs: .venv/.python requirements.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.tests: .venv/.runs requirements-dev.txt clients/python/pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable clients/python
	@touch $@

clients/python/.venv/.generates: clients/python/requirements.txt
	$(PYTHON) -m venv clients/python/.venv
	clients/python/.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $<
	@touch $@

clients/typescript/node_modules/.generates: clients/typescript/package-lock.json
	cd clients/typescript && npm ci --silent --no-audit --no-fund
	@touch $@

.venv/.audits: .venv/.python requirements-audit.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-audit.txt
	@touch $@

# Pins the newest versions that pyproject.toml allows, with hashes and without addresses. Needs uv.
lock:
	uv pip compile --quiet --universal --upgrade --generate-hashes --no-emit-index-url --python-version 3.11 \
	  --custom-compile-command "make lock" --extra all --group build pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	  --custom-compile-command "make lock" --extra postgres --extra auth --extra http --extra webhook --extra media --group build pyproject.toml \
	  -c requirements.txt -o requirements-server.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	  --custom-compile-command "make lock" --all-extras --group build --group dev pyproject.toml \
	  -c requirements.txt -o requirements-dev.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	  --custom-compile-command "make lock" --group audit -c requirements-dev.txt -o requirements-audit.txt

# The data of the shop stays: `rm -r .data` removes that too.
clean:
	rm -rf .venv .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .repeat build dist src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
