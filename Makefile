# One command a purpose. Everything is made inside this folder: .tools (uv, where there is none), .venv and .venv-spu.

PYTHON ?= python3
SPU_PYTHON ?= $(or $(shell command -v python3.11),$(PYTHON))
WORKERS ?= 2
ARGS ?=

BIN := .venv/bin
BIN_SPU := .venv-spu/bin
UV := $(or $(shell uv --version >/dev/null 2>&1 && command -v uv),.tools/bin/uv)
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --custom-compile-command 'make lock' $(ARGS)

export UV_PYTHON_DOWNLOADS := never
export UV_COMPILE_BYTECODE_TIMEOUT := 900
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-pi setup-pi-spu demo test check format lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: .venv/.ready ## install the locked versions and the project into .venv

setup-pi: .venv/.ready-pi ## install CrypTen besides, for frontier measure

setup-pi-spu: .venv-spu/.ready ## the same versions, CrypTen and SPU in an environment of its own, on Python 3.11

demo: setup ## search the trade-off of a small CNN on handwritten digits
	$(BIN)/frontier search digits

test: check ## run make check, then the tests (ARGS='-k mask' picks some)
	@echo "== tests"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 15 $(ARGS)

check: setup ## lint, format, types and import layers
	@echo "== lint"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/hadolint docker/Dockerfile
	@echo "== types"
	$(BIN)/mypy
	@echo "== layers"
	$(BIN)/lint-imports --no-cache

format: setup ## rewrite the sources in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: | $(UV) ## write requirements/*.lock anew (ARGS=--upgrade for newer versions)
	$(COMPILE) pyproject.toml --group dev -o requirements/project.lock
	$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.lock
	$(COMPILE) --no-deps requirements/pi.in -o requirements/pi.lock
	$(COMPILE) --no-deps requirements/pi-spu.in -o requirements/pi-spu.lock

clean: ## remove what setup and the checks made; results stay
	rm -rf .venv .venv-spu .tools .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.venv/.ready: requirements/project.lock pyproject.toml | $(UV)
	@echo "== setup"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { \
		echo "the locked versions need Python 3.11, 3.12, 3.13 or 3.14, and '$(PYTHON)' is none of them." >&2; \
		echo "  to do: make setup PYTHON=/path/to/python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || { rm -rf .venv && $(UV) venv --quiet --python "$$(command -v $(PYTHON))" .venv; }
	$(UV) pip install --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/project.lock
	$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.ready-pi: requirements/pi.lock .venv/.ready | $(UV)
	@echo "== setup-pi"
	$(UV) pip install --python $(BIN)/python --compile-bytecode --no-deps --require-hashes -r requirements/pi.lock
	@touch $@

.venv-spu/.ready: requirements/project.lock requirements/pi.lock requirements/pi-spu.lock pyproject.toml | $(UV)
	@echo "== setup-pi-spu"
	@$(SPU_PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
		echo "SPU has wheels for Python 3.10 and 3.11 alone, frontier needs 3.11 at least, and '$(SPU_PYTHON)' is not 3.11." >&2; \
		echo "  to do: make setup-pi-spu SPU_PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN_SPU)/python || { rm -rf .venv-spu && $(UV) venv --quiet --python "$$(command -v $(SPU_PYTHON))" .venv-spu; }
	$(UV) pip install --python $(BIN_SPU)/python --compile-bytecode --require-hashes -r requirements/project.lock
	$(UV) pip install --python $(BIN_SPU)/python --compile-bytecode --no-deps --require-hashes -r requirements/pi.lock -r requirements/pi-spu.lock
	$(UV) pip install --python $(BIN_SPU)/python --no-deps --no-build-isolation --editable .
	@touch $@

.tools/bin/uv: requirements/bootstrap.lock
	@echo "== uv"
	@$(PYTHON) -m venv --clear .tools || { \
		echo "'$(PYTHON)' cannot make a virtual environment." >&2; \
		echo "  to do: install its venv and ensurepip modules (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	.tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	@touch $@
