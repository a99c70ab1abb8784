# Every command of the product. `make help` explains them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
ENV ?= local
DATASET ?= synthetic
DATA ?=
CUSTOMERS ?= 2000
KEEP ?= 0
JSON ?= 0
APPROVE ?= auto
SET ?=
TORCH_INDEX ?=
WORKERS ?= 2
WORK ?=
RUNS ?=

VENV := .venv
PY := $(VENV)/bin/python
PYTHON_STAMP := build/.python-stamp
NODE_STAMP := build/.node-stamp
PIP_EXTRA := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX),)
ARGUMENTS := $(if $(filter 1,$(JSON)),--json,)
export PYTHONDONTWRITEBYTECODE := 1
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1

.PHONY: help setup demo test lint types format synth deploy up down check-data features data \
  oracle data-card openapi doctor images submit status logs approve reject rollback report clean \
  bench-demo bench-synth bench-serving bench-overhead costs bench-generator bench-phase0 \
  bench-phase0-peers bench-topology bench-hmm bench-groups bench-santander proof docs

help: ## this page
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nVariables: ENV=local|dev|prod  DATASET=synthetic|berka|...  DATA=<folder>  CUSTOMERS=N\n'
	@printf '           KEEP=1 (keep serving)  JSON=1 (last line is one JSON object)\n'
	@printf '           APPROVE=auto|ask  SET="teacher.training.joint_epochs=8 ..." (settings overrides)\n'
	@printf '           TORCH_INDEX=<url> (package index with the CPU build of PyTorch)\n'

# --- set-up: every target that needs it depends on these two stamps ---
$(PYTHON_STAMP): requirements/dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one by PYTHON=python3.12"; exit 1; }
	@mkdir -p build
	@echo "Installing the Python environment into $(VENV) (once; about 2.5 GB) ..."
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check $(PIP_EXTRA) -r requirements/dev.lock \
	  2> >(grep -v '^WARNING: Location' >&2)
	@touch $@

$(NODE_STAMP): package.json package-lock.json
	@command -v node >/dev/null || { echo "Node 20 or newer is needed"; exit 1; }
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' \
	  || { echo "Node 20 or newer is needed, found $$(node --version)"; exit 1; }
	@mkdir -p build
	@echo "Installing the pinned CDK CLI into node_modules ..."
	@npm ci --silent --no-fund --no-audit 2> >(grep -v '^npm warn' >&2)
	@touch $@

setup: $(PYTHON_STAMP) $(NODE_STAMP) ## install the pinned tools into this folder, nothing global

##@ On one machine
demo: setup ## deploy onto the embedded AWS, train, approve, serve and print one recommendation
	@$(PY) -m local_cloud.demo --dataset $(DATASET) $(if $(DATA),--data $(DATA),) \
	  --customers $(CUSTOMERS) --approve $(APPROVE) $(if $(filter 1,$(KEEP)),--keep,) \
	  $(ARGUMENTS) $(foreach item,$(SET),--set $(item))

test: setup ## all tests, the linter, the formatter and the type checker
	@$(MAKE) --no-print-directory lint types
	@$(PY) -m pytest -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS)

up: setup ## run the embedded AWS with the application deployed, for playing
	@$(PY) -m local_cloud up

down: setup ## stop the embedded AWS of this folder
	@$(PY) -m local_cloud down

check-data: setup ## tell what a data set supports, before anything runs (DATASET=, DATA=)
	@$(PY) -m training_jobs.data.check --dataset $(DATASET) $(if $(DATA),--data $(DATA),) $(ARGUMENTS)

data: setup ## generate the synthetic bank (CUSTOMERS=N) into build/data
	@$(PY) -m training_jobs.data.synthetic --customers $(CUSTOMERS) --workers 2 --out build/data/synthetic-$(CUSTOMERS)

oracle: setup ## what no honest model can score on that bank; `make submit` asks for it (CUSTOMERS=N)
	@$(PY) -m training_jobs.data.synthetic.oracle --data build/data/synthetic-$(CUSTOMERS) --workers 2

data-card: setup ## one page on the generated bank: what it looks like (CUSTOMERS=N, after `make data`)
	@$(PY) -m training_jobs.data.synthetic.card --data build/data/synthetic-$(CUSTOMERS) \
	  --out out/data-card.html

features: setup ## print the table of feature groups (JSON=1: a list)
	@$(PY) -m training_jobs.features --dataset $(DATASET) $(if $(DATA),--data $(DATA),) \
	  --customers $(CUSTOMERS) $(ARGUMENTS)

##@ Infrastructure
synth: setup ## write the assembly of one environment into build/assembly/$(ENV)
	@SEVENLENS_ENV=$(ENV) CDK_OUTDIR=build/assembly/$(ENV) $(PY) app.py
	@echo "build/assembly/$(ENV)"

deploy: setup ## cdk deploy into the account of your credentials (ENV=dev|prod)
	@SEVENLENS_ENV=$(ENV) node_modules/.bin/cdk deploy --all --require-approval broadening

