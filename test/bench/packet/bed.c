/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loading, running, and reading the clock's stamps. All traffic stays in this process's namespace.
 */
#include "bed.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/in.h>
#include <net/if.h>
#include <sched.h>

#include "die.h"
#include "director.h"
#include "prologue.skel.h"
#include "yardsticks.skel.h"

#define TABLE_FLOWS (1U << 21)
#define SENDER	    "bench0"
#define DIRECTOR    "bench1"
#define LIVE_BATCH  64

struct bed {
	struct prologue_bpf *prologue;
	struct yardsticks_bpf *yardsticks;
	struct director *director;
	uint32_t sender;  /* ifindex */
	uint32_t ifindex; /* of the director's device */
};

/* ---- the network ----------------------------------------------------------------------------- */

static void ip_batch(const char *text)
{
	FILE *ip = popen("ip -batch -", "w");

	if (!ip || fputs(text, ip) < 0 || pclose(ip))
		die("ip -batch");
}

static void sysctl(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs("1", file) < 0 || fclose(file))
		die(path);
}

void bed_network(void)
{
	if (unshare(CLONE_NEWNET))
		die("a network namespace (root is needed)");
	ip_batch("link add " SENDER " address 02:00:00:00:00:01 type veth peer name " DIRECTOR
		 " address 02:00:00:00:00:02\n"
		 "link set " SENDER " up\n"
		 "link set " DIRECTOR " up\n"
		 "address add 198.51.100.1/24 dev " DIRECTOR "\n"
		 "address add 2001:db8:1::1/64 dev " DIRECTOR " nodad\n"
		 "neighbour add 198.51.100.254 lladdr 02:00:00:01:00:00 nud permanent dev " DIRECTOR "\n"
		 "neighbour add 2001:db8:1::fe lladdr 02:00:00:01:00:00 nud permanent dev " DIRECTOR "\n"
		 "route add 203.0.113.0/24 via 198.51.100.254\n"
		 "route add 2001:db8:2::/64 via 2001:db8:1::fe\n");
	sysctl("/proc/sys/net/ipv4/conf/all/forwarding");
	sysctl("/proc/sys/net/ipv6/conf/all/forwarding");
}

/* ---- loading --------------------------------------------------------------------------------- */

static void put(struct bpf_map *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY))
		die(bpf_map__name(map));
}

static void fill_table_of(struct yardsticks_bpf *yardsticks, uint8_t family)
{
	struct sh_ip vip = frame_vip(family, DIRECTOR_L3);
	struct bench_vip key = {.port = htons(FRAME_PORT), .protocol = IPPROTO_TCP};
	struct bench_table_use use = {.count = DIRECTOR_BACKENDS};

	if (family == SH_FAMILY_IPV6)
		use.first = DIRECTOR_BACKENDS;
	memcpy(key.addr, &vip, sizeof(key.addr));
	put(yardsticks->maps.table_vips, &key, &use);
	for (uint32_t i = 0; i < DIRECTOR_BACKENDS; i++) {
		struct sh_ip address = frame_backend(family, DIRECTOR_FIRST + i);
		struct bench_backend backend = {0};
		uint32_t index = use.first + i;

		memcpy(backend.addr, &address, sizeof(backend.addr));
		frame_backend_mac(0, backend.dst_mac);
		frame_own_mac(backend.src_mac);
		put(yardsticks->maps.table_backends, &index, &backend);
	}
}

static void link_targets(struct bed *bed)
{
	struct yardsticks_bpf *yardsticks = bed->yardsticks;
	const int fds[BENCH_TARGET_COUNT] = {
		[BENCH_EMPTY] = bpf_program__fd(yardsticks->progs.empty),
		[BENCH_SWAP] = bpf_program__fd(yardsticks->progs.swap),
		[BENCH_CONSTANT] = bpf_program__fd(yardsticks->progs.constant),
		[BENCH_FIB] = bpf_program__fd(yardsticks->progs.fib),
		[BENCH_FLOW_TABLE] = bpf_program__fd(yardsticks->progs.flow_table),
		[BENCH_DIRECTOR] = director_fd(bed->director),
	};

	for (uint32_t i = 0; i < BENCH_TARGET_COUNT; i++)
		put(bed->prologue->maps.next, &i, &fds[i]);
}

struct bed *bed_new(void)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	if (!bed)
		die("calloc");
	bed->sender = if_nametoindex(SENDER);
	bed->ifindex = if_nametoindex(DIRECTOR);
	bed->prologue = prologue_bpf__open_and_load();
	bed->yardsticks = yardsticks_bpf__open();
	if (!bed->prologue || !bed->yardsticks)
		die("cannot load the prologue");
	if (bpf_map__set_max_entries(bed->yardsticks->maps.table_flows, TABLE_FLOWS) ||
	    yardsticks_bpf__load(bed->yardsticks))
		die("cannot load the yardsticks");
	bed->director = director_new(bed->ifindex);
	fill_table_of(bed->yardsticks, SH_FAMILY_IPV4);
	fill_table_of(bed->yardsticks, SH_FAMILY_IPV6);
	link_targets(bed);
	return bed;
}

