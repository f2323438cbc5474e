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
 * A build goes in phases, each over something that can be counted, so it can be left after any number of them
 * and gone on with.
 *
 * Called by the controller for each service whose backends change, and by who compares. Nothing outlives
 * ring_end.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"
#include "sorting.h"

#define BACKEND_SLOTS 100
#define NOBODY	      UINT32_MAX

struct claimant {
	const struct ring_member *member;
	uint32_t weight;
	uint32_t rank; /* by address: the lower one wins a tie */
	uint32_t quota;
	uint32_t next; /* the slot that it claims next */
	uint32_t skip;
	uint32_t claims;    /* made so far */
	uint32_t held;	    /* slots it holds */
	uint64_t remainder; /* of the division that made the quota */
};

/* All of a build, in one allocation. */
struct ring_building {
	const struct ring_member *members;
	size_t members_count;
	uint32_t *slots;
	uint32_t size, count;	    /* slots; claimants, 0 where nobody has to claim */
	uint32_t only;		    /* what is in all slots then */
	struct claimant *claimants; /* of the members with weight, in their order */
	uint32_t *order;	    /* count: the claimants, then the stack of who has to claim */
	uint32_t *holder;	    /* size: index of the claimant, or NOBODY */
	uint32_t *turn;		    /* size: `claims` of the holder when it claimed this slot, from 1 */

	unsigned phase;
	size_t at;		/* of what the phase goes over */
	struct sorting sorting; /* of `order` */
	uint64_t weights;	/* of all claimants */
	int64_t left;		/* slots that are in nobody's quota yet */
	uint32_t height;	/* of the stack */
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

/* ---- phases: each returns true at its end ------------------------------------------------------- */

/* The next of `count` things, as many as the budget allows: from building->at to what is returned. */
static size_t take_some(const struct ring_building *b, size_t count, size_t *budget)
{
	size_t left = count - b->at, some = left < *budget ? left : *budget;

	*budget -= some;
	return b->at + some;
}

static bool meet_members(struct ring_building *b, size_t *budget)
{
	size_t end = take_some(b, b->members_count, budget);

	for (; b->at < end; b->at++) {
		const struct ring_member *member = &b->members[b->at];

		if (!member->weight)
			continue;
		b->claimants[b->height] = (struct claimant){.member = member, .weight = member->weight};
		b->order[b->height] = b->height;
		b->height++;
		b->weights += member->weight;
	}
	return b->at == b->members_count;
}

static int compare_address(uint32_t a, uint32_t b, const void *claimants)
{
	return addr_compare(&((const struct claimant *)claimants)[a].member->address,
			    &((const struct claimant *)claimants)[b].member->address);
}

/* `holder` and `turn` are not in use before claims are made. */
static bool sort_order(struct ring_building *b, int (*compare)(uint32_t a, uint32_t b, const void *arg),
		       size_t *budget)
{
	bool done;

	if (!b->sorting.compare)
		b->sorting = (struct sorting){.numbers = b->order,
					      .spare = b->order + b->count,
					      .count = b->count,
					      .compare = compare,
					      .arg = b->claimants};
	done = sorting_go_on(&b->sorting, budget);
	if (done)
		b->sorting.compare = NULL;
	return done;
}

static bool sort_by_address(struct ring_building *b, size_t *budget)
{
	return sort_order(b, compare_address, budget);
}

/*
 * Slots in proportion to the weights by largest remainder, so that everyone has its share rounded
 * down or up. A share below one slot becomes one slot, at the cost of the largest, as long
 * as there are slots enough: a backend that has weight is to be seen by somebody.
 */
static uint32_t least_quota(const struct ring_building *b)
{
	return b->count <= b->size;
}

static bool set_shares(struct ring_building *b, size_t *budget)
{
	size_t end = take_some(b, b->count, budget);

	if (!b->at)
		b->left = b->size;
	for (; b->at < end; b->at++) {
		struct claimant *c = &b->claimants[b->order[b->at]];
		uint64_t share = (uint64_t)b->size * c->weight;
		bool tiny = share < b->weights;

		c->rank = (uint32_t)b->at;
		c->quota = tiny ? least_quota(b) : (uint32_t)(share / b->weights);
		c->remainder = tiny && c->quota ? 0 : share % b->weights;
		b->left -= c->quota;
	}
	return b->at == b->count;
}

/* Largest remainder first; where they are equal, as by address. */
static int compare_remainder(uint32_t a, uint32_t b, const void *claimants)
{
	uint64_t first = ((const struct claimant *)claimants)[a].remainder;
	uint64_t second = ((const struct claimant *)claimants)[b].remainder;

	return (second > first) - (second < first);
}

/* Largest quota first; where they are equal, as by address. */
static int compare_quota(uint32_t a, uint32_t b, const void *claimants)
{
	uint32_t first = ((const struct claimant *)claimants)[a].quota;
	uint32_t second = ((const struct claimant *)claimants)[b].quota;

	return (second > first) - (second < first);
}

static bool sort_by_share(struct ring_building *b, size_t *budget)
{
	return sort_order(b, b->left < 0 ? compare_quota : compare_remainder, budget);
}

/* Who has no more than the least to give has only such behind it: the largest are the next again. */
static bool round_shares(struct ring_building *b, size_t *budget)
{
	for (; *budget && b->left; --*budget) {
		struct claimant *c = &b->claimants[b->order[b->at]];
		bool gives = b->left < 0 && c->quota > least_quota(b);

		b->at = b->left < 0 && !gives ? 0 : (b->at + 1) % b->count;
		if (b->left > 0) {
			c->quota++;
			b->left--;
		} else if (gives) {
			c->quota--;
			b->left++;
		}
	}
	return !b->left;
}

static bool set_permutations(struct ring_building *b, size_t *budget)
{
	size_t end = take_some(b, b->count, budget);

	for (; b->at < end; b->at++) {
		struct claimant *c = &b->claimants[b->at];
		const struct addr *address = &c->member->address;

		c->next = (uint32_t)(address_hash(address, 0x73686e742e6f6666ULL) % b->size);
		/* Odd, and so without a factor in common with the size: every slot gets its turn. */
		c->skip = (uint32_t)(address_hash(address, 0x73686e742e736b70ULL) % b->size) | 1;
	}
	return b->at == b->count;
}

static bool empty_slots(struct ring_building *b, size_t *budget)
{
	size_t end = take_some(b, b->count ? b->size : 0, budget);

	for (; b->at < end; b->at++)
		b->holder[b->at] = NOBODY;
	return b->at == (b->count ? b->size : 0);
}

/* Does claimant `i`, which has just made its claim on the slot, want it more than its holder? */
static bool wins(const struct ring_building *b, uint32_t i, uint32_t slot)
{
	const struct claimant *c = &b->claimants[i], *holder;
	uint64_t mine, theirs;

	if (b->holder[slot] == NOBODY)
		return true;
	holder = &b->claimants[b->holder[slot]];
	mine = (uint64_t)c->claims * holder->weight;
	theirs = (uint64_t)b->turn[slot] * c->weight;
	return mine < theirs || (mine == theirs && c->rank < holder->rank);
}

/* A holder that loses a slot while it was full is pushed onto the stack. */
static void make_claim(struct ring_building *b, uint32_t i)
{
	struct claimant *c = &b->claimants[i];
	uint32_t slot = c->next, loser = b->holder[slot];

	c->claims++;
	c->next = (slot + c->skip) & (b->size - 1);
	if (!wins(b, i, slot))
		return;
	b->holder[slot] = i;
	b->turn[slot] = c->claims;
	c->held++;
	if (loser != NOBODY && b->claimants[loser].held-- == b->claimants[loser].quota)
		b->order[b->height++] = loser;
}

/* Who is on top of the stack claims until its quota is full; who it pushes onto it comes after that. The
 * stack has room: everybody is there once at most. */
static bool assign_slots(struct ring_building *b, size_t *budget)
{
	while (b->height) {
		uint32_t height = --b->height, i = b->order[height];
		const struct claimant *c = &b->claimants[i];

		for (; *budget && c->held < c->quota; --*budget)
			make_claim(b, i);
		if (c->held < c->quota) {
			b->order[b->height++] = i;
			return false;
		}
	}
	return true;
}

static bool fill_slots(struct ring_building *b, size_t *budget)
{
	size_t end = take_some(b, b->size, budget);

	for (; b->at < end; b->at++)
		b->slots[b->at] = b->count ? b->claimants[b->holder[b->at]].member->value : b->only;
	return b->at == b->size;
}

/* ---- a build ------------------------------------------------------------------------------------ */

static bool (*const phases[])(struct ring_building *b, size_t *budget) = {
	meet_members, sort_by_address,	set_shares,   sort_by_share, round_shares,
	empty_slots,  set_permutations, assign_slots, fill_slots,
};
#define PHASES (sizeof(phases) / sizeof(phases[0]))

static struct ring_building *new_building(uint32_t claimants, uint32_t size)
{
	size_t slots = claimants ? 2 * (size_t)size : 0;
	size_t numbers = claimants + (slots > claimants ? slots : claimants);
	struct ring_building *b = malloc(sizeof(*b) + claimants * sizeof(struct claimant) +
					 numbers * sizeof(uint32_t));

