# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Random packets through the programs. It shares with test/packet what loads them and fills their maps.

PROPERTY_OBJ  := $(patsubst %.c,$(B)/%.o,$(wildcard test/property/*.c))
PROPERTY_WITH := $(addprefix $(B)/test/packet/,world.o derive.o empty.o lines.o net.o)
N    ?= 1000000
SEED ?= 1

$(PROPERTY_OBJ): $(B)/test/property/%.o: test/property/%.c | $(SKELETONS)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) -Iinclude -Itest/packet -MMD -MP -c -o $@ $<

$(B)/test/property/run: $(PROPERTY_OBJ) $(PROPERTY_WITH)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

property: $(B)/test/property/run ## random and mutated packets through the programs, what comes out judged by rules (root; N=1000000 SEED=1)
	@mkdir -p $(B)/results
	$(Q)rm -f $(B)/results/property
	$(Q)$(B)/test/property/run $(N) $(SEED) $(B)/results/property

.PHONY: property

-include $(PROPERTY_OBJ:.o=.d)