costs: setup ## standing monthly cost of each environment, worst case of one run
	@$(PY) -m operations costs

openapi: setup ## rewrite docs/openapi.json from the code that answers
	@$(PY) -m lambdas.recommend.openapi

##@ Operating an environment (ENV=local|dev|prod)
doctor: setup ## credentials, bootstrap, region, quotas, model access, image digests
	@$(PY) -m operations doctor --env $(ENV)

images: setup ## build the container images in the cloud
	@$(PY) -m operations images --env $(ENV)

submit: setup ## show the worst-case cost and start a run (DATASET=, DATA=)
	@$(PY) -m operations submit --env $(ENV) --dataset $(DATASET) --data $(DATA) \
	  $(foreach item,$(SET),--set $(item)) $(if $(YES),--yes,)

status: setup ## runs and where they stand (RUN=<id> for one)
	@$(PY) -m operations status --env $(ENV) $(if $(RUN),--run $(RUN),)

logs: setup ## log lines of a run's jobs (RUN=<id>)
	@$(PY) -m operations logs --env $(ENV) $(if $(RUN),--run $(RUN),)

approve: setup ## approve the package that waits (RUN=<id>, APPROVER=<name>)
	@$(PY) -m operations approve --env $(ENV) $(if $(RUN),--run $(RUN),) $(if $(APPROVER),--approver $(APPROVER),)

reject: setup ## refuse the package that waits (RUN=<id>, APPROVER=<name>)
	@$(PY) -m operations reject --env $(ENV) $(if $(RUN),--run $(RUN),) $(if $(APPROVER),--approver $(APPROVER),)

rollback: setup ## serve the model that was served before
	@$(PY) -m operations rollback --env $(ENV)

##@ Quality
lint: $(PYTHON_STAMP) ## ruff: rules and format
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

format: $(PYTHON_STAMP) ## apply the formatter
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

types: $(PYTHON_STAMP) ## strict mypy
	@$(PY) -m mypy

bench-demo: setup ## the whole demo, cold and warm: seconds by phase
	@$(PY) -m benchmarks.demo $(ARGUMENTS)

bench-synth: setup ## seconds of synth and deploy
	@$(PY) -m benchmarks.synth $(ARGUMENTS)

bench-serving: setup ## cold start, warm latency, packed evaluator against LightGBM
	@$(PY) -m benchmarks.serving $(ARGUMENTS)

bench-overhead: setup ## pipeline seconds without job compute
	@$(PY) -m benchmarks.overhead $(ARGUMENTS)

bench-generator: setup ## the synthetic bank: rows a second, memory (CUSTOMERS=N)
	@$(PY) -m benchmarks.generator --customers $(CUSTOMERS) $(if $(RUNS),--runs $(RUNS),) $(ARGUMENTS)

bench-phase0: setup ## Phase 0: seconds by group, memory, bytes (CUSTOMERS=N, WORK=<folder>: resume)
	@$(PY) -m benchmarks.phase0 --customers $(CUSTOMERS) $(if $(WORK),--work $(WORK),) $(ARGUMENTS)

bench-phase0-peers: bench-topology bench-hmm ## Phase 0 beside polars, ripser.py, hmmlearn (CUSTOMERS=N)
	@$(PY) -m benchmarks.phase0_peers --customers $(CUSTOMERS) $(ARGUMENTS)

bench-groups: setup ## what each feature group alone tells of each task (CUSTOMERS=N)
	@$(PY) -m benchmarks.group_auc --customers $(CUSTOMERS) $(if $(WORK),--work $(WORK),) $(ARGUMENTS)

proof: setup ## visibility matrix, state and detector oracle, census of the bank (CUSTOMERS=N)
	@$(PY) -m training_jobs.data.synthetic.visibility --customers $(CUSTOMERS) --workers 2 --out out/proof/visibility.json
	@$(PY) -m training_jobs.data.synthetic.oracle --customers $(CUSTOMERS) --workers 2 --out out/proof/oracle.json
	@$(PY) -m training_jobs.data.synthetic.detector_oracle --customers $(CUSTOMERS) --workers 2 --out out/proof/detectors.json
	@$(PY) -m training_jobs.data.synthetic.census --customers $(CUSTOMERS) --out out/proof/census.json

docs: setup ## write docs/phase0.md from the artefacts in out/
	@$(PY) -m benchmarks.document

bench-topology: setup ## loops beside ripser.py, all topology per million
	@$(PY) -m benchmarks.topology $(ARGUMENTS)

bench-hmm: setup ## hidden Markov models beside hmmlearn
	@$(PY) -m benchmarks.hidden_markov $(ARGUMENTS)

bench-santander: setup ## the Santander adapter at 13.6 million rows (CUSTOMERS=N: another size)
	@$(PY) -m benchmarks.santander $(if $(filter file,$(origin CUSTOMERS)),,--customers $(CUSTOMERS)) \
	  $(ARGUMENTS)

clean: ## remove what was built here (not the environments)
	@rm -rf build out cdk.out
