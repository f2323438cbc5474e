# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Figures, included by the Makefile. Unlike the tests this measures times, so it is no part of `make test`.

BENCH_SKELETONS := $(B)/bench/prologue.skel.h $(B)/bench/yardsticks.skel.h
BENCH_OBJ       := $(patsubst %.c,$(B)/%.o,$(filter-out %.bpf.c,$(wildcard test/bench/packet/*.c)))

$(B)/bench/%.bpf.o: test/bench/packet/%.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $@ $<

$(B)/bench/%.skel.h: $(B)/bench/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(BENCH_OBJ): $(B)/test/bench/packet/%.o: test/bench/packet/%.c $(SKELETONS) $(BENCH_SKELETONS)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) $(PKG_CFLAGS) -Iinclude -Itest/bench/packet -isystem $(B)/xdp -isystem $(B)/bench -MMD -MP -c -o $@ $<

$(B)/bench/packet: $(BENCH_OBJ)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

CONVERGE_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard test/bench/converge/*.c))

$(CONVERGE_OBJ): $(B)/test/bench/converge/%.o: test/bench/converge/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) $(PKG_CFLAGS) -Iinclude -Itest/bench/converge -MMD -MP -c -o $@ $<

$(B)/bench/converge: $(CONVERGE_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

# What is generated, before what reads it is checked.
lint: $(BENCH_SKELETONS)

# BASELINE=FILE: beside each figure its change since the run that left FILE; PART=load, converge or packet: that alone;
# PART=routes: a million routes by BIRD beside us, some minutes, in no other run.
# The shell gives way to the bench, so that a signal that ends make reaches it.
bench: all $(B)/bench/packet $(B)/bench/converge ## load, memory, convergence, a packet's cost; also in build/bench.json (root; BASELINE=FILE PART=packet)
	$(Q)exec env SHUNT_BUILD=$(abspath $(B)) PYTHONDONTWRITEBYTECODE=1 $(PYTHON) test/bench/bench.py $(B)/bench.json \
	    $(addprefix --baseline ,$(BASELINE)) $(addprefix --part ,$(PART))

.PHONY: bench

-include $(BENCH_OBJ:.o=.d) $(CONVERGE_OBJ:.o=.d) $(BENCH_SKELETONS:.skel.h=.bpf.d)
