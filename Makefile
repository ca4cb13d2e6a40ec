# Sitecast. `make help` lists what can be made.

GO        ?= go
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
LDFLAGS   := -s -w -X main.version=$(VERSION)
TOOLS     := $(GO) tool -modfile=.ci/tools.mod
FUZZ_TIME ?= 20s

# What the program is vetted and built for on each change, besides the system it is built on:
# the two that differ most. make test-long does so for all, tests included.
SYSTEMS ?= windows/amd64 linux/arm
ALL     := windows/amd64 windows/arm64 darwin/amd64 darwin/arm64 linux/arm linux/arm64

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/sitecast
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/sitecast .

.PHONY: demo
demo: build ## A server, two sites of four endpoints and real content on this machine
	bin/sitecast demo

# What runs on real links and clocks, one package at a time; all else doesn't mind company. Most
# of it leads programs that are built without the race detector, so only RACED has it there.
REAL := portal|story|netlab|rig|browser|screen|demo|bench|cut|runbook|standby
RACED := netlab|rig|browser
# What is many times slower with the race detector than anything it would find is likely: the
# whole in one process, what only computes, and the catalog: SQLite is Go here, and one suite runs on
# both databases. make test-long has it there.
SLOW := e2e/lab|edge/governor|storage/patch|storage/catalog/(sqlite|postgres)

.PHONY: test
test: deps check web build ## Everything CI runs: checks, race-tested packages, namespace stories, the demo
	$(GO) test -vet=off -race -timeout 14m $$($(GO) list ./... | grep -vE '/($(SLOW))$$|/e2e/($(REAL))(/|$$)')
	$(GO) test -vet=off -timeout 14m $$($(GO) list ./... | grep -E '/($(SLOW))$$')
	$(GO) test -vet=off -race -timeout 14m -p 1 $$($(GO) list ./... | grep -E '/e2e/($(RACED))(/|$$)')
	$(GO) test -vet=off -timeout 14m -p 1 $$($(GO) list ./... | grep -E '/e2e/($(REAL))(/|$$)' | grep -vE '/e2e/($(RACED))(/|$$)')
	DEMO_EXIT=1 bin/sitecast demo --content "$$($(GO) env GOROOT)/src/runtime"

.PHONY: test-many
test-many: ## 200 sites of 3 endpoints at one server, and a block at 200 endpoints, in one process and fake time
	SITECAST_LAB_SITES=200 $(GO) test -timeout 9m -run ManySites -v ./e2e/lab
	SITECAST_LAB_SITES=40 $(GO) test -timeout 9m -run BlockRemoves -v ./e2e/lab

.PHONY: test-long
test-long: web ## What takes long: all kinds of NATs, moves, outages in fake time; IPv6, moves, portals and the doctor on real links (root)
	SITECAST_LONG=1 $(GO) test -timeout 9m -v -run 'NATs|Moves|BecomesDirect|ComesAndGoes|ADayWithout|RestartsAgainAndAgain|LargeMesh|GroupsThatCannotLink|WhateverHappens' ./e2e/lab
	SITECAST_LONG=1 $(GO) test -timeout 9m -v -run 'TheDoctor|HardestCells|RouterWasRebooted|SlowLossyLink|KilledServer|SitesBehindNAT|SharesItsBlocks|WithoutIPv4|OverIPv|OfDifferentKinds|SaysLittle|NetworksThatAnOperator|CaptivePortal|DesktopSays|EndpointThat(Moves|Slept)|CurlAndApt|AKiosk|OutageOfPostgreSQL' ./e2e/story
	SITECAST_LONG=1 $(GO) test -timeout 9m -v -run 'ThreeTabs|ATab(That|Whose|TakesFromIts)|TheExamples|TabRefuses|InATab|HiddenTab' ./e2e/story
	SITECAST_LONG=1 $(GO) test -timeout 9m -v ./e2e/screen ./e2e/fleet
	$(GO) test -race -timeout 30m $$($(GO) list ./... | grep -E '/($(SLOW))$$')
	SITECAST_CUT_ROUNDS=80 $(GO) test -timeout 9m -v ./e2e/cut
	@$(MAKE) --no-print-directory systems-all
	SITECAST_LONG=1 $(GO) test -timeout 9m -run 'OthersKeepTheirLine|FullLine|LossyLine' ./edge/governor

