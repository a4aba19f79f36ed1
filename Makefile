# What a person needs is Python >= 3.10, pip and make; the rest sets itself up.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
UV := $(RUN) -m uv
TRAIN := train/requirements.txt train/requirements-ray.txt train/requirements-face.txt
# That run tests side by side; 0 is one after the other, where a test is to be looked at alone.
PROCESSES ?= 2
BENCHMARKS := pipeline video live slow_page live_agreement server gpu train

.PHONY: install demo test lint bench audit lock

install:
	rm -rf $(VENV)
	$(MAKE) $(VENV)/tools

# What serves the page; training, tests and benchmarks need the tools too.
$(VENV)/ready: requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet 'uv>=0.9,<1'
	$(UV) pip install --python $(RUN) --require-hashes -r requirements.lock
	touch $@

$(VENV)/tools: $(VENV)/ready pyproject.toml $(TRAIN)
	$(UV) pip install --python $(RUN) -c requirements.lock $(TRAIN:%=-r %) --group dev
	touch $@

demo: $(VENV)/ready
	$(RUN) app.py

test: $(VENV)/tools
	failed=; $(RUN) -m pytest tests/browser || failed=1; \
	OMP_WAIT_POLICY=PASSIVE $(RUN) -m pytest -n $(PROCESSES) --dist loadfile \
		--no-loadscope-reorder --ignore=tests/browser || failed=1; test -z "$$failed"

lint: $(VENV)/tools
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	npm install --no-package-lock --no-audit --no-fund --silent
	npm run --silent lint

bench: $(VENV)/tools
	failed=; for name in $(BENCHMARKS); do $(RUN) benchmarks/$$name.py || failed=1; done; test -z "$$failed"

audit: $(VENV)/tools
	$(UV) tool run 'pip-audit>=2.10,<3' -s osv -r requirements.lock --require-hashes --disable-pip

lock:
	$(UV) pip compile --universal --python-version 3.10 --generate-hashes --no-header -o requirements.lock requirements.txt
