# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The tests' and the labs' targets, included by the Makefile.

# The daemons under test, and pytest's arguments: PYTEST='-k verify -x' to narrow them.
LAB_RUN = SHUNT_BUILD=$(abspath $(B)) PYTHONDONTWRITEBYTECODE=1 \
          $(PYTHON) -m pytest -q -p no:cacheprovider test/lab --results $(B)/results/lab $(PYTEST)
RESULTS := $(addprefix build/results/,lint unit packet packet-general property vm lab churn) $(addprefix build/san/results/,unit lab)

setup: ## install the packages that building, tests and labs need (apt; elsewhere: name them)
	$(Q)test/setup

demo: all ## the L3 lab: requests, a replaced router, a moved route; removes itself (root)
	$(Q)SHUNT_BUILD=$(abspath $(B)) examples/l3-dsr/lab.sh demo

test: ## every test, unit and lab with sanitizers too; ends with "N passed, N failed" (root)
	$(Q)test/all $(MAKE) $(RESULTS)

ANYCAST := $(or $(ROUTING),frr bird)

anycast: all ## the anycast lab with FRR, then with BIRD: what is lost when something dies (root; ROUTING=bird: one of them)
	$(Q)for routing in $(ANYCAST); do \
	        SHUNT_BUILD=$(abspath $(B)) ROUTING=$$routing FIGURES=$(abspath $(B))/anycast.$$routing examples/anycast/lab.sh demo || exit 1; \
	    done; \
	    examples/anycast/lab.sh figures $(ANYCAST:%=$(abspath $(B))/anycast.%)

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
