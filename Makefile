# SPDX-License-Identifier: GPL-2.0-only
#
# make [kmod|agent]       build/doppel.ko and build/doppel; ARCH=arm64: build/arm64/…
#   KERNEL=NAME           the module for a kernel of tools/vm: build/NAME/doppel.ko
#   KDIR=DIR              the module for the kernel whose headers are in DIR
# make check              every test, after installing what they need
# make lint|unit|kunit|scenarios     its parts; their results stay in build/tap
#   SCENARIOS='FILE…'     only these; KERNELS='NAME…': only on these
# make fuzz               ten million inputs to each fuzzer; RUNS=N
# make soak               five minutes of churn; SECONDS=N
# make demo               the main job, shown
# make upstreams          each DHCP server in every mode, and every fault: too long for make check
# make crash              two hundred times kill -9; KILLS=N
# make policies           two hundred random policy sets, each firewall against a model; SETS=N, SEED=N
# make scale              a thousand devices, four thousand: table, and build/scale.json
# make bench              what a packet costs: tables, and build/bench.json; bench-proxy: against programs
# make install            DESTDIR and PREFIX as usual
# make clean
# V=1 shows the commands

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:

PREFIX ?= /usr/local
Q := $(if $(V),,@)
silent := $(findstring s,$(filter-out --%,$(firstword $(MAKEFLAGS))))
say = $(if $(silent),,@printf '  %-7s %s\n' $(1) $@)
upstreams := $(sort $(wildcard tests/scenarios/matrix-*.sh tests/scenarios/faults-*.sh tests/scenarios/family-*.sh))
SCENARIOS ?= $(filter-out $(upstreams),$(sort $(wildcard tests/scenarios/*.sh)))
running := $(wildcard /lib/modules/$(shell uname -r)/build)

# From here on only the rules below and tools/kernel speak to kbuild.
arch := $(filter arm64,$(ARCH))
unexport ARCH KDIR CROSS_COMPILE

all: kmod agent

# --- what must be installed ------------------------------------------------------------------

.PHONY: packages
packages:
	@missing=$$(tools/packages missing build $(if $(arch),cross)) || { \
		echo "Packages are missing. Install them with: apt-get install" $$missing; \
		echo "or with: tools/packages install"; exit 1; } >&2

# --- the module ------------------------------------------------------------------------------

# The default is the running kernel, else the one that tools/vm boots by default.
ifdef arch
KERNEL ?= arm64
else ifndef KDIR
ifeq ($(running),)
KERNEL ?= 6.12
else
KDIR := $(running)
endif
endif

# Each kernel gets a tree of links of its own, so that no object is ever another kernel's.
# $(call kmod,DIRECTORY,KDIR,FLAGS)
define kmod
	@mkdir -p $(1)
	@find $(1) -xtype l -delete
	@cp -rsf $(CURDIR)/Kbuild $(CURDIR)/kmod $(CURDIR)/uapi $(1)/
	@mkdir -p $(1)/tests && { [ ! -d tests/kunit ] || cp -rsf $(CURDIR)/tests/kunit $(1)/tests/; }
	+flock $(1).lock $(MAKE) -C $(2) M=$(CURDIR)/$(1) CONFIG_DEBUG_INFO_BTF_MODULES= $(3) modules
endef
kbuild_flags = $(if $(filter arm64,$(1)),ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)$(if $(filter uml%,$(1)),ARCH=um)

.PHONY: kmod
ifdef KERNEL
kmod: build/$(KERNEL)/doppel.ko
ifneq ($(KERNEL),arm64)
	@cp $< build/doppel.ko
endif
else
kmod: packages
	$(call kmod,build/kmod/kdir,$(KDIR))
	@cp build/kmod/kdir/doppel.ko build/doppel.ko
endif

build/%/doppel.ko: FORCE | packages
	@headers=$$(tools/kernel headers $*) && ln -sfnT $$headers build/kmod/$*.headers
	$(call kmod,build/kmod/$*,build/kmod/$*.headers,$(call kbuild_flags,$*))
	@mkdir -p build/$*
	@cmp -s build/kmod/$*/doppel.ko $@ || cp build/kmod/$*/doppel.ko $@

build/kunit/doppel.ko: FORCE | packages
	@headers=$$(tools/kernel headers uml) && ln -sfnT $$headers build/kmod/uml.headers
	$(call kmod,build/kmod/kunit,build/kmod/uml.headers,ARCH=um KUNIT=1)
	@mkdir -p build/kunit
	@cp build/kmod/kunit/doppel.ko $@

# What sparse says of the module; for tools/lint
build/sparse: FORCE | packages
	@headers=$$(tools/kernel headers 6.12) && ln -sfnT $$headers build/kmod/6.12.headers
	$(call kmod,build/kmod/sparse,build/kmod/6.12.headers,C=2) >$@ 2>&1 || { cat $@; exit 1; }

.PHONY: FORCE
FORCE:

$(shell mkdir -p build/kmod)

# --- the agent -------------------------------------------------------------------------------

libraries := libnl-3.0 libnl-genl-3.0 libnl-route-3.0 yaml-0.1 sqlite3 libmicrohttpd jansson libsodium libqrencode
agent_sources := agent/main.c $(sort $(wildcard agent/*/*.c))
unit_sources := $(sort $(wildcard tests/unit/*_test.c))
unit_programs := $(unit_sources:tests/unit/%.c=build/unit/%)

ifdef arch
out := build/arm64
sysroot := $(shell tools/kernel root)
CC := aarch64-linux-gnu-gcc --sysroot=$(sysroot)
pkg_config := PKG_CONFIG_SYSROOT_DIR=$(sysroot) PKG_CONFIG_LIBDIR=$(sysroot)/usr/lib/aarch64-linux-gnu/pkgconfig:$(sysroot)/usr/share/pkgconfig pkg-config
else
out := build
pkg_config := pkg-config
endif

CFLAGS ?= -O2 -g
agent_cflags = -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror -Iagent -Iuapi \
	$(shell $(pkg_config) --cflags $(libraries))
agent_libs = $(shell $(pkg_config) --libs $(libraries)) -lev -lm
sanitize := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

.PHONY: agent
agent: packages $(out)/doppel

$(out)/doppel: $(agent_sources:%.c=$(out)/obj/%.o)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(agent_libs)

$(out)/obj/%.o: %.c Makefile | packages
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(agent_cflags) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# The agent with sanitizers, for the unit tests; an archive, so that a test may bring its own part.
build/unit/agent.a: $(patsubst %.c,build/unit/obj/%.o,$(filter-out agent/main.c,$(agent_sources)))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

build/unit/obj/%.o: %.c Makefile | packages
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(agent_cflags) -Itests/unit -O1 -g $(sanitize) -MMD -MP -c -o $@ $<

build/unit/%_test: build/unit/obj/tests/unit/%_test.o build/unit/agent.a
	$(call say,LD)
	$(Q)$(CC) $(sanitize) -o $@ $^ $(agent_libs)

.SECONDARY: $(unit_sources:%.c=build/unit/obj/%.o)

# Parts of the agent by themselves, for scenarios
programs := $(patsubst tests/programs/%.c,build/programs/%,$(sort $(wildcard tests/programs/*.c)))

build/programs/%: build/obj/tests/programs/%.o $(patsubst %.c,build/obj/%.o,$(filter-out agent/main.c,$(agent_sources)))
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(agent_libs)

build/obj/tests/programs/%.o: CPPFLAGS += -Itests/unit

.SECONDARY: $(programs:build/%=build/obj/tests/%.o)

-include $(agent_sources:%.c=$(out)/obj/%.d) $(agent_sources:%.c=build/unit/obj/%.d) $(unit_sources:%.c=build/unit/obj/%.d)
-include $(programs:build/%=build/obj/tests/%.d)

# --- tests -----------------------------------------------------------------------------------

.PHONY: check lint unit kunit scenarios
# Programs are built first, on all CPUs; what does not build is counted by the suites.
check:
	tools/packages install build vm check fuzz cross
	rm -rf build/tap
	-@$(MAKE) -s -j$$(nproc) agent $(unit_programs) $(programs)
	@for suite in lint unit fuzz-short kunit scenarios; do tools/tap suite $$suite $(MAKE) $$suite || failed=1; done; \
	tools/tap total && [ -z "$$failed" ]

lint:
	@tools/tap run lint lint tools/lint

unit: $(unit_programs)
	@status=0; for test in $^; do tools/tap run unit $${test##*/} $$test || status=1; done; exit $$status

kunit: build/kunit/doppel.ko
	@tools/tap run kunit uml tools/vm -k uml -- tools/guest/kunit $<

scenarios: agent $(programs)
	@tools/scenarios $(SCENARIOS)

# The agent by clang, for libFuzzer. An input that is found wrong is given to its program again.
fuzzers := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))
fuzz_sanitize := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
build/fuzz/http_fuzz build/fuzz/networks_fuzz: LDFLAGS += \
	-Wl,--wrap=doppel_http_argument,--wrap=doppel_http_bearer,--wrap=doppel_http_stream

build/fuzz/obj/%.o: %.c Makefile | packages
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)clang $(agent_cflags) -Itests/unit -O1 -g -fsanitize=fuzzer-no-link $(fuzz_sanitize) -MMD -MP -c -o $@ $<

build/fuzz/agent.a: $(patsubst %.c,build/fuzz/obj/%.o,$(filter-out agent/main.c,$(agent_sources)))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

build/fuzz/%_fuzz: build/fuzz/obj/tests/fuzz/%_fuzz.o build/fuzz/agent.a
	$(call say,LD)
	$(Q)clang -fsanitize=fuzzer $(fuzz_sanitize) $(LDFLAGS) -o $@ $^ $(agent_libs)

.SECONDARY: $(fuzzers:build/fuzz/%=build/fuzz/obj/tests/fuzz/%.o)
-include $(agent_sources:%.c=build/fuzz/obj/%.d) $(fuzzers:build/fuzz/%=build/fuzz/obj/tests/fuzz/%.d)

.PHONY: fuzz fuzz-short
fuzz: RUNS ?= 10000000
fuzz: $(fuzzers)
	@tools/tap run fuzz fuzz tests/fuzz/run $(RUNS) $^

fuzz-short: $(fuzzers)
	@tools/tap run fuzz-short short tests/fuzz/run 10000 $^

.PHONY: upstreams
upstreams: agent
	@tools/scenarios $(upstreams)

.PHONY: soak
soak: SECONDS ?= 300
soak: build/uml/doppel.ko
	@tools/tap run soak uml tools/vm -k uml -t $$(($(SECONDS) + 600)) -- \
		env TB_SECONDS=$(SECONDS) tests/scenarios/soak.sh

.PHONY: crash
crash: KILLS ?= 200
crash: build/uml/doppel.ko agent
	@tools/tap run crash uml tools/vm -k uml -t $$(($(KILLS) * 20 + 900)) -- \
		env TB_KILLS=$(KILLS) tests/scenarios/faults-crash.sh

.PHONY: policies
policies: SETS ?= 200
policies: SEED ?= 1
policies: build/programs/wg-rules
	@tools/tap run policies uml tools/vm -k uml -t $$(($(SETS) * 15 + 300)) -- \
		env TB_SETS=$(SETS) TB_SEED=$(SEED) TB_ONLY=policies tests/scenarios/wg-firewall.sh

.PHONY: scale
scale: build/uml-bench/doppel.ko agent
	tools/packages install check
	tools/vm -k uml-bench -m 2048 -t 3100 -- tests/scale/scale.sh build/scale.json

# --- what it costs ---------------------------------------------------------------------------

# The generator of the benchmark
build/%/blast.ko: tests/bench/blast.c tests/bench/Kbuild | packages
	@mkdir -p build/blast/$* build/$*
	@cp -sf $(addprefix $(CURDIR)/,$^) build/blast/$*/
	+flock build/blast/$*.lock $(MAKE) -C $$(tools/kernel headers $*) M=$(CURDIR)/build/blast/$* $(call kbuild_flags,$*) modules
	@cp build/blast/$*/blast.ko $@

ynl = $$(tools/kernel src)/tools/net/ynl

.PHONY: bench bench-short bench-proxy
bench: build/uml-bench/doppel.ko build/uml-bench/blast.ko
	tools/packages install bench
	jool=$$(tools/jool uml-bench) || jool=/nonexistent; \
	tools/vm -k uml-bench -m 6144 -t 3600 -- tests/bench/bench.sh $^ $(ynl) $$jool build/bench.json

# Whether make bench works, not what it says
bench-short: build/uml/doppel.ko build/uml/blast.ko
	@tools/tap run bench-short uml tools/vm -k uml -- tests/bench/short.sh $^ $(ynl)

bench-proxy: build/6.12/doppel.ko
	tools/packages install bench
	tools/vm -k 6.12 -c 2 -t 900 -- tests/bench/proxy.sh $< $(ynl) build/bench-proxy.json

# --- the rest --------------------------------------------------------------------------------

.PHONY: demo install clean
demo:
	tools/packages install
	$(MAKE) build/6.12/doppel.ko agent
	tools/vm -- tests/demo.sh

install: all
	release=$$(modinfo -F vermagic $(out)/doppel.ko | cut -d' ' -f1) && \
	install -D -m 644 $(out)/doppel.ko $(DESTDIR)/lib/modules/$$release/updates/doppel.ko && \
	{ [ -n "$(DESTDIR)" ] || depmod $$release; }
	install -D -m 755 $(out)/doppel $(DESTDIR)$(PREFIX)/sbin/doppel

clean:
	rm -rf build
