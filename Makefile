# Environments, created on first use: .venv (connector, sandbox, dashboard, scripts) and .venv-dbt
# (dbt), of which pyproject.toml says why they are two; .venv-load (SimplyLoad) and .venv-scripts
# (dashboard, scripts), both without the SDK. What only tests, or only BigQuery and Amazon, need is
# added by the first target that needs it: .venv/.tests, .venv/.clouds, .venv-dbt/.engines; no target
# needs .venv-scripts/.clouds: scripts that miss a client name it (scripts/clouds.py).
# .venv-snowflake is dbt on fakesnow.

PYTHON ?= python3

# Containers often set it. Without bytecode each of the hundreds of processes of `make test` compiles
# our modules again, and each worker of pytest rewrites every test.
unexport PYTHONDONTWRITEBYTECODE

SQL := dbt_project/macros dbt_project/models dbt_project/tests
OTHER_SQL := tests/warehouse/consumer/models simplyload/tour/dbt/models simplyload/tour/dbt/tests
# Style is the same on every engine; syntax and reserved words are not.
SYNTAX := --rules references.keywords
# On all cores, of whose semaphores Python then warns.
SQLFLUFF := PYTHONWARNINGS=ignore .venv/bin/sqlfluff lint --quiet --processes 0

.DEFAULT_GOAL := help
.PHONY: help demo open sync pipeline doctor test check generate sample screenshots bench coverage chaos lock \
	peer release clean load-demo load-test load-check load-bench load-chaos load-account

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s  %s\n", $$1, $$2 }' Makefile

demo: .venv/.stamp .venv-dbt/.stamp ## Sandbox account to build/dashboard.html, no key needed; TARGET=postgres, TABLES=all
	@.venv/bin/python -m scripts.demo $(if $(TARGET),--target $(TARGET)) $(if $(TABLES),--tables $(TABLES))

open: ## Open build/dashboard.html in a browser
	@test -e build/dashboard.html || { echo "build/dashboard.html is missing: run make demo." >&2; exit 1; }
	@$(PYTHON) -m webbrowser -t "file://$(CURDIR)/build/dashboard.html"

# LOADER=simplyload: the same by SimplyLoad, in environments without the SDK.
RUNS = $(if $(LOADER),.venv-scripts,.venv)
sync: $(RUNS)/.stamp .venv-dbt/.stamp $(if $(LOADER),.venv-load/.stamp) ## The same for a real account, whose key is in .env
	@$(RUNS)/bin/python -m scripts.pipeline --target duckdb --skip archive --skip digest \
		$(if $(LOADER),--loader $(LOADER))

pipeline: .venv/.clouds .venv-dbt/.engines ## Sync, build, draw, archive and send: make pipeline ARGS=--help
	@.venv/bin/python -m scripts.pipeline $(ARGS)

doctor: .venv/.stamp ## Check on a real account what the connector assumes of Klaviyo
	@.venv/bin/python -m scripts.doctor $(ARGS)

# Slow tests repeat a promise elsewhere: on another engine, in each kill, at every width, in a demo.
TESTS = --numprocesses 2 --dist loadfile --no-loadscope-reorder \
	$(if $(ALL),,-m "not slow and not chaos and not bench")

# SimplyLoad's tests run beside the others, so that no core waits while either collects or ends.
test: .venv/.tests .venv-dbt/.engines .venv-load/.stamp ## Run the tests; ALL=1, as in CI: the slow ones too
	@.venv/bin/python -m tests.browser
	@mkdir -p build; $(MAKE) --silent load-test > build/load_test.txt 2>&1 & load=$$!; \
	trap 'kill $$load' INT TERM; .venv/bin/pytest $(TESTS); code=$$?; \
	wait $$load || code=1; cat build/load_test.txt; exit $$code

check: .venv/.tests load-check ## Lint, formatting, types, and what is generated
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@DBT_TARGET=duckdb $(SQLFLUFF) $(SQL) $(OTHER_SQL)
	@DBT_TARGET=bigquery $(SQLFLUFF) --dialect bigquery $(SYNTAX) $(SQL)
	@DBT_TARGET=postgres $(SQLFLUFF) --dialect postgres $(SYNTAX) $(SQL)
	@DBT_TARGET=snowflake $(SQLFLUFF) --dialect snowflake $(SYNTAX) $(SQL)
	@.venv/bin/oxlint
	@.venv/bin/python -m scripts.generate_dbt --check
	@.venv/bin/python -m looker check

generate: .venv/.tests .venv-dbt/.stamp ## Write what follows from the connector's catalog and from dbt: dbt's sources, looker/
	@.venv/bin/python -m scripts.generate_dbt
	@.venv/bin/python -m looker build

