# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Figures, included by the Makefile. Unlike the tests this measures times, so it is no part of `make test`.

BENCH_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard test/bench/*.c))

$(BENCH_OBJ): $(B)/test/bench/%.o: test/bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) $(PKG_CFLAGS) -Iinclude -Itest/bench -MMD -MP -c -o $@ $<

$(B)/test/bench/converge: $(BENCH_OBJ)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf

bench: all $(B)/test/bench/converge ## 10,000 services and backends: load, memory, convergence; also in build/bench.json (root)
	$(Q)SHUNT_BUILD=$(abspath $(B)) PYTHONDONTWRITEBYTECODE=1 $(PYTHON) test/bench/bench.py $(B)/bench.json

-include $(BENCH_OBJ:.o=.d)

.PHONY: bench
