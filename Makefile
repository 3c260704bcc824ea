# SPDX-License-Identifier: BSD-2-Clause
# Passage: a TLS passthrough proxy whose bytes move inside the Linux kernel.
#
# Two commands do everything on a fresh Debian 12, as root:
#   make demo       install what is missing, build, start the five processes, ask with curl
#   make test       install what is missing, build, run all tests
#
# To build:
#   make            proxy, relay, hyper and eps, into build/bin
#   make examples   the example backend, internal-server
#   make certs      a fresh set of development certificates, into settings/dev/certs
#   make deps       install the packages that building and testing need (apt)
#   make install    into $(DESTDIR)$(PREFIX), by default /usr/local; make uninstall
#   make clean      remove build/
#   make help       this text
#
# To test:
#   make unit       unit tests                    make san-unit   the same with sanitizers
#   make bpf        tests of the BPF program      make san-bpf
#   make e2e        tests through all processes   make san-e2e
#   make endurance  much data, many connections, faults and time-outs, through all processes
#   make soak       mixed load with faults at random, half an hour of it; a summary in build/soak
#   make vm-test    bpf and an end-to-end run on Debian's kernels from 5.10 to the newest, in qemu
#   make model      the hand-over between kernel and user space, every interleaving of it (spin)
#   make fuzz       the parsers of what strangers send, with libFuzzer; MINUTES of it
#   make stress     N requests, 25 at a time, through the five processes; rate and latency
#   make lint       format, static analysis, scripts, includes, names of files; part of make test
#   make bench      Passage, and chains of nginx, HAProxy and sniproxy, as ratios to no proxy at all
#
# Variables:
#   NAME=eps                demo and stress: speak the dialect of EPS instead of Hyper
#   N=2000                  stress: how many requests
#   ROUNDS=5 QUICK=1        bench: how often each case; a smoke run of a minute or two
#   PATHS=1                 bench: Passage also with each way of forwarding forced
#   KEY=ecdsa               bench: a P-256 certificate instead of RSA
#   KERNELS=6.1,newest      vm-test, test: only these of 5.10, 6.1, 6.12, newest; JOBS=1 at once (2)
#   KERNEL=path             vm-test: another bzImage; KERNEL_MODULES=dir its modules
#   T=pattern               unit, bpf, e2e, vm-test, model: only tests whose name holds the pattern
#   MINUTES=5 SEED=1        soak, fuzz: how long; soak: the same load and faults again
#   FORWARDING=auto,copy    soak: only these of auto, sockmap, splice, copy, one after the other
#   SAN=address,undefined   build with sanitizers, into build/san
#   CC=clang                another compiler
#   B=build/mine            another place to build in
#   DESTDIR= PREFIX=        install: where to
#   V=1                     show the commands

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += -rR

SAN ?=
B   ?= build$(if $(SAN),/san)
ifeq ($(origin CC),default)
CC := gcc
endif
CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(shell command -v bpftool) /usr/sbin/bpftool)
ARCH    := $(shell uname -m | sed -e 's/x86_64/x86/' -e 's/aarch64/arm64/')
PKG     := libbpf jansson yaml-0.1 openssl libevent libevent_openssl libevent_extra \
           libevent_pthreads libcurl libcares libnghttp2 libprotobuf-c sqlite3 libcap
NAME    ?= hyper
N       ?= 2000
T       ?=
DESTDIR ?=
PREFIX  ?= /usr/local
Q       := $(if $(V),,@)
msg      = $(if $(V),,@printf '  %-8s %s\n' "$(1)" "$(2)";)

CFLAGS  ?= -O2 -g
LDFLAGS ?=
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
HARDEN  := -fPIE -fstack-protector-strong -fstack-clash-protection \
           $(if $(filter x86,$(ARCH)),-fcf-protection) \
           $(if $(filter arm64,$(ARCH)),-mbranch-protection=standard) \
           $(if $(SAN),,$(if $(filter -O -O1 -O2 -O3 -Os,$(CFLAGS)),-D_FORTIFY_SOURCE=2))
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
# Asked for when first used, and once: on a fresh machine pkg-config is not there at the start.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKG)))$(PKG_CFLAGS)
LIBS       = $(eval LIBS := $(shell pkg-config --libs $(PKG)) -lm)$(LIBS)
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(WARN) $(HARDEN) -I. -I$B/gen -pthread \
             $(SANFLAGS) $(PKG_CFLAGS)
