# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The tests' and the labs' targets, included by the Makefile.

# The daemons under test, and pytest's arguments: PYTEST='-k verify -x' to narrow them; ALL=1: the long ones, too.
LAB_RUN = SHUNT_BUILD=$(abspath $(B)) LAB_ALL=$(ALL) PYTHONDONTWRITEBYTECODE=1 \
          $(PYTHON) -m pytest -q -p no:cacheprovider test/lab --results $(B)/results/lab $(PYTEST)
RESULTS := $(addprefix build/results/,lint unit packet vm lab churn) $(addprefix build/san/results/,unit lab)

setup: ## install the packages that building, tests and labs need (apt; elsewhere: name them)
	$(Q)test/setup

demo: all ## the L3 lab: requests, a replaced router, a moved route; removes itself (root)
	$(Q)SHUNT_BUILD=$(abspath $(B)) examples/l3-dsr/lab.sh demo

test: ## every test, unit and lab with sanitizers too; ends with "N passed, N failed" (root)
	$(Q)rm -rf build/results build/san/results
	$(Q)for suite in lint unit packet vm lab churn; do $(MAKE) --no-print-directory SAN= $$suite; done; \
	    for suite in unit lab; do $(MAKE) --no-print-directory SAN=1 $$suite; done; \
	    test/summary $(RESULTS)

anycast: all ## the anycast lab: what is lost when a director, a router or a backend dies (root; ROUTING=bird)
	$(Q)SHUNT_BUILD=$(abspath $(B)) examples/anycast/lab.sh demo

lint: $(SKELETONS) ## clang-format, clang-tidy, shellcheck
	$(Q)test/lint $(B)/results/lint $(B)

lab: all ## end to end, in network namespaces, with nginx and curl (root)
	$(Q)rm -f $(B)/results/lab
	$(Q)$(LAB_RUN)

# Everything needs what setup installs.
ifneq ($(filter setup,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

.PHONY: setup demo anycast test lint lab