sample: .venv/.stamp .venv-dbt/.stamp ## Write looker/sample/mock_looker_dataset.csv from a sandbox account
	@.venv/bin/python -m scripts.sample

screenshots: .venv/.tests ## Photograph build/dashboard.html for docs/ and build/screenshots/
	@.venv/bin/python -m tests.browser
	@.venv/bin/python -m tests.looker.screenshots

bench: .venv/.tests .venv-dbt/.engines ## Measure speed; RIVALS=1: also other tools, WAREHOUSE=1: dbt, EVERYTHING=1: all tables, EVENTS=N: the size, ONLY=people: a part
	@.venv/bin/python -m tests.benchmarks.$(if $(WAREHOUSE),warehouse,$(if $(EVERYTHING),everything,bench)) \
		$(if $(RIVALS),--rivals) $(if $(EVENTS),--events $(EVENTS)) $(if $(ONLY),--only $(ONLY))

# Without the harness, which runs another connector, and the demo, which measuring slows to minutes.
COVERING = $(filter-out tests/test_fivetran_harness.py tests/test_demo.py,$(wildcard tests/test_*.py))

coverage: .venv/.tests .venv-dbt/.engines ## Measure the connector's branches that tests run; fails below 97 %
	@rm -rf build/coverage && mkdir -p build/coverage
	@.venv/bin/coverage run -m pytest --numprocesses 2 --dist loadfile tests/connector $(COVERING)
	@.venv/bin/coverage combine --quiet
	@.venv/bin/coverage report

chaos: .venv/.tests .venv-dbt/.engines .venv-snowflake/.stamp ## Run the whole fault matrix, write docs/faults.md, and run the other slow tests
	@rm -rf build/chaos
	@.venv/bin/pytest --numprocesses 2 --dist worksteal -m '' --timeout 3600 tests/chaos
	@PYTHONPATH=klaviyo_connector .venv/bin/python -m tests.chaos.report
	@.venv/bin/pytest --numprocesses 2 -m chaos --timeout 3600 --ignore tests/chaos tests
	@PARSE_PAGES=1 .venv/bin/pytest --numprocesses 2 tests/connector
	@EXAMPLES=many .venv/bin/pytest --numprocesses 2 -m "hypothesis and not chaos" --timeout 3600

peer: .venv/.tests .venv-dbt/.engines ## Run fivetran/dbt_klaviyo on the compatibility views, if dbt can install it
	@.venv/bin/python -m tests.warehouse.peer $(ARGS)

# The groups with more packages first: the others take the versions from them.
COMPILE = uv pip compile pyproject.toml --universal --generate-hashes --no-header --quiet --group
lock: ## Compile pyproject.toml into requirements/ (needs uv)
	$(COMPILE) connector --output-file requirements/connector.txt
	$(COMPILE) run --output-file requirements/run.txt --constraint requirements/connector.txt
	$(COMPILE) scripts --output-file requirements/scripts.txt --constraint requirements/connector.txt
	$(COMPILE) clouds --output-file requirements/clouds.txt --constraint requirements/connector.txt
	$(COMPILE) warehouse --output-file requirements/warehouse.txt
	$(COMPILE) dbt --output-file requirements/dbt.txt --constraint requirements/warehouse.txt \
		--no-emit-package dbt-core-experimental-parser --no-emit-package rapidfuzz
	$(COMPILE) snowflake --output-file requirements/snowflake.txt --no-emit-package dbt-core-experimental-parser
	cd simplyload && uv pip compile --all-extras --group test --group build pyproject.toml --universal \
		--generate-hashes --no-header --quiet --output-file requirements.txt

load-demo: .venv-load/.stamp $(if $(ALL),.venv-dbt/.stamp) ## A shop in Postgres and a sandbox account to DuckDB, by SimplyLoad; ALL=1: four sources, two warehouses, dbt
	@$(if $(ALL),cd simplyload && ../.venv-load/bin/python -m tour,.venv-load/bin/simplyload demo) $(ARGS)

load-test: .venv-load/.stamp ## Run SimplyLoad's tests; ALL=1: the slow ones too
	@cd simplyload && ../.venv-load/bin/pytest $(TESTS)

load-check: .venv-load/.stamp ## Lint SimplyLoad, check its formatting and types
	@cd simplyload && ../.venv-load/bin/ruff check && ../.venv-load/bin/ruff format --check
	@cd simplyload && ../.venv-load/bin/mypy

load-chaos: .venv-load/.stamp ## Run SimplyLoad's slow tests too (rivals, Debezium, kills), write simplyload/docs/faults.md
	@cd simplyload && ../.venv-load/bin/pytest --numprocesses 2 -m "not bench" --timeout 7200 \
		--junit-xml build/results.xml
	@cd simplyload && ../.venv-load/bin/python -m tests.faults

