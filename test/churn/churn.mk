# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Random changes of the kernel's routing state, and after each burst the maps against the kernel's own answers.
# `make churn SEEDS=100`, or SEEDS=7-7 for one of them again, and CHANGES=500 for a short one.

SEEDS   ?= 3
CHANGES ?= 5000

$(B)/test/churn/maps: test/churn/maps.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) $(PKG_CFLAGS) -Iinclude -MMD -MP -o $@ $< -lbpf

churn: all $(B)/test/churn/maps ## random changes against the kernel's own answers: SEEDS=3 CHANGES=5000 (root)
	$(Q)SHUNT_BUILD=$(abspath $(B)) PYTHONDONTWRITEBYTECODE=1 \
	    $(PYTHON) test/churn/churn.py --seeds $(SEEDS) --changes $(CHANGES) --results $(B)/results/churn

-include $(B)/test/churn/maps.d

.PHONY: churn
