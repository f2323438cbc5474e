# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Packets in, packets out. The runner needs neither the daemon nor Python: with the case file it
# runs in a small guest too (build/test/packet/run build/test/packet/cases.txt).
#
# SHUNT_GENERAL=1 shuts the straight way (xdp/straight.h): all facts hold with it and without.

PACKET_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard test/packet/*.c))

$(PACKET_OBJ): $(B)/test/packet/%.o: test/packet/%.c | $(SKELETONS)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) $(PKG_CFLAGS) -Iinclude -Itest/packet -isystem $(B)/xdp -MMD -MP -c -o $@ $<

# (-isystem: what bpftool generates casts const away.)
# The skeletons are the programs: a change of theirs must reach the runner.
$(B)/test/packet/world.o: $(SKELETONS)

$(B)/test/packet/run: $(PACKET_OBJ)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(B)/test/packet/cases.txt: test/packet/cases.py $(wildcard test/packet/facts*.py)
	@mkdir -p $(@D)
	$(call say,GEN,$@)$(PYTHON) $< > $@

packet: $(B)/test/packet/run $(B)/test/packet/cases.txt ## packets in, packets out, on the loaded programs (root)
	@mkdir -p $(B)/results
	$(Q)$(B)/test/packet/run $(B)/test/packet/cases.txt $(B)/results/packet
	$(Q)SHUNT_GENERAL=1 $(B)/test/packet/run $(B)/test/packet/cases.txt $(B)/results/packet-general \
	    > $(B)/packet-general.log || { grep -v "^ok " $(B)/packet-general.log; false; }
	$(Q)tail -1 $(B)/packet-general.log | sed "s/^packet/the general way/"

-include $(PACKET_OBJ:.o=.d)
