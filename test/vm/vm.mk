# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Other kernels, in QEMU's emulator: no KVM is needed. KERNELS='6.12' for one of them, GUEST='vlan' for one file of
# test/vm/guest/, V=1 to see all that the guests print.

KERNELS ?= 6.1 6.12

vm: all $(B)/test/packet/run $(B)/test/packet/cases.txt $(B)/test/unit/rt_hidden6_live_test ## packet tests, devices and routes on Debian's kernels in QEMU guests (root)
	$(Q)V=$(V) test/vm/run $(B)/results/vm $(B) $(KERNELS)

.PHONY: vm
