PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-deep lint typecheck bench proto clean

demo: .venv/installed-demo
	@$(BIN)/python -m examples

clean:
	rm -rf .venv build dist compiler/*.egg-info
