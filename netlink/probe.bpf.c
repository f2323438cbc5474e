/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hands one question to bpf_fib_lookup, and its answer back: see probe.c. It is only ever run on a buffer
 * (BPF_PROG_TEST_RUN), which is the question, and is attached nowhere.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "probe_question.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int probe(struct xdp_md *ctx)
{
	/* Only the verifier makes pointers of these. */
	// NOLINTBEGIN(performance-no-int-to-ptr)
	const struct probe_question *question = (void *)(long)ctx->data;
	const void *end = (void *)(long)ctx->data_end;
	// NOLINTEND(performance-no-int-to-ptr)
	struct bpf_fib_lookup lookup;

	if ((const void *)(question + 1) > end)
		return PROBE_NO_QUESTION;
	/* The helper takes no packet memory. */
	__builtin_memcpy(&lookup, &question->lookup, sizeof(lookup));
	return (int)bpf_fib_lookup(ctx, &lookup, sizeof(lookup), question->flags);
}
