/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The FIB, asked by bpf_fib_lookup.
 *
 * It answers with less than RTM_GETROUTE: no prefix, one leg. But it takes what the look-up finds for what it
 * is: no copies of routes (index6.c says what becomes of these), and no rp_filter before it
 * (net/core/filter.c bpf_ipv4_fib_lookup, bpf_ipv6_fib_lookup). So where RTM_GETROUTE may be wrong, this
 * tells.
 *
 * The helper is for programs: a small one hands it a question that lies in the buffer that it is run on. IPv6
 * is asked for one table at a time, as on its way through rules the helper takes a throw route for the end,
 * and knows no suppress_prefixlength. A table other than the main one can be named from Linux 6.5 on. The
 * interface must forward. Where the program can't be loaded (CAP_BPF), nothing is known.
 */
#include "probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "probe_question.h"

#include "probe.skel.h"

struct probe {
	struct probe_bpf *program; /* NULL: it can't be loaded */
};

static int open_probe(struct probe **out)
{
	struct probe *probe;

	if (*out)
		return 0;
	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return -ENOMEM;
	probe->program = probe_bpf__open_and_load();
	*out = probe;
	return 0;
}

static enum probe_answer verdict(int answer)
{
	switch (answer) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return PROBE_ROUTE;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return PROBE_NONE;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
		return PROBE_BLACKHOLE;
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
		return PROBE_REJECTS;
	default: /* it does not forward, or Linux does not know the flags */
		return PROBE_UNKNOWN;
	}
}

static enum probe_answer ask(struct probe **probe, const struct probe_packet *packet,
			     struct probe_question *question)
{
	struct bpf_fib_lookup *lookup = &question->lookup;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = question, .data_size_in = sizeof(*question));

	if (open_probe(probe) || !(*probe)->program)
		return PROBE_UNKNOWN;
	lookup->family = (uint8_t)addr_af(packet->dst);
	lookup->ifindex = (uint32_t)packet->ifindex;
	memcpy(lookup->ipv6_dst, packet->dst->bytes, addr_size(packet->dst));
	if (packet->src)
		memcpy(lookup->ipv6_src, packet->src->bytes, addr_size(packet->src));
	if (bpf_prog_test_run_opts(bpf_program__fd((*probe)->program->progs.probe), &run))
		return PROBE_UNKNOWN;
	return verdict((int)run.retval);
}

enum probe_answer probe_by_rules4(struct probe **probe, const struct probe_packet *packet)
{
	struct probe_question question = {0};

	return ask(probe, packet, &question);
}

enum probe_answer probe_table6(struct probe **probe, const struct probe_packet *packet, uint32_t table)
{
	struct probe_question question = {
		.lookup.tbid = table,
		.flags = BPF_FIB_LOOKUP_DIRECT | BPF_FIB_LOOKUP_TBID,
	};

	return ask(probe, packet, &question);
}

void probe_close(struct probe *probe)
{
	if (!probe)
		return;
	probe_bpf__destroy(probe->program);
	free(probe);
}
