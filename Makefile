# SPDX-License-Identifier: BSD-2-Clause
# Passage: a TLS passthrough proxy whose bytes move inside the Linux kernel.
#
#   make            build proxy, relay, hyper and eps into build/bin
#   make examples   build the example backend, internal-server
#   make help       this text
#
# Variables:
#   SAN=address,undefined   build with sanitizers, into build/san
#   CC=clang                another compiler; give it its own B=build/clang
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
PKG     := libbpf jansson yaml-0.1 openssl libevent libevent_openssl libevent_extra libcurl \
           libnghttp2 libprotobuf-c sqlite3 libcap
Q       := $(if $(V),,@)
msg      = $(if $(V),,@printf '  %-8s %s\n' "$(1)" "$(2)";)

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
HARDEN  := -fPIE -fstack-protector-strong $(if $(SAN),,-D_FORTIFY_SOURCE=2)
CFLAGS  ?= -O2 -g
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(WARN) $(HARDEN) -I. -I$B/gen -pthread \
             $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
LDFLAGS ?=
ALL_LDFLAGS = $(LDFLAGS) -pie -Wl,-z,relro,-z,now -pthread $(if $(SAN),-fsanitize=$(SAN))
LIBS     = $(shell pkg-config --libs $(PKG)) -levent_pthreads

COMMON_SRC := $(wildcard common/*.c)
RELAY_SRC  := $(wildcard relay/*.c)
USER_SRC   := $(wildcard user/*.c user/*/*.c)
BPF_SRC    := $(wildcard bpf/*.bpf.c)
PROTO_SRC  := $(wildcard relay/*.proto)
SKELETONS  := $(BPF_SRC:bpf/%.bpf.c=$B/gen/%.skel.h)
PROTO_OBJ  := $(PROTO_SRC:relay/%.proto=$B/gen/relay/%.pb-c.o)
PROTO_HDR  := $(PROTO_OBJ:.o=.h)

obj = $(1:%.c=$B/obj/%.o)

BIN := $B/bin/proxy $B/bin/relay $B/bin/hyper $B/bin/eps

.PHONY: all examples help clean
all: $(BIN)
examples: $B/bin/internal-server

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

clean:
	$(Q)rm -rf build

# One library a folder; each program is its main file and the libraries it needs.
$B/common.a: $(call obj,$(COMMON_SRC))
$B/relay.a: $(filter-out %/main.o,$(call obj,$(RELAY_SRC))) $(PROTO_OBJ)
$B/user.a: $(filter-out %/main.o,$(call obj,$(USER_SRC)))
%.a:
	$(call msg,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^

$B/bin/proxy: $B/obj/user/main.o $B/user.a $B/common.a
$B/bin/relay: $B/obj/relay/main.o $B/relay.a $B/common.a
$B/bin/internal-server: $B/obj/examples/internal-server.o $B/common.a
$B/bin/%:
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$B/bin/hyper $B/bin/eps: $B/bin/relay
	$(call msg,LN,$@)
	$(Q)ln -sf relay $@

$B/obj/%.o: %.c Makefile | $(SKELETONS) $(PROTO_HDR)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Generated code is held to its generator's warnings, not to ours.
$B/gen/relay/%.pb-c.c $B/gen/relay/%.pb-c.h &: relay/%.proto
	$(call msg,PROTOC,$<)
	$(Q)mkdir -p $(@D) && protoc-c --c_out=$B/gen $<
$B/gen/relay/%.pb-c.o: $B/gen/relay/%.pb-c.c
	$(call msg,CC,$@)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(HARDEN) -I$B/gen -c -o $@ $<

# The header shared with user space and vmlinux.h are tracked through -MMD.
$B/gen/%.bpf.o: bpf/%.bpf.c Makefile
	$(call msg,BPF,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) -g -O2 -target bpf -mcpu=v2 -D__TARGET_ARCH_$(ARCH) \
		-Wall -Wextra -Werror -Wno-missing-declarations -Ivmlinux/$(ARCH) -I. -MMD -MP -MT $@ -c -o $@ $<
$B/gen/%.skel.h: $B/gen/%.bpf.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $* > $@

-include $(shell find $B -name '*.d' 2>/dev/null)
