# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Figures, included by the Makefile. Unlike the tests this measures times, so it is no part of `make test`.

bench: all ## 10,000 services and backends: load, memory, convergence; also in build/bench.json (root)
	$(Q)SHUNT_BUILD=$(abspath $(B)) PYTHONDONTWRITEBYTECODE=1 $(PYTHON) test/bench/bench.py $(B)/bench.json

.PHONY: bench