load-account: .venv-load/.stamp ## Run SimplyLoad's Snowflake and BigQuery tests on your own accounts: simplyload/docs/snowflake.md, bigquery.md
	@if [ -n "$$SNOWFLAKE_TEST_DATABASE" ]; then \
		cd simplyload && ../.venv-load/bin/pytest -m "not bench" -k "snowflake and not kill" --timeout 3600; \
	else echo "skipped: no account: set SNOWFLAKE_TEST_DATABASE and SNOWFLAKE_ACCOUNT"; fi
	@if [ -n "$$BIGQUERY_TEST_PROJECT" ]; then \
		cd simplyload && ../.venv-load/bin/pytest -m "not bench" -k "bigquery and not kill" --timeout 3600; \
	else echo "skipped: no account: set BIGQUERY_TEST_PROJECT"; fi

load-bench: .venv-load/.stamp ## Measure SimplyLoad's speed
	@cd simplyload && ../.venv-load/bin/python -m bench $(ARGS)

release: .venv/.stamp ## Set the version, date the changelog, commit and tag; publish nothing: VERSION=1.2.3
	@.venv/bin/python -m scripts.release $(VERSION)

clean: ## Remove the output of runs; keep the environments and the account (build/account, data)
	rm -rf $(filter-out build/account,$(wildcard build/*))
	rm -rf klaviyo_connector/files klaviyo_connector/crash-reports
	rm -rf dbt_project/target dbt_project/logs .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/.stamp: requirements/run.txt
.venv/.clouds: requirements/run.txt requirements/clouds.txt
.venv/.tests: requirements/connector.txt
.venv-dbt/.stamp: requirements/dbt.txt
.venv-dbt/.engines: requirements/warehouse.txt
.venv-snowflake/.stamp: requirements/snowflake.txt
.venv-scripts/.stamp: requirements/scripts.txt
.venv-scripts/.clouds: requirements/scripts.txt requirements/clouds.txt
.venv-load/.stamp: simplyload/requirements.txt simplyload/pyproject.toml

# On disk, by `du` on Linux.
.venv/.stamp: SIZE = 280 MB
.venv/.clouds: SIZE = 340 MB
.venv/.tests: SIZE = 1 GB
.venv-dbt/.stamp: SIZE = 160 MB
.venv-dbt/.engines: SIZE = 730 MB
.venv-snowflake/.stamp: SIZE = 700 MB
.venv-scripts/.stamp: SIZE = about 200 MB
.venv-scripts/.clouds: SIZE = about 260 MB
.venv-load/.stamp: SIZE = 1 GB

# The command, from its folder: with uv or pip, whichever made the environment.
INSTALL_SIMPLYLOAD = $$(command -v uv >/dev/null && echo "uv pip install --python .venv-load/bin/python" \
	|| echo .venv-load/bin/pip install) --quiet --no-deps --no-build-isolation --editable ./simplyload

FILES = $(filter %.txt,$^)

# The requirements files list every package and override one requirement of dbt's own, so uv and pip
# install exactly the listed packages without resolving. pip compiles none of them, as most modules are
# never imported, and removes itself and setuptools, 25 MB; venv brings it back for the next
# installation. Two at once in one environment break pip, so the shell holds a lock (by Python: macOS
# has no `flock` command; uv holds .lock), and the second make finds the stamp.
.venv/.stamp .venv/.clouds .venv/.tests .venv-dbt/.stamp .venv-dbt/.engines .venv-snowflake/.stamp \
	.venv-scripts/.stamp .venv-scripts/.clouds .venv-load/.stamp:
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "$(PYTHON) is missing, older than Python 3.11 or without its venv module." \
			"Install one, or name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@mkdir -p $(@D)
	@exec 9> $(@D)/.make.lock && $(PYTHON) -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' && \
	if [ -e $@ ] && [ -z "$$(find $^ -newer $@)" ]; then exit; fi && \
	echo "Installing $(FILES) into $(@D): $$(cat $(FILES) | grep == | sort -u | wc -l | tr -d ' ') packages," \
		"$(SIZE), once; a minute or more" && \
	if command -v uv >/dev/null; then \
		uv venv --quiet --allow-existing --python $(PYTHON) $(@D) && \
		uv pip install --quiet --require-hashes --no-deps --python $(@D)/bin/python \
			$(addprefix --requirement ,$(FILES)); \
	else \
		$(PYTHON) -m venv $(@D) && \
		$(@D)/bin/pip install --quiet --require-hashes --no-deps --no-compile \
			$(addprefix --requirement ,$(FILES)) $(if $(filter .venv-load,$(@D)),,&& \
		$(@D)/bin/python -m pip uninstall --quiet --yes pip setuptools); \
	fi && \
	$(if $(filter .venv-load,$(@D)),$(INSTALL_SIMPLYLOAD) && )touch $(@D)/.stamp $@
