# What one does with Khronos, for people and for machines; `make help` lists it. The build itself
# is CMake's (CMakePresets.json): nothing here is needed by those who call it themselves.

.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

JOBS ?= $(shell scripts/jobs.sh)
SEEDS ?= 1000
FUZZ_SECONDS ?= 60
# Only the test programs whose name matches: make test TESTS='core|store'
TESTS ?=

# Precompiled headers are cached only with these.
export CCACHE_SLOPPINESS ?= pch_defines,time_macros,include_file_mtime,include_file_ctime

ui_sources := $(wildcard ui/package.json)
run_tests = scripts/run-tests.py -j $(JOBS) $(if $(TESTS),-R '$(TESTS)')

# $(call compile,PRESET,FOLDER,TARGETS). The program can be built where what the tests
# need is not installed.
tests_or_not = -DKHRONOS_TESTS=$$(test -e /usr/include/gtest/gtest.h -a -e /usr/include/rapidcheck.h \
    && echo ON || echo OFF)
define compile
cmake --preset $(1) $(if $(filter fuzz,$(1)),,$(tests_or_not)) >/dev/null
nice ninja -C $(2) -j $(JOBS) $(3)
endef

# $(call not_yet,FILE,WHAT): a target whose part of the project does not exist says so and fails.
define not_yet
@test -e $(1) || { echo "make $@: not built yet: $(2) ($(1) does not exist)" >&2; exit 1; }
endef

.PHONY: help
help: ## list the targets
	@echo "make run and make test are all one needs; both install what is missing first."
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

# ---- use

.PHONY: build
build: deps-build ui ## build the program: build/khronos
	$(call compile,release,build,khronos $(if $(wildcard src/runner/*_main.cc),khronos-runner))

.PHONY: run
run: build ## build, and start the whole system in one process; prints the page's address
	@exec build/khronos agent -e local

.PHONY: package
package: deps-build ui ## build/khronos_VERSION_ARCH.deb
	$(call not_yet,cmake/KhronosPackage.cmake,the Debian package)
	$(call compile,release,build,all)
	cd build && cpack -G DEB

# ---- proof

.PHONY: test
test: deps-build deps-test ui ## build and run every test; TESTS=regex for some; ends with: N passed, N failed
	$(call compile,release,build,all)
	@$(run_tests) build

.PHONY: asan
asan: deps-build deps-test ui ## every test under AddressSanitizer and UBSan
	$(call compile,asan,build-asan,all)
	@UBSAN_OPTIONS=print_stacktrace=1 $(run_tests) build-asan

.PHONY: tsan
tsan: deps-build deps-test ui ## every test under ThreadSanitizer
	$(call compile,tsan,build-tsan,all)
	@TSAN_OPTIONS="ignore_noninstrumented_modules=1 suppressions=$(CURDIR)/scripts/tsan.supp" \
	    $(run_tests) build-tsan

.PHONY: sim
sim: deps-build ## SEEDS=n runs of the whole system on a virtual clock
	$(call not_yet,src/sim/sim_main.cc,the simulation)
	$(call compile,release,build,khronos-sim)
	build/khronos-sim --seeds $(SEEDS)

.PHONY: chaos
chaos: deps-build deps-test ui ## faults on real processes: agents, workers, etcd
	$(call not_yet,tests/chaos/run,fault injection on real processes)
	$(call compile,release,build,all)
	tests/chaos/run

.PHONY: bench
bench: deps-build deps-bench ui ## every benchmark
	$(call compile,bench,build,all)
	@scripts/run-benchmarks.sh build

.PHONY: fuzz
fuzz: deps-build deps-fuzz ## every fuzz target, FUZZ_SECONDS=60 each
	$(call not_yet,fuzz/CMakeLists.txt,fuzzing)
	$(call compile,fuzz,build-fuzz,all)
	@scripts/run-fuzzers.sh build-fuzz $(FUZZ_SECONDS)

# ---- work on it

.PHONY: format
format: deps-format ## put the sources into the project's format
	git ls-files '*.h' '*.cc' | xargs clang-format-19 -i

.PHONY: tidy
tidy: deps-build deps-test deps-format ## clang-tidy over the sources
	$(call compile,release,build,all)
	run-clang-tidy-19 -quiet -p build -j $(JOBS) '$(CURDIR)/src/.*\.cc$$'

.PHONY: ui-dev
ui-dev: deps-ui ## the page with live reload, against an agent on 127.0.0.1:10001
	$(call not_yet,ui/package.json,the web page)
	cd ui && npm ci --no-audit --no-fund && npm run dev

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build build-asan build-tsan build-debug build-fuzz ui/dist

# ---- what the others need

.PHONY: deps-build deps-test deps-bench deps-fuzz deps-format deps-ui
deps-build deps-test deps-bench deps-fuzz deps-format deps-ui: deps-%:
	@scripts/install-deps.sh $*

# The page is built once for all; it is rebuilt when a file of it changes.
.PHONY: ui
ifeq ($(ui_sources),)
ui: ;
else
ui: deps-ui ui/dist/index.html

ui/node_modules/.package-lock.json: ui/package.json ui/package-lock.json
	cd ui && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

ui/dist/index.html: ui/node_modules/.package-lock.json $(shell find ui -path ui/node_modules -prune -o -path ui/dist -prune -o -type f -print)
	cd ui && npm run --silent build
	@touch $@
endif
