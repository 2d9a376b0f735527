# Two commands set everything up by themselves: make book and make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

# One thread and one choice of processor kernels, so that stored figures
# repeat from machine to machine.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
ifeq ($(shell uname -m),x86_64)
export OPENBLAS_CORETYPE := Haswell
export NPY_DISABLE_CPU_FEATURES := X86_V4 AVX512_ICL AVX512_SPR
export ATEN_CPU_CAPABILITY := avx2
endif
# Nothing a tool writes for itself should land in a reader's home.
export JUPYTER_PLATFORM_DIRS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

CHAPTERS := $(wildcard notebooks/*.ipynb)
EXECUTED := $(CHAPTERS:notebooks/%.ipynb=_build/executed/%)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help book serve test notebooks experiments grade-demo release benchmark lint system-deps vendor-pyodide editor clean

help:  ## List these targets
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | \
	    awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

book: $(VENV)/book-ready $(if $(filter local,$(LIVE_CELLS_PYTHON)),vendor-pyodide)  ## Build the book into _build/html
	@# Pages that warned are not read again, so a second build would pass: forget them.
	@$(BIN)/jupyter-book build --warningiserror --nitpick --keep-going --quiet . \
	    || { rm -rf _build/.doctrees; exit 1; }
	@echo "The book is at _build/html/index.html; 'make serve' shows it in a browser."

serve:  ## Show the built book at http://localhost:8000 (elsewhere: make PORT=8080 serve)
	@test -f _build/html/index.html || { echo "No book yet: run 'make book' first." >&2; exit 1; }
	@$(BIN)/python -m http.server --bind localhost --directory _build/html $(PORT) 2>/dev/null \
	    || echo "Port $(PORT) is taken; try make PORT=8080 serve." >&2

test: $(VENV)/all-ready lint  ## Run every test: style, library, notebooks, assignments, pages
	$(BIN)/python -m pytest --nbval --numprocesses=logical --dist=loadfile --no-loadscope-reorder --durations=8

notebooks: $(EXECUTED)  ## Re-execute the changed chapters in place (all: make -B notebooks)

# A stamp for each chapter: newer than the notebook means its outputs are current.
_build/executed/%: notebooks/%.ipynb $(wildcard lstm_lib/*.py lstm_lib/draw/*.py) | $(VENV)/all-ready
	$(BIN)/jupyter nbconvert --config notebooks/execute_config.py \
	    --to notebook --execute --inplace $<
	@mkdir -p $(@D) && touch $@

experiments: $(VENV)/all-ready  ## Repeat the long measurements that chapters cite (twenty minutes)
	@$(BIN)/python -m experiments

grade-demo: $(VENV)/all-ready  ## Grade a made-up class of 40 over all problem sets, and sum it up
	@$(BIN)/python exercises/demo_class.py

release: $(VENV)/all-ready  ## Pack the assignments for students, without solutions
	@$(BIN)/python exercises/release.py

benchmark: $(VENV)/all-ready  ## Time lstm_lib against PyTorch and Keras, side by side
	@$(BIN)/python -m benchmarks layers

lint: $(VENV)/all-ready  ## Check style, spelling and the workflows
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/codespell
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .github/workflows

system-deps:  ## Install the Debian packages the tests use (needs root)
	@missing=; \
	command -v chromium >/dev/null || missing=chromium; \
	command -v npm >/dev/null || missing="$$missing nodejs npm"; \
	ldconfig -p | grep -q libseccomp.so.2 || missing="$$missing libseccomp2"; \
	if [ -z "$$missing" ]; then echo "system-deps: Chromium, npm and libseccomp are here."; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; \
	else echo "system-deps: needs root and apt-get to install $$missing; browser tests will skip." >&2; fi

vendor-pyodide: $(VENV)/book-ready  ## Fetch the Python that live cells run, for a book of your own
	@$(BIN)/python book/_ext/live_cells/vendor.py

EDITOR_SOURCES := $(wildcard book/_ext/live_cells/editor/*)

editor:  ## Bundle the editor of live cells anew (for maintainers; needs npm)
	@rm -rf _build/editor && mkdir -p _build/editor && cp $(EDITOR_SOURCES) _build/editor
	@cd _build/editor && npm ci --silent && node build.mjs $(CURDIR)/book/_ext/live_cells/editor.js

clean:  ## Remove what was built, and the virtual environment
	rm -rf _build $(VENV)

# --- Set-up -----------------------------------------------------------------
# The stamp says where the environment was made: one that was moved, or whose
# making was interrupted, is made anew.
$(VENV)/made-in:
	@command -v "$(PYTHON)" >/dev/null || { \
	    echo "Python 3.11 or newer is needed and '$(PYTHON)' was not found. Install it, or say where it is: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed, '$(PYTHON)' is $$("$(PYTHON)" -V 2>&1). Say where a newer one is: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "'$(PYTHON)' cannot make virtual environments. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear "$(VENV)"
	@echo "$(CURDIR)" > $@

ifneq ($(wildcard $(VENV)/made-in),)
ifneq ($(shell cat $(VENV)/made-in; $(BIN)/python -c '' || echo broken),$(CURDIR))
$(shell rm -rf $(VENV))
endif
endif

$(VENV)/book-ready: book/requirements.txt | $(VENV)/made-in
	@echo "Installing what the book needs (a minute) ..."
	@$(BIN)/pip install --quiet -r book/requirements.txt
	@touch $@

$(VENV)/all-ready: requirements.txt book/requirements.txt pyproject.toml | $(VENV)/made-in
	@echo "Installing everything (two to three minutes, 2 GB) ..."
	@$(BIN)/pip install --quiet -r requirements.txt
	@touch $@ $(VENV)/book-ready
