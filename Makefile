# Two commands on a fresh machine: `make demo` runs the main job, `make test` passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(sort $(dir $(wildcard adapters/*/pyproject.toml)))
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check lint types layers soak bench pins clean

demo: $(READY)
	$(BIN)/settle demo

test: $(READY)
	$(BIN)/pytest -n 2 --dist loadgroup

check: lint types layers test

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

# Each plug-in is checked by itself, for each has a `tests` folder of its own.
types: $(READY)
	$(BIN)/mypy src tests
	@for plugin in $(PLUGINS); do \
		echo "mypy $$plugin"; MYPYPATH=src:$$plugin $(BIN)/mypy $$plugin || exit 1; \
	done

layers: $(READY)
	$(BIN)/lint-imports

# The long proofs at their full size; `make check` runs the same code at its small size. What they
# draw comes from the seed, which is the day's unless it is given: `make soak SOAK_SEED=20241218`.
# Each block leaves its figures in a file. What was stopped goes on with the blocks that are left:
# `make soak SOAK_SEED=20241218 SOAK_ARGS='-k "block-17 or block-18"'`.
SOAK_SEED ?= $(shell date -u +%Y%m%d)
SOAK_OUT ?= $(CURDIR)/.soak/$(SOAK_SEED)
SOAK_ARGS ?=
soak: $(READY)
	@echo "seed $(SOAK_SEED)"
	SETTLE_SOAK=1 SETTLE_SEED=$(SOAK_SEED) SETTLE_SOAK_OUT=$(SOAK_OUT) $(BIN)/pytest -n 2 \
		--dist loadgroup -m soak --hypothesis-seed=$(SOAK_SEED) $(SOAK_ARGS)

# Ratios, printed and not judged, and the page made of them: docs/reference/performance.md.
# Ten gigabytes of disk, an hour on a machine that does nothing else; some of it with
# `make bench BENCH_PARTS="paying durable"`, less with `BENCH_RECORDS=1000000 BENCH_GROW=`.
BENCH_ALL := netting spark paying durable batches workers events memory matching funding
BENCH_PARTS := $(BENCH_ALL)
BENCH_RECORDS := 10000000
BENCH_GROW := 1000000 100000000
BENCH_VENV := .venv-bench
BENCH_READY := $(BENCH_VENV)/.ready
MEASURE = BENCH_RESULTS=$(CURDIR)/.bench/$@.jsonl $(BIN)/python benchmarks
bench: $(addprefix bench-,$(BENCH_PARTS))
	$(BIN)/python benchmarks/page.py $(patsubst %,.bench/bench-%.jsonl,$(BENCH_ALL))

.PHONY: $(addprefix bench-,$(BENCH_ALL)) bench-begins
bench-begins: $(READY)
	@mkdir -p .bench
	@rm -f $(patsubst %,.bench/bench-%.jsonl,$(BENCH_PARTS))

bench-netting: bench-begins
	$(MEASURE)/netting.py --records $(BENCH_RECORDS) $(if $(BENCH_GROW),--grow $(BENCH_GROW))

bench-spark: bench-begins
	@if $(BIN)/python -c 'import pyspark' 2>/dev/null; then $(MEASURE)/spark.py; fi

bench-paying bench-durable: bench-%: bench-begins $(BENCH_READY)
	$(MEASURE)/$*.py --store sqlite
	$(MEASURE)/$*.py --store postgresql

bench-batches bench-workers bench-events bench-memory bench-matching bench-funding: bench-%: bench-begins
	$(MEASURE)/$*.py

# The engine that ours is compared with lives apart: neither the library nor its tests need it.
$(BENCH_READY): requirements/bench.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --require-hashes -r requirements/bench.txt
	@touch $@

$(READY): requirements/dev.txt requirements/spark.txt pyproject.toml $(wildcard adapters/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "settle needs Python 3.11 or newer; call: make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e . $(addprefix -e ./,$(PLUGINS))
	@if java -version 2>&1 | grep -qE 'version "(1[7-9]|[2-9][0-9])'; then \
		echo "Java is here: installing Spark for its tests"; \
		$(BIN)/python -m pip install --quiet --require-hashes -r requirements/spark.txt; fi
	@touch $@

# Pins name no index; run this after changing a dependency.
pins:
	uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
		--extra simulators pyproject.toml requirements/dev.in -o requirements/dev.txt
	uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
		requirements/spark.in -o requirements/spark.txt
	uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
		requirements/bench.in -o requirements/bench.txt

clean:
	rm -rf $(VENV) $(BENCH_VENV) .soak .bench demo rehearsal try .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
