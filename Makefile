# Each target creates .venv and installs what it needs. PYTHON selects another interpreter.

PYTHON ?= python3
OLD_PYTHON = $(PYTHON) is $$($(PYTHON) --version 2>&1 | head -n 1): run make PYTHON=python3.12
CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
    || { echo "quantcfg needs Python 3.11 or newer, $(OLD_PYTHON)" >&2; exit 1; }
BIN := .venv/bin
QUIET_PIP := -m pip --disable-pip-version-check --quiet
PIP := $(BIN)/python $(QUIET_PIP)
QUIETLY := --ignore-scripts --no-audit --no-fund --silent
EXTENSION := $(shell find editors/vscode -name node_modules -prune -o -type f -print)
EXAMPLE := examples/tinynet

# pytest keeps its rewritten tests as bytecode: without it, collecting them takes three times as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test quick quick-test test-deep lint typecheck bench bench-advice fuzz mutations proto grammar clean

demo: .venv/demo
	$(BIN)/quantcfg layers --model $(EXAMPLE)/deploy.prototxt
	$(BIN)/quantcfg compile --model $(EXAMPLE)/deploy.prototxt --config $(EXAMPLE)/quant.cfg -o build/config.json
	cat build/config.json

test: .venv/test .venv/npm .venv/vscode
	$(BIN)/python -m pytest -n auto

# Lint, types and most tests in parallel: under 40 seconds on two cores.
quick: .venv/lint .venv/test
	@$(MAKE) --no-print-directory --keep-going --jobs=3 $(if $(filter output-sync,$(.FEATURES)),--output-sync) lint typecheck quick-test

quick-test: .venv/test
	$(BIN)/python -m pytest -q -n auto -m "not deep and not law and not slow"

# The property tests of "make test" with many more examples.
test-deep: .venv/test .venv/npm .venv/vscode
	$(BIN)/python -m pytest -n auto -m deep

lint: .venv/lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

typecheck: .venv/lint .venv/test
	$(BIN)/mypy

# ARGUMENTS: --write stores the results in docs/performance.md; a prototxt is used as input.
# quantcfg is installed as users install it: an editable install, as in .venv, slows down each start of Python.
bench: build/bench
	rm -rf build/lib
	$</bin/python $(QUIET_PIP) install '.[test]'
	$</bin/python -m benchmarks $(ARGUMENTS)

# How well "quantcfg advise" predicts, on the models beside the checkout. ARGUMENTS: --write stores the results
# in docs/advise-evidence.md; a name measures one network.
bench-advice: .venv/bench
	$(BIN)/python -m benchmarks.advice $(ARGUMENTS)

# TARGET is request, configuration, prototxt, weights or onnx; SECONDS is the duration.
TARGET := request
SECONDS := 60
fuzz: .venv/fuzz
	$(BIN)/python -m fuzz $(TARGET) -max_total_time=$(SECONDS) -timeout=10

mutations: .venv/test
	$(BIN)/python -m fuzz.mutations 100000

# Compiles proto/*.proto to proto/*.json and proto/*.binpb; commit all together.
proto: .venv/test
	$(BIN)/python -m tests.protos proto/*.proto

# Compiles grammar/*.lark to grammar/textproto.json; commit both together.
grammar: .venv/test
	$(BIN)/python -m grammar.tables grammar/textproto.json

clean:
	rm -rf .venv build dist compiler/*.egg-info

# A .venv without .venv/demo is incomplete, from an interrupted run: recreate it.
.venv/demo: pyproject.toml
	@$(CHECK_PYTHON)
	@test -e $@ || rm -rf .venv
	$(PYTHON) -m venv .venv && $(PIP) install -e . || { test -e $@ || rm -rf .venv; exit 1; }
	touch $@

.venv/test: .venv/demo
	$(PIP) install -e '.[test]'
	touch $@

# npm packages for the tests. Without npm, tests that need them are skipped.
.venv/npm: tests/package.json .venv/demo
	rm -rf $@ && mkdir $@ && cp tests/package.json $@
	if command -v npm >/dev/null; then npm install --no-package-lock $(QUIETLY) --prefix $@; fi
	touch $@

# A copy of the VS Code extension, built if npm is available.
.venv/vscode: $(EXTENSION) .venv/demo
	rm -rf $@ && cp -r editors/vscode $@
	if command -v npm >/dev/null; then cd $@ && npm ci $(QUIETLY) && npm run --silent package; fi
	touch $@

build/bench:
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv $@ || { rm -rf $@; exit 1; }

.venv/bench: .venv/demo
	$(PIP) install -e '.[bench]'
	touch $@

.venv/fuzz: .venv/test
	$(PIP) install -e '.[fuzz]'
	touch $@

.venv/lint: .venv/demo
	$(PIP) install -e '.[lint]'
	touch $@
