/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the system must offer: sysctls as the node's role needs them, bpffs, the kernel's features. See
 * doctor.h.
 *
 * Features are probed; a kernel's version says nothing about what its distributor put in.
 */
#include "doctor.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <shunt/rt.h>

#include "config.h"

/* ---- sysctls --------------------------------------------------------------------------------- */

static bool any_vip(const struct doctor *doctor, int family)
{
	for (size_t i = 0; i < doctor->config->services_count; i++)
		if (doctor->config->services[i].vip.family == family)
			return true;
	return false;
}

static bool directs4(const struct doctor *doctor)
{
	return role_directs(doctor->role.role) && any_vip(doctor, ADDR_IPV4);
}

static bool directs6(const struct doctor *doctor)
{
	return role_directs(doctor->role.role) && any_vip(doctor, ADDR_IPV6);
}

static bool advertises4(const struct doctor *doctor)
{
	return directs4(doctor) && doctor_advertises(doctor);
}

static bool serves4(const struct doctor *doctor)
{
	return role_serves(doctor->role.role) && any_vip(doctor, ADDR_IPV4);
}

struct sysctl {
	const char *name;
	bool (*matters)(const struct doctor *doctor);
	int wanted;
	enum verdict otherwise;
	const char *why; /* where it has another value */
};

static const struct sysctl sysctls[] = {
	{"net/ipv4/ip_forward", directs4, 1, VERDICT_FAIL,
	 "the kernel forwards nothing that the cache has no way for yet"},
	{"net/ipv6/conf/all/forwarding", directs6, 1, VERDICT_FAIL,
	 "the kernel forwards nothing that the cache has no way for yet"},
	{"net/ipv4/conf/all/rp_filter", advertises4, 0, VERDICT_WARN,
	 "replies from a VIP that cross this node are dropped, as its own route to the VIP is a blackhole"},
	{"net/ipv4/conf/all/rp_filter", serves4, 0, VERDICT_WARN,
	 "requests are dropped where the way back to the client leaves by another interface"},
	{"net/ipv4/fib_multipath_hash_policy", directs4, 1, VERDICT_WARN,
	 "what the kernel forwards over several next hops is spread by addresses alone, not by ports"},
	{"net/ipv6/fib_multipath_hash_policy", directs6, 1, VERDICT_WARN,
	 "what the kernel forwards over several next hops is spread by addresses alone, not by ports"},
	{"net/ipv4/conf/all/ignore_routes_with_linkdown", directs4, 1, VERDICT_WARN,
	 "the kernel goes on using routes over a link without carrier"},
	{"net/ipv6/conf/all/ignore_routes_with_linkdown", directs6, 1, VERDICT_WARN,
	 "the kernel goes on using routes over a link without carrier"},
};

bool doctor_sysctl(const char *name, int *value)
{
	char path[128], text[32], *end;
	FILE *file;
	bool got;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	file = fopen(path, "re");
	if (!file)
		return false;
	got = fgets(text, sizeof(text), file) != NULL;
	fclose(file);
	*value = got ? (int)strtol(text, &end, 10) : 0;
	return got;
}

static void dotted(const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s", name);
	for (char *at = out; *at; at++)
		*at = *at == '/' ? '.' : *at;
}

static void check_sysctl(struct doctor *doctor, const struct sysctl *sysctl)
{
	char name[96], remedy[160];
	int value;

	dotted(sysctl->name, name, sizeof(name));
	snprintf(remedy, sizeof(remedy), "sysctl -w %s=%d, and in /etc/sysctl.d", name, sysctl->wanted);
	if (!doctor_sysctl(sysctl->name, &value))
		doctor_note(doctor, VERDICT_WARN, "sysctl", "look whether IPv6 is switched off",
			    "%s cannot be read", name);
	else if (value == sysctl->wanted)
		doctor_note(doctor, VERDICT_OK, "sysctl", "", "%s is %d", name, value);
	else
		doctor_note(doctor, sysctl->otherwise, "sysctl", remedy, "%s is %d: %s", name, value,
			    sysctl->why);
}

/* ---- BPF ------------------------------------------------------------------------------------- */

static const struct {
	enum bpf_func_id helper;
	const char *name, *kernel;
} helpers[] = {
	{BPF_FUNC_fib_lookup, "bpf_fib_lookup", "4.18"},
	{BPF_FUNC_redirect_map, "bpf_redirect_map", "4.14"},
	{BPF_FUNC_xdp_adjust_head, "bpf_xdp_adjust_head", "4.10"},
	{BPF_FUNC_ringbuf_output, "bpf_ringbuf_output", "5.8"},
	{BPF_FUNC_ktime_get_coarse_ns, "bpf_ktime_get_coarse_ns", "5.11"},
};

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static void check_helpers(struct doctor *doctor)
{
	if (geteuid() != 0) {
		doctor_note(doctor, VERDICT_WARN, "bpf", "run it as root",
			    "what the kernel can do is not known");
		return;
	}
	libbpf_set_print(silent);
	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
		int got = libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, helpers[i].helper, NULL);

		if (got > 0)
			continue;
		doctor_note(doctor, VERDICT_FAIL, "bpf", "use Linux 5.15 or later, with BPF and XDP built in",
			    "the kernel has no %s for XDP (Linux %s has)", helpers[i].name,
			    helpers[i].kernel);
		return;
	}
	doctor_note(doctor, VERDICT_OK, "bpf", "", "the kernel has every BPF function that is used");
}

static void check_bpffs(struct doctor *doctor)
{
	struct statfs fs;

	if (!statfs("/sys/fs/bpf", &fs) && fs.f_type == BPF_FS_MAGIC)
		doctor_note(doctor, VERDICT_OK, "bpffs", "", "mounted on /sys/fs/bpf");
	else
		doctor_note(doctor, VERDICT_FAIL, "bpffs", "mount -t bpf bpf /sys/fs/bpf",
			    "/sys/fs/bpf is no bpffs: nothing would outlive the daemon");
}

/* ---- rtnetlink ------------------------------------------------------------------------------- */

/* Does the kernel tell the protocol of an address? It shows on every address that it made itself. */
static int see_protocol(const struct rt_addr *address, void *arg)
{
	bool *seen = arg;

	*seen |= address->protocol != 0;
	return 0;
}

static void check_addresses(struct doctor *doctor)
{
	struct rt_query *query;
	bool seen = false;

	if (!role_serves(doctor->role.role) || rt_query_open(&query))
		return;
	(void)rt_dump_addrs(query, see_protocol, &seen);
	rt_query_close(query);
	if (seen)
		doctor_note(doctor, VERDICT_OK, "addresses", "", "the kernel keeps whose an address is");
	else
		doctor_note(
			doctor, VERDICT_WARN, "addresses",
			"use Linux 5.18 or later, or stop backends by `shunt down` alone",
			"the kernel does not keep whose an address is: aliases of a daemon that was killed "
			"look like the operator's");
}

void doctor_system(struct doctor *doctor)
{
	check_bpffs(doctor);
	check_helpers(doctor);
	check_addresses(doctor);
	for (size_t i = 0; doctor->config && i < sizeof(sysctls) / sizeof(sysctls[0]); i++)
		if (sysctls[i].matters(doctor))
			check_sysctl(doctor, &sysctls[i]);
}