void bed_free(struct bed *bed)
{
	director_free(bed->director);
	yardsticks_bpf__destroy(bed->yardsticks);
	prologue_bpf__destroy(bed->prologue);
	free(bed);
}

/* ---- running --------------------------------------------------------------------------------- */

static void begin(struct bed *bed, const struct bench_plan *plan)
{
	bed->prologue->bss->plan = *plan;
	memset(&bed->prologue->bss->clock, 0, sizeof(bed->prologue->bss->clock));
	bed->yardsticks->bss->misses = 0;
}

static uint32_t test_run(struct bed *bed, uint8_t family, uint32_t repeat, struct frame *out)
{
	struct bpf_program *program = family == SH_FAMILY_IPV4 ? bed->prologue->progs.prologue_ipv4
							       : bed->prologue->progs.prologue_ipv6;
	uint8_t in[FRAME_MAX] = {0};
	struct xdp_md ctx = {.data_end = bed->prologue->bss->plan.frame_size,
			     .ingress_ifindex = bed->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = ctx.data_end, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = (int)repeat);

	if (out) {
		opts.data_out = out->bytes;
		opts.data_size_out = sizeof(out->bytes);
	}
	if (bpf_prog_test_run_opts(bpf_program__fd(program), &opts))
		die("BPF_PROG_TEST_RUN");
	if (out)
		out->size = opts.data_size_out;
	return opts.retval;
}

static int by_value(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

void bed_run(struct bed *bed, uint8_t family, const struct bench_plan *plan, struct bed_run *out)
{
	const struct bench_clock *clock = &bed->prologue->bss->clock;
	uint64_t took[BENCH_CHUNKS - BENCH_WARM];
	const uint32_t count = sizeof(took) / sizeof(*took), middle = count / 2;

	begin(bed, plan);
	test_run(bed, family, BENCH_CHUNKS * BENCH_CHUNK + 1, NULL);
	for (uint32_t i = 0; i < count; i++)
		took[i] = clock->at[BENCH_WARM + i + 1] - clock->at[BENCH_WARM + i];
	qsort(took, count, sizeof(*took), by_value);
	out->ns = (double)took[middle] / BENCH_CHUNK;
	out->packets = clock->packets;
	out->misses = bed->yardsticks->bss->misses;
}

uint32_t bed_one(struct bed *bed, uint8_t family, const struct bench_plan *plan, uint32_t flow,
		 struct frame *out)
{
	struct bench_plan one = *plan;

	one.in_order = 1;
	one.first = flow;
	begin(bed, &one);
	return test_run(bed, family, 1, out);
}

void bed_warm(struct bed *bed, uint8_t family, const struct bench_plan *plan)
{
	struct bench_plan each = *plan;

	each.in_order = 1;
	begin(bed, &each);
	test_run(bed, family, plan->flows, NULL);
}

/* ---- live ------------------------------------------------------------------------------------ */

static int target_fd(const struct bed *bed, uint32_t target)
{
	return target == BENCH_DIRECTOR ? director_fd(bed->director)
					: bpf_program__fd(bed->yardsticks->progs.swap);
}

static void attach(uint32_t ifindex, int fd)
{
	if (bpf_xdp_attach((int)ifindex, fd, XDP_FLAGS_DRV_MODE, NULL))
		die("attach");
}

double bed_live(struct bed *bed, const struct bench_plan *plan, uint64_t packets)
{
	uint8_t in[FRAME_MAX] = {0};
	struct xdp_md ctx = {.data_end = plan->frame_size, .ingress_ifindex = bed->sender};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = plan->frame_size, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = (int)packets, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = LIVE_BATCH);
	const struct bench_arrivals *arrivals = &bed->prologue->bss->arrivals;

	attach(bed->sender, bpf_program__fd(bed->prologue->progs.arrive));
	attach(bed->ifindex, target_fd(bed, plan->target));
	begin(bed, plan);
	memset(&bed->prologue->bss->arrivals, 0, sizeof(bed->prologue->bss->arrivals));
	if (bpf_prog_test_run_opts(bpf_program__fd(bed->prologue->progs.generate), &opts))
		die("BPF_PROG_TEST_RUN, live");
	attach(bed->sender, -1);
	attach(bed->ifindex, -1);
	if (!arrivals->first_at || arrivals->last_at == arrivals->first_at)
		die("packets do not come back");
	return (double)(arrivals->last - BENCH_WARMED) * 1e9 /
	       (double)(arrivals->last_at - arrivals->first_at);
}