ALL_LDFLAGS = $(LDFLAGS) -pie -Wl,-z,relro,-z,now,-z,noexecstack -pthread $(SANFLAGS)
BPF_CFLAGS = -g -O2 -target bpf -mcpu=v2 -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Werror \
             -Wno-missing-declarations -Ivmlinux/$(ARCH) -I.

COMMON_SRC := $(sort $(shell find common -name '*.c'))
RELAY_SRC  := $(sort $(shell find relay -name '*.c'))
USER_SRC   := $(sort $(shell find user -name '*.c'))
BPF_SRC    := $(wildcard bpf/*.bpf.c tests/bpf/*.bpf.c)
PROTO_SRC  := $(sort $(shell find relay -name '*.proto'))
SKELETONS  := $(patsubst %.bpf.c,$B/gen/%.skel.h,$(notdir $(BPF_SRC)))
PROTO_OBJ  := $(PROTO_SRC:%.proto=$B/gen/%.pb-c.o)
PROTO_HDR  := $(PROTO_OBJ:.o=.h)
UNIT_SRC   := $(sort $(shell find tests/unit -name 'test_*.c'))
BPF_TESTS  := $(wildcard tests/bpf/test_*.c)
BPF_LIB    := $(wildcard tests/bpf/lib/*.c) tests/tools/lib/pattern.c
TOOL_SRC   := $(wildcard tests/tools/*.c)
TOOL_LIB   := $(wildcard tests/tools/lib/*.c)
FUZZ_SRC   := $(wildcard tests/fuzz/fuzz_*.c)
FUZZED     := common/base/addr.c common/base/crc32c.c common/base/domain.c common/base/escape.c \
              user/wire/client_hello.c user/wire/proxy_header.c user/wire/proxy_line.c \
              user/wire/proxy_reader.c
BENCH_SRC  := $(wildcard tests/bench/*.c)
BENCH_LIB  := $(wildcard tests/bench/lib/*.c) tests/tools/lib/hello.c
SCRATCH    := $(wildcard $B/obj $B/gen)

obj = $(1:%.c=$B/obj/%.o)

BIN   := $B/bin/proxy $B/bin/relay $B/bin/hyper $B/bin/eps
UNIT  := $(UNIT_SRC:%.c=$B/%)
BPF   := $(filter-out %.bpf,$(BPF_TESTS:%.c=$B/%))
TOOLS := $(TOOL_SRC:%.c=$B/%)
BENCH := $(BENCH_SRC:%.c=$B/%)
FUZZ  := $(FUZZ_SRC:%.c=$B/%)

.PHONY: all examples certs deps demo test unit bpf e2e endurance soak vm-test model fuzz san-unit san-bpf san-e2e stress lint bench \
        bench-programs fuzz-programs generated test-programs unit-programs bpf-programs e2e-programs install uninstall help clean FORCE
all: $(BIN)
examples: $B/bin/internal-server
unit-programs: $(UNIT)
bpf-programs: $(BPF)
e2e-programs: $(BIN) $B/bin/internal-server $(TOOLS)
bench-programs: $(BENCH)
fuzz-programs: $(FUZZ) $B/tests/fuzz/seeds
test-programs: unit-programs bpf-programs e2e-programs
generated: $(SKELETONS) $(PROTO_HDR)

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

clean:
	$(Q)rm -rf build

# One library a folder; each program is its main file and the libraries it needs.
$B/common.a: $(call obj,$(COMMON_SRC))
$B/relay.a: $(filter-out %/main.o,$(call obj,$(RELAY_SRC))) $(PROTO_OBJ)
$B/user.a: $(filter-out %/main.o,$(call obj,$(USER_SRC)))
$B/%.a: $B/stamp/sources
	$(call msg,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@ && ar rcs $@ $(filter %.o,$^)

$B/bin/proxy: $B/obj/user/main.o $B/user.a $B/common.a
$B/bin/relay: $B/obj/relay/main.o $B/relay.a $B/common.a
$B/bin/internal-server: $B/obj/examples/internal-server.o $B/common.a
$B/bin/%: $B/stamp/flags
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)

$B/bin/hyper $B/bin/eps: $B/bin/relay
	$(call msg,LN,$@)
	$(Q)ln -sf relay $@

$B/obj/%.o: %.c $B/stamp/flags | $B/stamp/deps $(SKELETONS) $(PROTO_HDR)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Test programs: the folder's own library first.
$B/tests/unit/common/%: LINK_FIRST := $B/common.a
$B/tests/unit/relay/%: LINK_FIRST := $B/relay.a
$B/tests/unit/%: $B/obj/tests/unit/%.o $B/user.a $B/relay.a $B/common.a
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $< $(LINK_FIRST) $(filter %.a,$^) $(LIBS) -lcmocka
$B/tests/bpf/%: $B/obj/tests/bpf/%.o $(call obj,$(BPF_LIB)) $B/user.a $B/common.a
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS) -lcmocka
$B/tests/tools/%: $B/obj/tests/tools/%.o $(call obj,$(TOOL_LIB))
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)
$B/tests/bench/%: $B/obj/tests/bench/%.o $(call obj,$(BENCH_LIB))
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)
# Whole, since all that is fuzzed is compiled for it, by the compiler that has the fuzzer.
$B/tests/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZED) $B/stamp/flags | $B/stamp/deps
	$(call msg,FUZZER,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) -std=gnu11 -D_GNU_SOURCE -O1 -g $(WARN) -I. \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -o $@ \
		$(filter %.c,$^)
$B/tests/fuzz/seeds: $B/obj/tests/fuzz/seeds.o $(call obj,tests/tools/lib/hello.c)
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^)
# Where a test makes an allocation fail, or sees who waits for the output.
$B/tests/unit/common/base/test_table: ALL_LDFLAGS += -Wl,--wrap=calloc
$B/tests/unit/common/base/test_log_queue: ALL_LDFLAGS += -Wl,--wrap=write,--wrap=poll
$B/tests/unit/user/mail/test_crew: ALL_LDFLAGS += -Wl,--wrap=calloc
$B/tests/unit/user/flow/test_shortage: ALL_LDFLAGS += -Wl,--wrap=calloc
.PRECIOUS: $B/obj/%.o

# Generated code is held to its generator's warnings, not to ours.
$B/gen/relay/%.pb-c.c $B/gen/relay/%.pb-c.h &: relay/%.proto | $B/stamp/deps
	$(call msg,PROTOC,$<)
	$(Q)mkdir -p $(@D) && protoc-c --c_out=$B/gen $<
$B/gen/relay/%.pb-c.o: $B/gen/relay/%.pb-c.c $B/stamp/flags
	$(call msg,CC,$@)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(HARDEN) $(SANFLAGS) -I$B/gen -c -o $@ $<

# The header shared with user space and vmlinux.h are tracked through -MMD. What clang writes holds
# twelve times as much DWARF as all the rest, and the whole object becomes part of the program: bpftool
# links it anew without the DWARF, and keeps the BTF.
define bpf_object
	$(call msg,BPF,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $(@:.o=.dwarf) $<
	$(Q)$(BPFTOOL) gen object $@ $(@:.o=.dwarf) && rm $(@:.o=.dwarf)
endef
$B/gen/%.bpf.o: bpf/%.bpf.c $B/stamp/flags | $B/stamp/deps
	$(bpf_object)
$B/gen/%.bpf.o: tests/bpf/%.bpf.c $B/stamp/flags | $B/stamp/deps
	$(bpf_object)
$B/gen/%.skel.h: $B/gen/%.bpf.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $* > $@
.PRECIOUS: $B/gen/%.bpf.o $B/gen/%.skel.h $B/gen/relay/%.pb-c.c $B/gen/relay/%.pb-c.h

# Other flags or another list of files make everything that they touch out of date.
stamp = @mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' > $@
$B/stamp/flags: FORCE
	$(call stamp,$(CC) $(CFLAGS) $(LDFLAGS) $(WARN) $(HARDEN) $(SANFLAGS) $(CLANG) $(BPF_CFLAGS) $(BPFTOOL))
$B/stamp/sources: FORCE
	$(call stamp,$(COMMON_SRC) $(RELAY_SRC) $(USER_SRC) $(PROTO_SRC))
$B/stamp/deps: tools/deps.sh
	@tools/deps.sh --check $(PKG)
	@mkdir -p $(@D) && touch $@

-include $(if $(SCRATCH),$(shell find $(SCRATCH) -name '*.d'))

# Set-up. Whatever needs the packages runs in a make of its own, after they are there.
deps:
	$(Q)tools/deps.sh
certs:
	$(Q)tools/certs.sh

# Demo and tests.
demo:
	$(Q)tools/deps.sh
	$(Q)tools/certs.sh --if-needed
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all examples
	$(Q)PASSAGE_BIN=$B/bin tools/demo.sh $(NAME)
stress:
	$(Q)tools/deps.sh
	$(Q)tools/certs.sh --if-needed
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all examples
	$(Q)PASSAGE_BIN=$B/bin tools/stress.sh $(NAME) $(N)
test:
	$(Q)tools/deps.sh
	$(Q)tools/certs.sh --if-needed
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all test-programs
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) SAN=address,undefined all test-programs
	$(Q)tests/run
unit: unit-programs
	$(Q)tests/run --build $B --only '$T' unit
bpf: bpf-programs
	$(Q)tests/run --build $B --only '$T' bpf
e2e: e2e-programs
	$(Q)tools/certs.sh --if-needed
	$(Q)tests/run --build $B --only '$T' e2e
endurance: e2e-programs
	$(Q)tools/certs.sh --if-needed
	$(Q)tests/run --build $B --only '$T' endurance
soak: e2e-programs
	$(Q)tools/certs.sh --if-needed
	$(Q)tests/soak/run.py --build $B $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(SEED),--seed $(SEED)) $(if $(FORWARDING),--forwarding $(FORWARDING))
vm-test: bpf-programs e2e-programs
	$(Q)tools/certs.sh --if-needed
	$(Q)KERNEL='$(KERNEL)' KERNEL_MODULES='$(KERNEL_MODULES)' KERNELS='$(KERNELS)' JOBS='$(JOBS)' \
		tests/run --build $B --only '$T' vm
model:
	$(Q)tests/run --build $B --only '$T' model
fuzz:
	$(Q)tools/deps.sh --fuzz
	$(Q)$(MAKE) --no-print-directory fuzz-programs
	$(Q)mkdir -p $B/fuzz && $B/tests/fuzz/seeds $B/fuzz/seeds
	$(Q)tests/fuzz/run.sh $B/fuzz $(or $(MINUTES),3) $(FUZZ)
san-unit san-bpf san-e2e: san-%:
	$(Q)$(MAKE) --no-print-directory SAN=address,undefined $*
bench:
	$(Q)tools/deps.sh --bench
	$(Q)tools/certs.sh --if-needed
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all bench-programs
	$(Q)tests/bench/run.py --build $B $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick) \
		$(if $(PATHS),--paths) $(if $(KEY),--key $(KEY))
# Its own makes are no part of this one: they take no jobs from it.
lint: generated
	$(Q)MAKEFLAGS= CC='$(CC)' LINT_CFLAGS='-std=gnu11 -D_GNU_SOURCE -I. -I$B/gen $(PKG_CFLAGS)' tools/lint.sh

# Installation.
INSTALLED = $(DESTDIR)$(PREFIX)
install: all
	$(call msg,INSTALL,$(INSTALLED))
	$(Q)install -d $(INSTALLED)/bin $(INSTALLED)/share/doc/passage/docs
	$(Q)install -m 755 $B/bin/proxy $B/bin/relay $(INSTALLED)/bin
	$(Q)ln -sf relay $(INSTALLED)/bin/hyper && ln -sf relay $(INSTALLED)/bin/eps
	$(Q)install -m 644 README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE $(INSTALLED)/share/doc/passage
	$(Q)install -m 644 $(wildcard docs/*.md) $(INSTALLED)/share/doc/passage/docs
	$(Q)tools/install-samples.sh $(INSTALLED)/share/doc/passage
uninstall:
	$(Q)for program in proxy relay hyper eps; do rm -f "$(INSTALLED)/bin/$$program"; done
	$(Q)rm -rf $(INSTALLED)/share/doc/passage