	if (!b)
		return NULL;
	*b = (struct ring_building){.size = size, .count = claimants};
	b->claimants = (struct claimant *)(b + 1);
	b->order = (uint32_t *)(b->claimants + claimants);
	b->holder = b->order + claimants;
	b->turn = b->holder + size;
	return b;
}

int ring_begin(const struct ring_member *members, size_t count, uint32_t *slots, uint32_t size,
	       struct ring_building **out)
{
	uint32_t weighted = 0, last = 0;
	struct ring_building *b;

	for (size_t i = 0; i < count; i++) {
		if (members[i].weight > 0) {
			last = members[i].value;
			weighted++;
		}
	}
	if (weighted > 1 && size < 2)
		return -EINVAL;
	b = new_building(weighted > 1 ? weighted : 0, size);
	if (!b)
		return -ENOMEM;
	/* Most services of a big file have one backend: no claims. */
	b->only = last;
	b->phase = b->count ? 0 : PHASES - 1;
	b->members = members;
	b->members_count = count;
	b->slots = slots;
	*out = b;
	return 0;
}

bool ring_go_on(struct ring_building *b, size_t *budget)
{
	while (b->phase < PHASES && *budget) {
		if (!phases[b->phase](b, budget))
			continue;
		b->phase++;
		b->at = 0;
	}
	return b->phase < PHASES;
}

void ring_end(struct ring_building *b)
{
	free(b);
}

int ring_build(const struct ring_member *members, size_t count, uint32_t *slots, uint32_t size)
{
	struct ring_building *b;
	size_t all = SIZE_MAX;
	int err = ring_begin(members, count, slots, size, &b);

	if (err)
		return err;
	(void)ring_go_on(b, &all);
	ring_end(b);
	return 0;
}
