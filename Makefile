# Kernels, Noise & Flows. `make help` lists what there is to do. The work is done by tools/*.py.

# The interpreter that .venv is made from: 3.11 to 3.13 (numba's and the pins' range).
PYTHON ?= python3
PY := .venv/bin/python
READY := .venv/.ready
# The peers have an environment of their own: see benchmarks/requirements.txt.
BENCH_PY := .venv-bench/bin/python
BENCH_READY := .venv-bench/.ready

.DEFAULT_GOAL := help
.PHONY: wheel help book course pdf test serve lab refresh check-chapter bench format lint links lock clean clean-all

help:
	@echo "make book      build the site into _build/html (first time: also .venv, a few minutes)"
	@echo "make course    build courses: site, slides, notebooks (COURSE=courses/name.yml for one)"
	@echo "make test      lint, unit tests, notebooks, build, site in a browser"
	@echo "make pdf       print the book to _build/book.pdf (needs Chromium)"
	@echo "make serve     serve the built site on http://localhost:8000"
	@echo "make lab       open the chapters in JupyterLab"
	@echo "make refresh   run the notebooks and store their outputs (NB=path for one)"
	@echo "make check-chapter   say what the chapters lack (NB=path for one)"
	@echo "make bench     measure labcore beside its peers (BENCH=--save: for the book)"
	@echo "make wheel     make a wheel of labcore, with what its live figures need"
	@echo "make format    format code and notebooks;  make lint  only look"
	@echo "make links     check the links that leave the site (needs the network)"
	@echo "make lock      bring requirements.txt up to date with requirements.in"
	@echo "make clean     remove what was built (make clean-all: .venv and downloads too)"

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
	  "error: Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12 ..." % v)'
	@echo "Setting up .venv from requirements.txt (300 MB; one to five minutes, once) ..."
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

book: $(READY)
	@$(PY) -m tools.build

course: $(READY)
	@$(PY) -m tools.course_site $(COURSE)

test: $(READY)
	@$(PY) -m tools.run_tests

pdf: $(READY)
	@$(PY) -m tools.pdf

serve: $(READY)
	@$(PY) -m tools.serve

lab: $(READY)
	@$(PY) -m tools.vendor
	@$(PY) -m jupyterlab --notebook-dir=. --LabApp.default_url=/lab/tree/notebooks

refresh: $(READY)
	@$(PY) -m tools.refresh $(NB)

check-chapter: $(READY)
	@$(PY) -m tools.chapter $(NB)

wheel: $(READY)
	@$(PY) -m tools.wheel

# BENCH=--save stores the table for the book; BENCH="name --rounds 3" measures one workload.
bench: $(BENCH_READY)
	@$(BENCH_PY) -m benchmarks $(BENCH)

$(BENCH_READY): benchmarks/requirements.txt pyproject.toml
	@echo "Setting up .venv-bench with labcore's peers (3 GB, more with CUDA; five to ten minutes, once) ..."
	@test -x $(BENCH_PY) || $(PYTHON) -m venv .venv-bench
	@$(BENCH_PY) -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt "setuptools>=77"
	@$(BENCH_PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(BENCH_READY)

format: $(READY)
	@$(PY) -m ruff check --fix --quiet .
	@$(PY) -m ruff format .

lint: $(READY)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

links: $(READY)
	@$(PY) -m tools.links

# uv resolves for all Pythons and systems at once; it is needed for this alone.
lock: $(READY)
	@echo "Resolving requirements.in (a minute) ..."
	@test -x .venv-lock/bin/uv || { $(PY) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv; }
	@.venv-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11.5 requirements.in -o requirements.txt
	@echo "requirements.txt is up to date; now run make test."

clean:
	rm -rf _build .pytest_cache .hypothesis .ruff_cache

clean-all: clean
	rm -rf .venv .venv-lock .venv-bench tools/web/node_modules
