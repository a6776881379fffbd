# make report, make test: each installs what it needs from requirements.lock the first time.
# uv is used when it is there and works; plain pip does the same.
PYTHON ?= python3
IN := .venv/bin/python
DONE := .venv/.installed
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME VIRTUAL_ENV

WITH_UV = uv venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" .venv \
	&& uv pip install --quiet --python $(IN) --require-hashes -r requirements.lock \
	&& uv pip install --quiet --python $(IN) --no-deps --no-build-isolation -e .
PIP = $(IN) -m pip install --quiet --disable-pip-version-check
WITH_PIP = $(PYTHON) -m venv .venv \
	&& $(PIP) --require-hashes -r requirements.lock \
	&& $(PIP) --no-deps --no-build-isolation -e .

.PHONY: report test gate mutants lab bench docs lint lock clean

report: $(DONE)
	@$(IN) -m ysj_analysis report

test: $(DONE)
	@$(IN) -m pytest -n auto --dist loadfile

# The branches of the gate that its own tests take, at least 95 in 100; the faults put into it that they notice.
GATE := ysj_analysis/policies.py ysj_analysis/disclosure.py ysj_analysis/printed_measures.py \
	ysj_analysis/joint_facts.py ysj_analysis/joint_names.py ysj_analysis/joint_windows.py ysj_analysis/joint_system.py \
	ysj_analysis/joint_audit.py ysj_analysis/joint_repair.py ysj_analysis/joint_release.py ysj_analysis/joint_advice.py \
	ysj_analysis/audit_hidden.py ysj_analysis/editions.py
GATE_TESTS := tests/test_disclosure*.py tests/test_joint_*.py tests/test_editions.py tests/test_once.py
gate: $(DONE)
	@$(IN) -m pytest -q -n auto --dist loadfile --cov=ysj_analysis --cov-report= $(GATE_TESTS) $(GATE)
	@$(IN) -m coverage json -q -o - | $(IN) tests/branches.py $(GATE)

# In a copy without the decorator of what is made once: the tool leaves decorated functions alone.
mutants: $(DONE)
	@rm -rf mutants && git checkout-index --all --prefix=mutants/ \
		&& sed '/^ *@once$$/d' ysj_analysis/disclosure.py > mutants/ysj_analysis/disclosure.py
	@cd mutants && $(CURDIR)/$(IN) -m mutmut run && $(CURDIR)/$(IN) -m mutmut export-cicd-stats \
		&& cat mutants/mutmut-cicd-stats.json

lab: $(DONE)
	@$(IN) -m ysj_analysis lab

bench: $(DONE)
	@missed=; for each in benchmarks/*.py; do echo "== $$each"; $(IN) "$$each" || missed="$$missed $$each"; done; \
		[ -z "$$missed" ] || { echo "A target is missed in:$$missed"; exit 1; }

docs: $(DONE)
	@$(IN) -m sphinx -W --keep-going -q docs docs/_build/html && echo docs/_build/html/index.html

lint: $(DONE)
	@$(IN) -m ruff check . && $(IN) -m ruff format --check . && $(IN) -m nbstripout --verify --keep-id notebooks/*.ipynb \
		&& $(IN) -m mypy

lock:
	uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-emit-index-url \
		--no-header pyproject.toml -o requirements.lock

clean:
	rm -rf .venv

$(DONE): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is %s. Try: make PYTHON=python3.12" % sys.version.split()[0])'
	@{ command -v uv >/dev/null 2>&1 && { $(WITH_UV) || { echo "uv could not install; pip does." >&2; false; }; }; } \
		|| { $(WITH_PIP); }
	@touch $(DONE)
