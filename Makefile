# The same commands as in CI. `make help` lists them.

golangci_lint := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
seed ?= 1
schedules ?= 20000
fuzztime ?= 1m

.DEFAULT_GOAL := help
.PHONY: help gate test race lint simulate fuzz golden cover bench benchmarks api pictures

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

gate: ## Run everything that must pass before a change lands
	.ci/run

test: ## Run the tests
	go test ./...

race: ## Run the short tests with the race detector
	go test -race -short ./...

lint: ## Run golangci-lint
	go run $(golangci_lint) run

simulate: ## Run many simulator schedules (seed=, schedules=)
	go test -run 'Simulator$$' -timeout 0 ./internal/systemtest -seed=$(seed) -schedules=$(schedules)

fuzz: ## Run every fuzz test in turn (fuzztime= for each)
	@go list -f '{{.Dir}}' ./... | while read -r dir; do \
		for name in $$(cd "$$dir" && go test -list '^Fuzz' . | grep '^Fuzz'); do \
			echo "== $$name in $$dir"; (cd "$$dir" && go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(fuzztime) .) || exit 1; \
		done; \
	done

golden: ## Write the golden files anew; read the difference before you commit it
	go test . -update
	go test ./internal/systemtest -run SpanTrees -update
	go test ./examples/deploy ./examples/canary ./examples/fleet -run 'Transcript|Mistakes' -update

pictures: ## Draw the pictures of the README anew, from real runs
	go test ./examples/deploy -run Pictures -update

cover: ## Report the coverage of the whole library by the tests of every package
	go test -short -coverpkg=./... -coverprofile=cover.out ./...
	go tool cover -func=cover.out | tail -n 1

bench: ## Compare with other ways to deploy, and write docs/performance.md
	cd bench && go run . -write ../docs/performance.md

benchmarks: ## Run the benchmarks of the packages
	go test -run '^$$' -bench . -benchmem ./...

api: ## Compare the public API with the newest release
	.ci/api
