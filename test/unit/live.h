/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For tests against the real kernel: a network namespace of their own for each test, which vanishes
 * with the process, a pin folder of their own, `ip`, and a program that does nothing.
 */
#ifndef SHUNT_TEST_LIVE_H
#define SHUNT_TEST_LIVE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Runs a command line; its failure fails the test. */
static inline __attribute__((format(printf, 1, 2))) void live_run(const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (system(line)) // NOLINT(cert-env33-c): a command of this file, not of a user
		fail_msg("failed: %s", line);
}

static inline int live_namespace(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* A fresh namespace with lo up. -1 makes cmocka report the set-up as failed. */
static inline int live_enter(void)
{
	if (unshare(CLONE_NEWNET)) {
		print_message("unshare(CLONE_NEWNET): %s\n", strerror(errno));
		return -1;
	}
	live_run("ip link set lo up");
	return 0;
}

/* va and vb, which are each other's other end, both up. */
static inline void live_pair(void)
{
	live_run("ip link add va type veth peer name vb && ip link set va up && ip link set vb up");
}

/* Says why, and lets the caller end with 0, where the tests cannot run. */
static inline bool live_possible(const char *program)
{
	if (geteuid() == 0)
		return true;
	printf("%s: skipped: network namespaces and BPF need root\n", program);
	printf("[  SKIPPED ] 1 test(s).\n");
	return false;
}

static inline int live_ifindex(const char *name)
{
	unsigned index = if_nametoindex(name);

	if (!index)
		fail_msg("no link %s", name);
	return (int)index;
}

/* XDP: return XDP_PASS. */
static inline int live_program(void)
{
	static const struct bpf_insn body[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "shunt_test", "GPL", body, 2, NULL);

	if (fd < 0)
		fail_msg("cannot load a program: %s", strerror(errno));
	return fd;
}

static inline uint32_t live_program_id(int fd)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	return info.id;
}

/* Asks the kernel by other means than what is tested. */
static inline uint32_t live_found(int ifindex, bool *native)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);

	assert_int_equal(bpf_xdp_query(ifindex, 0, &opts), 0);
	*native = opts.drv_prog_id != 0;
	return opts.drv_prog_id ? opts.drv_prog_id : opts.skb_prog_id;
}

#endif
