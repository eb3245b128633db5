# gatewire.  `make help` says what can be made; `make` alone builds the library, the tool and the Node addon.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))

# Started from elsewhere (make -f path/to/Makefile): do it here.
ifneq ($(CURDIR),$(ROOT))
$(sort all $(MAKECMDGOALS)):
	@$(MAKE) -C "$(ROOT)" $@
else

VERSION := $(shell cat VERSION)
SONAME := libgatewire.so.0

# embedded: the library that is shipped.  static: the fallback, with the Swift runtime inside.
RUNTIME ?= embedded
ifeq ($(filter $(RUNTIME),embedded static),)
$(error RUNTIME is embedded or static, not $(RUNTIME))
endif

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
DESTDIR ?=

HEADERS := $(wildcard include/gatewire/*.h)
SWIFT := swift build -c release --disable-local-rpath --explicit-target-dependency-import-check error
SWIFT_INPUTS := Package.swift $(shell find Sources include -type f ! -path 'Sources/gatewire-tool/*')
TOOL_INPUTS := $(wildcard Sources/gatewire-tool/*.swift Sources/CSystem/* Sources/CSystem/include/*)
ADDON := bindings/node/build/gatewire.node
ADDON_INPUTS := $(wildcard bindings/node/src/* bindings/node/scripts/build.sh)

.PHONY: all
all: ## build the library, the tool and the Node addon; RUNTIME=static: the fallback library in build/static
ifeq ($(RUNTIME),static)
all: build/static/libgatewire.so
else
all: build/libgatewire.so build/gatewire $(ADDON)
endif

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z][a-z -]*\):[^#=]*## /\1\t/p' Makefile | while IFS='	' read -r names text; do \
	  printf '  %-12s %s\n' "$$names" "$$text"; done

.PHONY: dependencies
dependencies:
	@scripts/install-dependencies.sh build

.PHONY: test-dependencies
test-dependencies:
	@scripts/install-dependencies.sh test

# --- the library ---

build/gatewire.map: scripts/version-script.sh $(HEADERS)
	@mkdir -p build
	@scripts/version-script.sh > $@

# $(call library,mode,directory): builds one, keeps it with its symbols for debuggers and profilers, strips the copy.
define library
	@echo "Building $(2)/libgatewire.so ($(1))"
	@GATEWIRE_BUILD=$(1) $(SWIFT) --product gatewire --scratch-path build/swift-$(1) $(3)
	@mkdir -p $(2)
	@cp build/swift-$(1)/release/libgatewire.so $(2)/libgatewire.so.debug
	@strip -o $(2)/libgatewire.so.new $(2)/libgatewire.so.debug
	@mv $(2)/libgatewire.so.new $(2)/libgatewire.so
	@ln -sf libgatewire.so $(2)/$(SONAME)
endef

build/libgatewire.so: $(SWIFT_INPUTS) build/gatewire.map | dependencies
	$(call library,embedded,build)

build/static/libgatewire.so: $(SWIFT_INPUTS) build/gatewire.map | dependencies
	$(call library,static,build/static,-Xswiftc -no-toolchain-stdlib-rpath)

# --- what uses it ---

build/gatewire: $(TOOL_INPUTS) $(HEADERS) Package.swift | build/libgatewire.so
	@echo "Building build/gatewire"
	@GATEWIRE_BUILD=embedded $(SWIFT) --product gatewire-tool --scratch-path build/swift-embedded \
	  -Xlinker -rpath -Xlinker '$$ORIGIN/../lib'
	@strip -o $@.new build/swift-embedded/release/gatewire-tool
	@mv $@.new $@

$(ADDON): $(ADDON_INPUTS) $(HEADERS) | build/libgatewire.so
	@echo "Building $@"
	@bindings/node/scripts/build.sh

# --- showing ---

.PHONY: demo
demo: all ## the main job from end to end, for a person to watch
	@scripts/demo.sh

# --- measuring ---

.PHONY: bench
bench: all ## beside other WebSocket libraries, one table; QUICK=1: one short round
	@scripts/install-dependencies.sh bench || true
	@Tests/Bench/bench.py $(if $(QUICK),--quick)
	@GATEWIRE_BUILD=embedded $(SWIFT) --product gatewire-micro --scratch-path build/swift-embedded > build/bench/micro.log
	@build/swift-embedded/release/gatewire-micro

# --- tests ---

PYTEST := GATEWIRE_LIBRARY=$(ROOT)/build/libgatewire.so PYTHONDONTWRITEBYTECODE=1 build/venv/bin/python -m pytest \
  -q -p no:cacheprovider -c bindings/python/pyproject.toml
NODE_TESTS := $(patsubst bindings/node/%,%,$(wildcard bindings/node/test/*.test.js))
NODE_PEER_TESTS := test/ws.test.js test/ws-client.test.js test/ws-server.test.js test/double.test.js \
  test/socketio.test.js
TEST_PARTS := test-unit test-simulate test-fuzz test-c test-python test-node test-peers test-autobahn lint layers abi

.PHONY: test $(TEST_PARTS) abi-store
test: test-dependencies all build/static/libgatewire.so ## everything that must hold on every commit
	@scripts/test-parts.sh $(TEST_PARTS)

test-unit: | dependencies ## unit and vector tests of the Swift layers
	@scripts/test-unit.sh

test-fuzz: | dependencies ## the kept inputs of the fuzz targets, and two seconds of new ones each
	@SECONDS_EACH=2 Tests/Fuzz/run.sh

test-simulate: | dependencies ## 2,000 seeds of `make simulate`
	@SEEDS=2000 Tests/Simulation/run.sh

test-c: all build/static/libgatewire.so ## the C programs, against the embedded and the static library
	@Tests/C/all.sh

test-python: all | test-dependencies ## the Python package
	@scripts/python-env.sh
	@$(PYTEST) bindings/python/tests --ignore bindings/python/tests/test_gateway_double.py

test-node: all ## the Node package
	@cd bindings/node && node --expose-gc --test $(filter-out $(NODE_PEER_TESTS),$(NODE_TESTS))

test-peers: all | test-dependencies ## against counterparts that are not ours
	@scripts/python-env.sh
	@$(PYTEST) bindings/python/tests/test_gateway_double.py
	@cd bindings/node && node --test $(NODE_PEER_TESTS)
	@Tests/Peers/compile.sh Tests/Peers/echo_server.c Tests/Peers/socket_client.c Tests/Peers/socketio_client.c
	@$(PYTEST) Tests/Peers
	@Tests/Peers/forward_proxies.sh
	@SEEDS=2000 FIRST=0 Tests/Differential/run.sh

test-autobahn: all | test-dependencies ## the quick cases of the Autobahn test suite, where there is a Python 2.7 for it
	@QUICK=1 Tests/Autobahn/run.sh || { status=$$?; [ $$status -eq 3 ] && echo "Not run."; }

.PHONY: autobahn
autobahn: all | test-dependencies ## all cases of the Autobahn test suite, both roles; QUICK=1: without the large compressed ones
	@QUICK=$(QUICK) Tests/Autobahn/run.sh

lint: | test-dependencies ## formatter and static checks
	@scripts/lint.sh

layers: ## who may import whom
	@scripts/check-layers.sh

abi-store: all build/static/libgatewire.so | test-dependencies ## takes the interface as it is for the baseline; wants a CHANGELOG line
	@Tests/ABI/check.sh store

abi: all build/static/libgatewire.so | test-dependencies ## header = version script = exports; layouts, status codes, baseline
	@Tests/ABI/check.sh

.PHONY: fuzz differential simulate
SECONDS_EACH ?= 60
fuzz: | dependencies ## every fuzz target for SECONDS_EACH seconds (60), kept findings first; TARGETS names some of them
	@SECONDS_EACH=$(SECONDS_EACH) Tests/Fuzz/run.sh

FIRST ?= 0
differential: SEEDS ?= 50000
differential: | test-dependencies ## verdicts on SEEDS (50000) streams of frames from FIRST (0) on, beside other engines
	@SEEDS=$(SEEDS) FIRST=$(FIRST) Tests/Differential/run.sh

simulate: SEEDS ?= 10000
simulate: | dependencies ## client and gateway over a simulated network, SEEDS (10000) runs; SEED and TRACE=1 show one
	@SEEDS=$(SEEDS) FIRST=$(FIRST) SEED=$(SEED) TRACE=$(TRACE) Tests/Simulation/run.sh

.PHONY: asan tsan valgrind
asan: | dependencies ## the C programs with the address sanitizer
	@scripts/sanitize.sh address

tsan: | dependencies ## the C programs with the thread sanitizer
	@scripts/sanitize.sh thread

valgrind: all | test-dependencies ## the C programs under memcheck
	@Tests/C/run.sh build valgrind

.PHONY: starve
starve: all | test-dependencies ## a host that computes for 90 s keeps its link, in C, Python and Node; minutes
	@scripts/python-env.sh
	@scripts/starve.sh

.PHONY: faults
faults: all | test-dependencies ## connections cut at every byte, networks that fail, 5,000 idle connections; minutes
	@scripts/faults.sh

# --- installing ---

.PHONY: install uninstall
install: build/libgatewire.so build/gatewire ## to PREFIX (/usr/local), below DESTDIR if that is set
	@scripts/install.sh install "$(VERSION)" "$(SONAME)" "$(DESTDIR)" "$(PREFIX)" "$(LIBDIR)" "$(INCLUDEDIR)" "$(BINDIR)"

uninstall: ## what install put there
	@scripts/install.sh uninstall "$(VERSION)" "$(SONAME)" "$(DESTDIR)" "$(PREFIX)" "$(LIBDIR)" "$(INCLUDEDIR)" "$(BINDIR)"

.PHONY: clean
clean: ## removes everything that was built
	@rm -rf build bindings/node/build

endif
