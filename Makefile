# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shunt: one non-recursive Makefile. `make help` lists the targets.
#
# Everything is made in build/ (build/san/ with SAN=1). V=1 shows the commands.

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY: # what lies between source and skeleton is kept
.DEFAULT_GOAL := all

CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PYTHON  ?= /usr/bin/python3
PREFIX  ?= /usr
DESTDIR ?=
VERSION := 0.1.0

ifdef SAN
B := build/san
SANFLAGS := -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
else
B := build
endif
ifndef V
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)';
endif

PKGS     := libbpf libnl-3.0 libnl-route-3.0 yaml-0.1 jansson
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla \
            -Wundef -Wwrite-strings -Wcast-qual -Wimplicit-fallthrough
ifdef CI
WARNINGS += -Werror
endif
# Expanded when first used, so that `make help` and `make setup` work before anything is installed.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
CFLAGS  ?= -O2 -g
override CFLAGS += -std=gnu17 -D_GNU_SOURCE -DSHUNT_VERSION='"$(VERSION)"' $(WARNINGS) $(SANFLAGS)
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Wshadow -Werror -Iinclude -Ixdp \
              -I/usr/include/$(shell uname -m)-linux-gnu

# ---- sources ---------------------------------------------------------------
# A folder sees include/ and itself: a wrong include does not compile.
NETLINK_SRC := $(filter-out %.bpf.c,$(wildcard netlink/*.c))
CTL_SRC     := $(filter-out ctl/shunt.c ctl/shuntd.c,$(wildcard ctl/*.c ctl/*/*.c))
CTL_INC     := -Ictl $(patsubst %/,-I%,$(wildcard ctl/*/))
MAIN_SRC    := ctl/shunt.c ctl/shuntd.c
SKELETONS   := $(B)/xdp/director.skel.h $(B)/xdp/backend.skel.h $(B)/netlink/interest.skel.h \
               $(B)/netlink/probe.skel.h
UNIT_SRC    := $(wildcard test/unit/*_test.c)

NETLINK_OBJ := $(NETLINK_SRC:%.c=$(B)/%.o)
CTL_OBJ     := $(CTL_SRC:%.c=$(B)/%.o)
MAIN_OBJ    := $(MAIN_SRC:%.c=$(B)/%.o)
UNIT_BIN    := $(UNIT_SRC:%.c=$(B)/%)
LIB         := $(B)/libshunt.a

##
## Build
all: $(B)/shuntd $(B)/shunt ## build shuntd and shunt in build/ (SAN=1: with ASan and UBSan, in build/san/)

$(B)/shuntd $(B)/shunt: $(B)/%: $(B)/ctl/%.o $(LIB)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(PKG_LIBS)

$(LIB): $(NETLINK_OBJ) $(CTL_OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(NETLINK_OBJ): $(B)/netlink/%.o: netlink/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) $(PKG_CFLAGS) -Iinclude -Inetlink -isystem $(B)/netlink -MMD -MP -c -o $@ $<

$(CTL_OBJ) $(MAIN_OBJ): $(B)/ctl/%.o: ctl/%.c | $(SKELETONS)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) $(PKG_CFLAGS) -Iinclude $(CTL_INC) -isystem $(B)/xdp -MMD -MP -c -o $@ $<

# A system header to the compiler, for its warnings are libbpf's: so not in the .d file.
$(B)/ctl/tables/dataplane.o: $(SKELETONS)
$(B)/netlink/interest.o: $(B)/netlink/interest.skel.h
$(B)/netlink/probe.o: $(B)/netlink/probe.skel.h

$(B)/%.bpf.o: %.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $@ $<

$(B)/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $(notdir $*)_bpf > $@

clean: ## remove build/
	$(Q)rm -rf build

install: all ## install into $(DESTDIR)$(PREFIX)
	install -D -m 0755 $(B)/shuntd $(DESTDIR)$(PREFIX)/sbin/shuntd
	install -D -m 0755 $(B)/shunt $(DESTDIR)$(PREFIX)/bin/shunt
	install -D -m 0644 examples/shunt.yaml $(DESTDIR)$(PREFIX)/share/doc/shunt/examples/shunt.yaml
	install -D -m 0644 examples/shuntd.service $(DESTDIR)$(PREFIX)/lib/systemd/system/shuntd.service
	install -D -m 0644 examples/shunt-withdraw.service $(DESTDIR)$(PREFIX)/lib/systemd/system/shunt-withdraw.service

##
## Test
# Each suite leaves its counts in $(B)/results/; test/summary adds them up.
-include test/test.mk test/packet/packet.mk test/property/property.mk test/vm/vm.mk test/fuzz/fuzz.mk test/bench/bench.mk test/churn/churn.mk

unit: $(UNIT_BIN) ## each part alone: the pure ones as truth tables, the others on real sockets and devices (cmocka)
	$(Q)test/run-unit $(B)/results/unit $(UNIT_BIN)

$(UNIT_BIN): $(B)/test/unit/%: test/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) $(PKG_CFLAGS) -Iinclude -Inetlink $(CTL_INC) -Itest/unit -isystem $(B)/xdp -MMD -MP -o $@ $< $(LIB) $(PKG_LIBS) -lcmocka

# They start the command.
$(filter $(B)/test/unit/cmd_%,$(UNIT_BIN)): | $(B)/shunt

-include $(NETLINK_OBJ:.o=.d) $(CTL_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(UNIT_BIN:=.d) \
         $(B)/xdp/director.bpf.d $(B)/xdp/backend.bpf.d $(B)/netlink/interest.bpf.d \
         $(B)/netlink/probe.bpf.d

##
help: ## this list
	@printf 'shunt $(VERSION): make TARGET [SAN=1] [V=1] [DESTDIR=]\n'
	@awk -F':.*## ' '/^## /{printf "\n%s\n", substr($$0, 4)} /^[a-z][a-z-]*:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: all clean install unit help
