# The one entry point. `make help` lists the targets; scripts/ and CMakePresets.json do the work.
.DEFAULT_GOAL := help
.PHONY: help build run demo test bench bench-peers format tidy asan tsan planted sim fuzz chaos wasm \
	install clean

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
# ctest's own options, e.g. make test CTEST="-R kinto"
CTEST ?=
# how long `make fuzz` runs each fuzzer
SECONDS ?= 60
# options of the benchmarks, e.g. make bench BENCH="--only GET --rounds 3"
BENCH ?=
# options of the simulator, e.g. make sim SIM="--seeds 20000"
SIM ?= --seeds 1000
# how many runs `make chaos` makes; its other options, e.g. make chaos CHAOS="--seed 17 --keep 1"
RUNS ?= 20
CHAOS ?=
# options of the comparison with other systems (bench/peers/README.md)
PEERS ?=
# options of the demo, e.g. make demo DEMO="--fast --keep demo"
DEMO ?=

need = @scripts/install-dependencies
build_preset = cmake --preset $(1) >build/$(1).configure.log 2>&1 || { cat build/$(1).configure.log; exit 1; }; \
	cmake --build --preset $(1) --parallel $(JOBS)
run_tests = ctest --preset $(1) --parallel $(JOBS) $(CTEST)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

build: | build/ ## build the library, the server and the command line
	$(need) build test
	@$(call build_preset,release)

run: | build/ ## start a server with the world's languages and countries in it
	$(need) build test run
	@$(call build_preset,release)
	@scripts/run-server

demo: | build/ ## watch two devices, kinto.js and a server part, work and meet again
	$(need) build test run node
	@$(call build_preset,release) --target tombolo
	@scripts/run-demo build/release/src/cli/tombolo $(DEMO)

test: | build/ ## build and run all tests
	$(need) build test run wasm node browser
	@$(call build_preset,release)
	@$(call run_tests,release)

bench: | build/ ## run the benchmarks (on a quiet machine), e.g. make bench BENCH="--only GET"
	$(need) build test
	@$(call build_preset,release) --target tombolo_bench
	@build/release/bench/tombolo_bench $(BENCH)

bench-peers: | build/ ## measure other sync systems beside Tombolo, e.g. make bench-peers PEERS="--rounds 1"
	$(need) build test node peers
	@$(call build_preset,release) --target tombolo
	@bench/peers/run build/release/src/cli/tombolo --json "$(CURDIR)/build/peers.json" $(PEERS)

format: ## format every C++ file
	$(need) format
	@scripts/format --fix

tidy: | build/ ## run clang-tidy over every C++ file (slow)
	$(need) build test tidy
	@scripts/tidy

asan: | build/ ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(need) build test run wasm node browser
	@$(call build_preset,asan)
	@$(call run_tests,asan)

tsan: | build/ ## all tests under ThreadSanitizer
	$(need) build test run wasm node browser
	@$(call build_preset,tsan)
	@$(call run_tests,tsan)

planted: | build/ ## a build with known bugs, to see that the simulator finds them
	$(need) build test
	@$(call build_preset,planted)
	@$(call run_tests,planted)

sim: | build/ ## run simulated worlds, e.g. make sim SIM="--seeds 20000"
	$(need) build test
	@$(call build_preset,release) --target tombolo-sim
	@build/release/sim/tombolo-sim --list sim/regressions.txt $(SIM)

fuzz: | build/ ## run each fuzzer for a minute, e.g. make fuzz SECONDS=3600
	$(need) build fuzz
	@$(call build_preset,fuzz)
	@scripts/fuzz build/fuzz $(SECONDS)

chaos: | build/ ## kill and cut off real servers and devices, e.g. make chaos RUNS=100
	$(need) build test
	@$(call build_preset,release) --target chaos
	@build/release/tests/chaos --runs $(RUNS) --jobs $(JOBS) $(CHAOS)

wasm: | build/ ## compile the pure layers for WebAssembly
	$(need) build wasm
	@$(call build_preset,wasm)

install: build ## install library, headers and program below PREFIX (/usr/local)
	@cmake --install build/release --prefix "$(PREFIX)"

clean: ## remove what was built (not the data of `make run`, which is in run/)
	@rm -rf build

build/:
	@mkdir -p build
