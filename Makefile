# Two commands matter: "make up" runs Odometer on this machine, "make test" proves it.
# Both need only Node ≥ 20.19 and apt or brew; scripts/bootstrap.sh brings the rest.

.DEFAULT_GOAL := help
.PHONY: help up demo down reset test test-long check bench build bootstrap image image-test kind-up kind-down minikube-up

PNPM := .odometer/tools/node_modules/.bin/pnpm
# Where jest writes its own count of the tests, which .ci/run prints.
TEST_RESULTS := .odometer/test-results.json
# How many seeds each crash test runs; a test's own small number when empty.
SEEDS ?=
# One seed, to repeat a failure that printed it.
SEED ?=
# The files jest runs; all when empty.
TESTS ?=
# The one benchmark to run; all when empty.
ONLY ?=
# How thorough a benchmark is, and where the services' CPU profiles go; see test/bench/settings.ts.
PAIRS ?=
SCALE ?=
PROFILE ?=

help: ## Show this
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@sed -n 's/^#: \{0,1\}//p' $(MAKEFILE_LIST)

#:
#: Settings, as in "make up DEMO=0":
#:   DEMO=0                       no demo fleet
#:   ODOMETER_LOCAL_PORT          the HTTP address, 8080
#:   ODOMETER_LOCAL_POSTGRES_PORT 54330
#:   ODOMETER_LOCAL_REDIS_PORT    63790
#:   ODOMETER_LOCAL_MQTT_PORT     18830
#:   ODOMETER_LOCAL_<SERVICE>_PORT, ODOMETER_LOCAL_<SERVICE>_ADMIN_PORT   18081…, 18181…
#:   ODOMETER_LOCAL_PORT_OFFSET   added to all of these, for a second clone beside the first
#:   ODOMETER_LOCAL_DIRECTORY     data, logs and pids: .odometer

up: build ## Run Odometer here: PostgreSQL, Redis, Mosquitto, all services, a demo fleet
	@node packages/local-stack/dist/up.js

demo: build ## The same, with the demo fleet whatever DEMO says
	@DEMO=1 node packages/local-stack/dist/up.js

down: ## Stop all that "make up" started, and nothing else; data is kept
	@if [ -f packages/local-stack/dist/down.js ]; then node packages/local-stack/dist/down.js; else echo 'Odometer was never started here.'; fi

reset: ## Stop it and remove its data, logs and keys
	@if [ -f packages/local-stack/dist/down.js ]; then node packages/local-stack/dist/down.js --remove-data; else echo 'Odometer was never started here.'; fi

test: BOOTSTRAP := for-tests
test: build ## Run every test, on servers of its own (SEED=, SEEDS=, TESTS=)
	@$(PNPM) --silent typecheck:tests
	@SEED=$(SEED) SEEDS=$(SEEDS) $(PNPM) jest --json --outputFile=$(TEST_RESULTS) $(TESTS)

test-long: ## The same with many seeds for the crash tests
	@$(MAKE) test SEEDS=$(or $(SEEDS),50)

check: build ## Format, lint, import arrow, unused code, types
	@$(PNPM) --silent lint
	@$(PNPM) --silent arrow
	@$(PNPM) --silent unused
	@$(PNPM) --silent typecheck:tests

bench: build ## Measure, and write docs/benchmarks.md (ONLY=mqtt-qos1)
	@$(PNPM) exec tsc -b test/bench
	@ONLY=$(ONLY) node --enable-source-maps test/bench/dist/main.js

image: ## Build the container image, as odometer:local (docker/README.md)
	@sh docker/build.sh odometer:local

image-test: BOOTSTRAP := for-tests
image-test: bootstrap ## Build it even where nothing can be pulled, try every program in it and the whole path
	@sh docker/test/with-engine.sh sh docker/test/image-test.sh

kind-up: ## Run it on Kubernetes here: kind, the chart with stores of its own, and its test (docs/install.md)
	@sh scripts/kind-up.sh

kind-down: ## Remove that cluster
	@sh scripts/kind-down.sh

minikube-up: ## The same as kind-up, with minikube
	@sh scripts/minikube-up.sh

build: bootstrap
	@echo 'Building …'
	@$(PNPM) --silent build

bootstrap:
	@sh scripts/bootstrap.sh $(BOOTSTRAP)
