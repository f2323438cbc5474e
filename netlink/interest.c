/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loading and attaching interest.bpf.c. See interest.h.
 *
 * The addresses lie sorted in an array for each family: a prefix covers one of them where the first
 * address that is not before the prefix is not behind it. So a set costs 16 bytes an address, and an
 * event a search through log2 of them, whatever prefix lengths there are.
 */
#include "interest.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "interest.skel.h"

/* struct key of interest.bpf.c. */
struct key {
	uint64_t high, low;
};

struct interest {
	struct interest_bpf *program;
	struct addr *addresses; /* owned, sorted, none twice */
	size_t count;
};

static int by_address(const void *a, const void *b)
{
	return addr_compare(a, b);
}

/* A sorted copy without duplicates; at least one byte, so that NULL is want of memory. */
static struct addr *sorted(const struct addr *addresses, size_t count, size_t *kept)
{
	struct addr *copy = calloc(count + 1, sizeof(*copy));

	*kept = 0;
	if (!copy || !count)
		return copy;
	memcpy(copy, addresses, count * sizeof(*copy));
	qsort(copy, count, sizeof(*copy), by_address);
	for (size_t i = 0; i < count; i++) {
		if (!*kept || !addr_equal(&copy[*kept - 1], &copy[i]))
			copy[(*kept)++] = copy[i];
	}
	return copy;
}

static struct key key_of(const struct addr *addr)
{
	struct key key;

	/* IPv4 is in the first four bytes; the rest is zero. */
	memcpy(&key, addr->bytes, sizeof(key));
	return (struct key){be64toh(key.high), be64toh(key.low)};
}

/* How many of the addresses are of that family. */
static uint32_t count_of(const struct interest *interest, uint8_t family)
{
	uint32_t count = 0;

	for (size_t i = 0; i < interest->count; i++)
		count += interest->addresses[i].family == family;
	return count;
}

static int fill(const struct interest *interest, uint8_t family, uint32_t count, int fd)
{
	struct key *values = calloc(count + 1, sizeof(*values));
	uint32_t *keys = calloc(count + 1, sizeof(*keys));
	uint32_t at = 0;
	int err = keys && values ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < interest->count; i++) {
		if (interest->addresses[i].family != family)
			continue;
		keys[at] = at;
		values[at++] = key_of(&interest->addresses[i]);
	}
	if (!err && count)
		err = bpf_map_update_batch(fd, keys, values, &count, NULL);
	free(keys);
	free(values);
	return err;
}

static int load(struct interest *interest)
{
	uint32_t count4 = count_of(interest, ADDR_IPV4), count6 = count_of(interest, ADDR_IPV6);
	struct interest_bpf *program = interest_bpf__open();
	int err;

	if (!program)
		return -errno;
	interest->program = program;
	program->bss->count4 = count4;
	program->bss->count6 = count6;
	err = bpf_map__set_max_entries(program->maps.tracked4, count4 ? count4 : 1);
	if (!err)
		err = bpf_map__set_max_entries(program->maps.tracked6, count6 ? count6 : 1);
	if (!err)
		err = interest_bpf__load(program);
	if (!err)
		err = fill(interest, ADDR_IPV4, count4, bpf_map__fd(program->maps.tracked4));
	if (!err)
		err = fill(interest, ADDR_IPV6, count6, bpf_map__fd(program->maps.tracked6));
	return err;
}

int interest_new(const struct addr *addresses, size_t count, struct interest **out)
{
	struct interest *interest = calloc(1, sizeof(*interest));
	int err = -ENOMEM;

	if (!interest)
		return err;
	interest->addresses = sorted(addresses, count, &interest->count);
	if (interest->addresses)
		err = load(interest);
	if (err) {
		interest_free(interest);
		return err;
	}
	*out = interest;
	return 0;
}

void interest_free(struct interest *interest)
{
	if (!interest)
		return;
	interest_bpf__destroy(interest->program);
	free(interest->addresses);
	free(interest);
}

bool interest_is(const struct interest *interest, const struct addr *addresses, size_t count)
{
	size_t kept;
	struct addr *other = sorted(addresses, count, &kept);
	bool same = other && kept == interest->count;

	for (size_t i = 0; same && i < kept; i++)
		same = addr_equal(&other[i], &interest->addresses[i]);
	free(other);
	return same;
}

bool interest_has(const struct interest *interest, const struct addr *addr)
{
	return bsearch(addr, interest->addresses, interest->count, sizeof(*addr), by_address) != NULL;
}

int interest_attach(const struct interest *interest, int fd)
{
	int program = bpf_program__fd(interest->program->progs.interest);

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)) ? -errno : 0;
}

void interest_detach(int fd)
{
	int none = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
}
