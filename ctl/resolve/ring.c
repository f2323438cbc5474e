/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a ring is filled.
 *
 * Every member has a permutation of all slots, made from its address (Maglev's: an offset and a
 * odd skip modulo a power of two), and a quota of slots from its weight. Members claim slots in the order of
 * their permutations until each has its quota. The paper lets the first claim stand and has
 * members claim in turns. Here a slot belongs to the member that wanted it most: the one whose
 * turn for it, claims made divided by weight, is lowest; the displaced member goes on claiming.
 * That is deferred acceptance (Gale and Shapley, "College Admissions and the Stability of
 * Marriage", 1962), and it is done for two reasons:
 *
 *  - The result is the one stable assignment that is best for the members. It depends neither on the
 *    order of the members nor on the order in which they claim.
 *  - A member that goes away disturbs the others less. With turns, a member that finds a freed slot
 *    is late by one turn for all its later claims, and loses some of them to others, who are late
 *    in turn. With stability it gives up its least wanted slot and nothing else. Slots moved by
 *    removing one of n backends, in n-ths of 65,536, the worst of eight: turns 1.26 (n = 50), 1.62
 *    (100), 3.7 (300), 6.3 (650); this 1.2, 1.3, 2.2, 3.5. The least possible is 1.
 *
 * Claims end: slots once taken stay taken, and the quotas add up to the slots.
 *
 * Called by the controller for each service whose backends change. Nothing outlives a call.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"

#define BACKEND_SLOTS 100
#define NOBODY	      UINT32_MAX

struct claimant {
	struct addr address;
	uint32_t weight;
	uint32_t value;
	uint32_t quota;
	uint64_t remainder; /* of the division that made the quota */
	uint32_t next;	    /* the slot that it claims next */
	uint32_t skip;
	uint32_t claims; /* made so far */
	uint32_t held;	 /* slots it holds */
};

/* All of a build, in one allocation. */
struct build {
	uint32_t size, count;
	struct claimant *claimants; /* sorted by address: a lower index wins a tie */
	uint32_t *order;	    /* count: scratch for quotas, then the stack of who has to claim */
	uint32_t *holder;	    /* size: index of the claimant, or NOBODY */
	uint32_t *turn;		    /* size: `claims` of the holder when it claimed this slot, from 1 */
};

uint32_t ring_size(size_t backends)
{
	uint32_t size = RING_MIN;

	while (size < RING_MAX && size / BACKEND_SLOTS < backends)
		size *= 2;
	return size;
}

/* The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): every bit in moves every bit out. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* Family and address, byte by byte so that directors of both endiannesses agree. Each half is
 * mixed before the next is added; another seed is another, independent function. */
static uint64_t address_hash(const struct addr *address, uint64_t seed)
{
	uint64_t hash = mix(seed + address->family);

	for (size_t half = 0; half < sizeof(address->bytes); half += 8) {
		uint64_t word = 0;

		for (size_t i = 0; i < 8; i++)
			word = word << 8 | address->bytes[half + i];
		hash = mix((hash ^ word) + 0x9e3779b97f4a7c15ULL);
	}
	return hash;
}

static int compare_address(const void *a, const void *b)
{
	return addr_compare(&((const struct claimant *)a)->address, &((const struct claimant *)b)->address);
}

/* Largest remainder first; the lower index where they are equal. */
static int compare_remainder(const void *a, const void *b, void *claimants)
{
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	uint64_t left = ((const struct claimant *)claimants)[i].remainder;
	uint64_t right = ((const struct claimant *)claimants)[j].remainder;

	if (left != right)
		return left < right ? 1 : -1;
	return i < j ? -1 : i > j;
}

/* Largest quota first; the lower index where they are equal. */
static int compare_quota(const void *a, const void *b, void *claimants)
{
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	uint32_t left = ((const struct claimant *)claimants)[i].quota;
	uint32_t right = ((const struct claimant *)claimants)[j].quota;

	if (left != right)
		return left < right ? 1 : -1;
	return i < j ? -1 : i > j;
}

/*
 * Slots in proportion to the weights by largest remainder, so that everyone has its share rounded
 * down or up. A share below one slot becomes one slot, at the cost of the largest, as long
 * as there are slots enough: a backend that has weight is to be seen by somebody.
 */
static void set_quotas(struct build *b)
{
	uint32_t least = b->count <= b->size;
	int64_t left = b->size;
	uint64_t total = 0;

	for (uint32_t i = 0; i < b->count; i++)
		total += b->claimants[i].weight;
	for (uint32_t i = 0; i < b->count; i++) {
		struct claimant *c = &b->claimants[i];
		uint64_t share = (uint64_t)b->size * c->weight;
		bool tiny = share < total;

		c->quota = tiny ? least : (uint32_t)(share / total);
		c->remainder = tiny && least ? 0 : share % total;
		left -= c->quota;
		b->order[i] = i;
	}
	qsort_r(b->order, b->count, sizeof(*b->order), left < 0 ? compare_quota : compare_remainder,
		b->claimants);
	for (uint32_t i = 0; left != 0; i = (i + 1) % b->count) {
		struct claimant *c = &b->claimants[b->order[i]];

		if (left > 0) {
			c->quota++;
			left--;
		} else if (c->quota > least) {
			c->quota--;
			left++;
		}
	}
}

static void set_permutations(struct build *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		struct claimant *c = &b->claimants[i];

		c->next = (uint32_t)(address_hash(&c->address, 0x73686e742e6f6666ULL) % b->size);
		/* Odd, and so without a factor in common with the size: every slot gets its turn. */
		c->skip = (uint32_t)(address_hash(&c->address, 0x73686e742e736b70ULL) % b->size) | 1;
	}
}

