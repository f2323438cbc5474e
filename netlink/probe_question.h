/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What probe.c asks probe.bpf.c. */
#ifndef NETLINK_PROBE_QUESTION_H
#define NETLINK_PROBE_QUESTION_H

#include <linux/bpf.h>

struct probe_question {
	struct bpf_fib_lookup lookup;
	__u32 flags; /* BPF_FIB_LOOKUP_* */
};

/* No answer of bpf_fib_lookup, which are 0 and up, or a small -errno. */
#define PROBE_NO_QUESTION (-10000)

#endif
