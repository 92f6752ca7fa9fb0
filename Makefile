# Everything a fresh machine needs is Python 3.11 or later and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test check bench soak hour lock clean
help:
	@echo "make demo    a simulated plant with agent, gateway and page, at http://127.0.0.1:8080"
	@echo "make test    style, types and the whole test suite"
	@echo "make check   style and types only"
	@echo "make bench   what reading, signing and keeping cost, beside published figures; what admission costs, on SQLite"
	@echo "             and PostgreSQL, beside mosquitto, Parquet and VictoriaMetrics, where they are installed; what"
	@echo "             energies cost, beside a bare sum, polars, pandas and DuckDB, which it installs into an"
	@echo "             environment of their own (7 minutes)"
	@echo "make soak    100,000 faulty answers, bounds and U95 of 3,000 drawn meters held against their truth, then the"
	@echo "             unattended demonstration over five seeds, each held against its plant's truth; every byte of a"
	@echo "             small archive changed in turn; a day of virtual time with 13 h without a line; 1,000 kills on disks"
	@echo "             that lose and tear what was not synced, and 60 of the real programs (16 minutes)"
	@echo "make hour    the unattended demonstration for a real hour: memory and open files of every part must not grow"
	@echo "make lock    resolve the dependencies anew and write the lock files"

$(BIN)/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "MeterTrail needs Python 3.11 or later"'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

demo: $(VENV)/run.stamp
	$(BIN)/metertrail demo

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Two processes, for the tests mostly wait; a file's tests stay together.
test: check
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Data frames are what the kernels are held against and nothing else needs them: they stay out of $(VENV).
$(VENV)/bench/run.stamp: requirements-bench.lock | $(BIN)/python
	$(PYTHON) -m venv $(VENV)/bench
	$(VENV)/bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	touch $@

bench: $(VENV)/dev.stamp $(VENV)/bench/run.stamp
	$(BIN)/python -m simulators.bench.acquisition
	$(BIN)/python -m simulators.bench.serial_bus
	$(BIN)/python -m simulators.bench.admission
	$(VENV)/bench/bin/python -m simulators.bench.aggregation

soak: $(VENV)/dev.stamp
	mkdir -p build
	$(BIN)/python -m simulators.storm --requests 170000 --seed 1
	$(BIN)/python -m simulators.truth --meters 1000 --seed 1
	$(BIN)/python -m simulators.soak --hours 24
	$(BIN)/python -m simulators.slow_line --entries 200 --bits-per-s 2000000
	$(BIN)/python -m simulators.ordeal.run --kills 1000 --seed 1
	$(BIN)/python -m simulators.ordeal.run --kills 400 --seed 1 --rotate
	$(BIN)/python -m simulators.kills --kills 60 --seed 1
	ALTERED_EVERY=1 HOSTILE_TIMES=20 EVERY_CALL=1 $(BIN)/python -m pytest -q tests/test_verifier_altered.py \
	  tests/test_verifier_hostile.py tests/test_ordeal_every_call.py
	for seed in 1 2 3 4 5; do \
	  $(BIN)/metertrail demo --seconds 90 --seed $$seed --free-ports --report build/soak-$$seed.json || exit 1; \
	done

hour: $(VENV)/run.stamp
	mkdir -p build
	$(BIN)/metertrail demo --seconds 3600 --batch-s 60 --free-ports --report build/hour.json

lock: $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile pyproject.toml --extra gateway --group build --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --upgrade --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --upgrade --constraints requirements.lock \
	  --output-file requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml --group bench --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --upgrade --constraints requirements-dev.lock \
	  --output-file requirements-bench.lock

clean:
	rm -rf $(VENV) build dist *.egg-info
