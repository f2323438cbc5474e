/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Builds rtnetlink messages byte by byte, and lays them where reading past their end is caught:
 * up to four bytes by the guard page, every byte by ASan.
 */
#ifndef TEST_NLBYTES_H
#define TEST_NLBYTES_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct nlbytes {
	_Alignas(4) unsigned char bytes[2048];
	uint32_t used;
};

static inline void nlbytes_begin(struct nlbytes *m, uint16_t type, const void *header, uint32_t size)
{
	memset(m, 0, sizeof(*m));
	memcpy(m->bytes + 4, &type, sizeof(type));
	memcpy(m->bytes + NLMSG_HDRLEN, header, size);
	m->used = NLMSG_HDRLEN + size;
	memcpy(m->bytes, &m->used, sizeof(m->used));
}

/* Appends an attribute: length, type, payload, padding. */
static inline void nlbytes_put(struct nlbytes *m, uint16_t type, const void *data, uint16_t size)
{
	uint16_t length = (uint16_t)(4 + size);

	memcpy(m->bytes + m->used, &length, sizeof(length));
	memcpy(m->bytes + m->used + 2, &type, sizeof(type));
	if (size)
		memcpy(m->bytes + m->used + 4, data, size);
	m->used += (uint32_t)(length + 3) & ~3U;
	memcpy(m->bytes, &m->used, sizeof(m->used));
}

static inline void nlbytes_put8(struct nlbytes *m, uint16_t type, uint8_t value)
{
	nlbytes_put(m, type, &value, sizeof(value));
}

static inline void nlbytes_put16(struct nlbytes *m, uint16_t type, uint16_t value)
{
	nlbytes_put(m, type, &value, sizeof(value));
}

static inline void nlbytes_put32(struct nlbytes *m, uint16_t type, uint32_t value)
{
	nlbytes_put(m, type, &value, sizeof(value));
}

static inline void nlbytes_puts(struct nlbytes *m, uint16_t type, const char *text)
{
	nlbytes_put(m, type, text, (uint16_t)(strlen(text) + 1));
}

/* Opens a nested attribute (or any record with a 16-bit length in front); close it with its offset. */
static inline uint32_t nlbytes_open(struct nlbytes *m, uint16_t type)
{
	uint32_t at = m->used;

	nlbytes_put(m, type, NULL, 0);
	return at;
}

static inline void nlbytes_close(struct nlbytes *m, uint32_t at)
{
	uint16_t length = (uint16_t)(m->used - at);

	memcpy(m->bytes + at, &length, sizeof(length));
}

/* Appends bare bytes without a header. */
static inline void nlbytes_raw(struct nlbytes *m, const void *data, uint32_t size)
{
	memcpy(m->bytes + m->used, data, size);
	m->used += size;
	memcpy(m->bytes, &m->used, sizeof(m->used));
}

static inline const struct nlmsghdr *nlbytes_message(const struct nlbytes *m)
{
	return (const struct nlmsghdr *)m->bytes;
}

/* A page that can't be read follows `end`. */
struct nledge {
	unsigned char *page;
	unsigned char *end;
};

#define NLEDGE_SIZE 4096UL

static inline void nledge_open(struct nledge *edge)
{
	unsigned char *page = mmap(NULL, 2 * NLEDGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0);

	if (page == MAP_FAILED || mprotect(page + NLEDGE_SIZE, NLEDGE_SIZE, PROT_NONE))
		abort();
	edge->page = page;
	edge->end = page + NLEDGE_SIZE;
}

static inline void nledge_close(struct nledge *edge)
{
	munmap(edge->page, 2 * NLEDGE_SIZE);
}

/* The first `size` bytes of the message with nlmsg_len = size, ending at the edge. */
static inline const struct nlmsghdr *nledge_lay(const struct nledge *edge, const void *bytes, uint32_t size)
{
	unsigned char *start = edge->end - ((size + 3) & ~3U);

	memcpy(start, bytes, size);
	memcpy(start, &size, sizeof(size));
	return (const struct nlmsghdr *)start;
}

#endif