.PHONY: check
check: ## Formatting, vet, staticcheck, the other systems' builds
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not gofmt:"; echo "$$unformatted"; exit 1; }
	$(GO) mod verify >/dev/null
	$(GO) vet ./...
	$(TOOLS) staticcheck ./...
	@$(MAKE) --no-print-directory systems

.PHONY: systems
systems: ## Vet and build the program for other systems
	@$(foreach system,$(SYSTEMS),echo "for $(system)"; $(call for,$(system)) $(GO) build -o /dev/null . && \
		$(call for,$(system)) $(GO) vet . $$(grep -rlE '^//go:build' --include=*.go edge kiosk signaling storage | xargs -n1 dirname | sort -u | sed 's|^|./|') || exit 1;)

.PHONY: systems-all
systems-all: ## Vet and build everything, tests too, for all six systems: some minutes each
	@$(foreach system,$(ALL),echo "for $(system)"; $(call for,$(system)) $(GO) vet ./... && $(call for,$(system)) $(GO) build ./... || exit 1;)

for = CGO_ENABLED=0 GOOS=$(firstword $(subst /, ,$1)) GOARCH=$(lastword $(subst /, ,$1))

.PHONY: web
web: web/sdk/node_modules web/client/node_modules web/portal/node_modules ## What browsers run: types, tests, the package, and whether what is generated is of its sources
	cd web/sdk && npm run --silent check && npm run --silent test && node build.mjs --check && node pack.mjs
	cd web/client && npm run --silent check && npm run --silent test
	cd web/portal && npm run --silent check && npm run --silent test && npx vite build --outDir .build --logLevel warn
	@diff -r web/portal/.build web/dist/portal || { echo "web/dist/portal is not of these sources: make web-build, and commit what it makes"; exit 1; }

.PHONY: web-build
web-build: web/sdk/node_modules web/client/node_modules web/portal/node_modules ## Build the page that the server embeds, the package @sitecast/sdk, and the types of @sitecast/client
	$(GO) run ./signaling/wire/typescript
	$(GO) run ./signaling/api/document
	cd web/sdk && npm run --silent build && node pack.mjs
	cd web/client && npm run --silent build
	cd web/portal && npm run --silent build

%/node_modules: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

# Where pictures go.
PICTURES ?= e2e/portal/pictures/out

.PHONY: pictures
pictures: deps build ## A picture of each page of the portal at the demo, in both themes and narrow, to PICTURES; those of the README anew
	$(GO) run ./e2e/portal/pictures -demo bin/sitecast -out $(PICTURES) -readme web/portal/docs

.PHONY: deps
deps: ## Install what tests need beyond Go (Debian and Ubuntu)
	@.ci/install

.PHONY: fuzz
fuzz: ## Fuzz every decoder for FUZZ_TIME each
	@.ci/fuzz $(FUZZ_TIME)

.PHONY: bench-site
bench-site: build ## One shaped site: nginx+curl, libtorrent and Sitecast side by side (root)
	@.ci/install bench
	$(GO) run ./e2e/bench/site

.PHONY: bench-publish
bench-publish: ## Publishing beside sha256sum and zstd; reading, cutting and hashing alone beside what the machine allows
	@.ci/install bench
	$(GO) test -run '^$$' -bench 'Ingest|Known|Bound' -benchtime 3x ./storage/ingest

.PHONY: bench-delta
bench-delta: ## What an update costs over the WAN, beside casync and zstd --patch-from, on real releases
	@.ci/install bench
	$(GO) run ./e2e/bench/delta

.PHONY: bench-api
bench-api: deps build ## Lists, filters and the overview of 5,000 sites and 100,000 endpoints on PostgreSQL: p50, p99, memory
	$(GO) run ./e2e/bench/api