/* Does claimant `i`, which has just made its claim on the slot, want it more than its holder? */
static bool wins(const struct build *b, uint32_t i, uint32_t slot)
{
	const struct claimant *c = &b->claimants[i];
	uint32_t holder = b->holder[slot];
	uint64_t mine, theirs;

	if (holder == NOBODY)
		return true;
	mine = (uint64_t)c->claims * b->claimants[holder].weight;
	theirs = (uint64_t)b->turn[slot] * c->weight;
	return mine < theirs || (mine == theirs && i < holder);
}

/* Claims until the quota is full, or until nothing is left to do. A holder that loses a
 * slot while it was full is pushed onto the stack. Returns the new height of the stack. */
static uint32_t claim(struct build *b, uint32_t i, uint32_t height)
{
	struct claimant *c = &b->claimants[i];

	while (c->held < c->quota) {
		uint32_t slot = c->next, loser;

		c->claims++;
		c->next = (slot + c->skip) & (b->size - 1);
		if (!wins(b, i, slot))
			continue;
		loser = b->holder[slot];
		b->holder[slot] = i;
		b->turn[slot] = c->claims;
		c->held++;
		if (loser != NOBODY && b->claimants[loser].held-- == b->claimants[loser].quota)
			b->order[height++] = loser;
	}
	return height;
}

static void assign(struct build *b)
{
	uint32_t height = 0;

	memset(b->holder, 0xff, b->size * sizeof(*b->holder)); /* NOBODY */
	for (uint32_t i = 0; i < b->count; i++)
		b->order[height++] = b->count - 1 - i;
	while (height > 0) {
		height--;
		height = claim(b, b->order[height], height);
	}
}

static int build_new(struct build *b, uint32_t count, uint32_t size)
{
	size_t claimants = count * sizeof(struct claimant);
	uint8_t *memory = malloc(claimants + (count + 2 * (size_t)size) * sizeof(uint32_t));

	if (!memory)
		return -ENOMEM;
	b->size = size;
	b->count = count;
	b->claimants = (struct claimant *)memory;
	b->order = (uint32_t *)(memory + claimants);
	b->holder = b->order + count;
	b->turn = b->holder + size;
	return 0;
}

static void build_claimants(struct build *b, const struct ring_member *members, size_t count)
{
	struct claimant *c = b->claimants;

	for (size_t i = 0; i < count; i++) {
		if (members[i].weight == 0)
			continue;
		*c++ = (struct claimant){
			.address = members[i].address,
			.weight = members[i].weight,
			.value = members[i].value,
		};
	}
	qsort(b->claimants, b->count, sizeof(*b->claimants), compare_address);
}

int ring_build(const struct ring_member *members, size_t count, uint32_t *slots, uint32_t size)
{
	const struct ring_member *last = NULL;
	uint32_t weighted = 0;
	struct build b;
	int err;

	for (size_t i = 0; i < count; i++) {
		if (members[i].weight > 0) {
			last = &members[i];
			weighted++;
		}
	}
	if (weighted <= 1) { /* most services of a big file have one backend: no memory, no claims */
		for (uint32_t slot = 0; slot < size; slot++)
			slots[slot] = last ? last->value : 0;
		return 0;
	}
	if (size < 2)
		return -EINVAL;
	err = build_new(&b, weighted, size);
	if (err)
		return err;
	build_claimants(&b, members, count);
	set_quotas(&b);
	set_permutations(&b);
	assign(&b);
	for (uint32_t slot = 0; slot < size; slot++)
		slots[slot] = b.claimants[b.holder[slot]].value;
	free(b.claimants);
	return 0;
}