.PHONY: bench-control
bench-control: ## From click to last byte, and to the first effect of a priority: 200 agents at 20 sites; 8 minutes
	$(GO) run ./e2e/bench/control

.PHONY: bench-fleet
bench-fleet: ## A server beside 10,000 simulated endpoints: join storm, orders, churn, restart; FLEET='-sites 50 -endpoints 1000' for fewer
	$(GO) run ./e2e/bench/fleet $(FLEET)

.PHONY: bench-portal
bench-portal: deps build ## The portal in Chromium at 5,000 simulated sites of 3 flows: main thread, heap, events, time to see a change; PORTAL='-sites 200 -for 30s' for less
	$(GO) run ./e2e/bench/portal $(PORTAL)

.PHONY: bench-cache
bench-cache: ## Copies ahead of need at sites that come and go: by uptime, at random, by room (simulated)
	$(GO) run ./e2e/bench/cache

.PHONY: bench-idle
bench-idle: build ## CPU, memory and wake-ups of idle agents with ten links, as they are and bare (root)
	$(GO) run ./e2e/bench/idle

.PHONY: bench-build
bench-build: build ## What a build job on all cores keeps beside two agents that transfer; 7 minutes
	$(GO) run ./e2e/bench/build

.PHONY: bench-disk
bench-disk: build ## What a reader and a writer keep of their disk beside an agent; 9 minutes (root)
	@.ci/install bench
	$(GO) run ./e2e/bench/disk

.PHONY: bench-relay
bench-relay: build ## CPU a relayed gigabyte, loss and memory of our relay beside coturn; 5 minutes
	@.ci/install relay
	$(GO) run ./e2e/bench/relay

.PHONY: bench-links
bench-links: ## A thousand links made and ended: goroutines, memory and descriptors left
	$(GO) test -run '^$$' -bench LinkCycles -benchtime 1000x ./edge/rtc

.PHONY: bench-kills
bench-kills: deps build ## One site while fetchers, the server and the router die (root)
	$(GO) run ./e2e/bench/kills

.PHONY: bench-harm
bench-harm: build ## What others keep of a WAN, alone and beside us, curl and uTP: 12 cells, 9 minutes a call (root)
	@.ci/install bench
	$(GO) run ./e2e/bench/harm -limit 9m

.PHONY: bench-harm-full
bench-harm-full: build ## The same for all 90 cells: repeat it until none is left (root)
	@.ci/install bench
	$(GO) run ./e2e/bench/harm -full -limit 9m

.PHONY: bench-adverse
bench-adverse: build ## Bad lines beside curl: loss, delay and rate; 10 cells, ADVERSE=full for 40; repeat it until none is left (root)
	@.ci/install bench
	$(GO) run ./e2e/bench/adverse $(if $(filter full,$(ADVERSE)),-full) -limit 9m

.PHONY: bench-pair
bench-pair: deps ## One link beside TCP with CUBIC and BBR: loss, delay and rate; 10 cells, PAIR=full for 40; repeat it until none is left (root)
	$(GO) run ./e2e/bench/pair $(if $(filter full,$(PAIR)),-full) -limit 9m

.PHONY: bench-tab
bench-tab: deps build ## What a browser tab takes and gives, beside bare data channels of Chromium and pion; 12 minutes (root)
	$(GO) run ./e2e/bench/tab -rounds 3

.PHONY: bench-lan
bench-lan: deps ## What others keep of a slow LAN beside uploads to peers, governed and not (root)
	SITECAST_STORY_LAN=1 $(GO) test -count=1 -v -run SlowLAN ./e2e/story

.PHONY: bench-netlab
bench-netlab: deps ## Emulated WAN links: errors of rate, delay and queue, CPU a packet (root)
	$(GO) run ./e2e/bench/netlab

.PHONY: soak
soak: deps build ## Half an hour of versions and churn: memory, descriptors and goroutines stay flat (root)
	$(GO) run ./e2e/bench/soak

.PHONY: hooks
hooks: ## Run gofmt and vet before each commit
	git config core.hooksPath .githooks

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin
