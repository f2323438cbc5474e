/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * May the FIB's answer for one address stand for another's?
 *
 * A route that changes may be that of ten thousand backends; the kernel is asked about one of them where what
 * it answers must hold for the others. Say the routes of prefix P changed, and a backend B in it was answered
 * from prefix Q of a table before. Now another backend in P is answered from prefix D of the same table. Then
 * B is, too, if
 *
 *	every packet is looked up in that table first (rules_first): else B may be found in one
 *	before it, when a throw route that is P, and had sent B past that table, went. The local
 *	one does not count: it holds this node's own addresses;
 *
 *	Q is not longer than P: else B has a route of its own within P;
 *
 *	D covers B. A route to B that is longer than D either covers all of P, and would have been the
 *	answer for the other backend, or lies within P: then it was B's answer before, or it is new.
 *
 * What is new, or went, meanwhile, has an event of its own that is still to be worked off, and marks B again.
 * Silent changes are not told by routes, but by links, addresses, rules, next hop objects: then everybody is
 * asked about.
 *
 * Left out, as the kernel's answer does not follow from the longest prefix alone, or does not name it:
 * answers that are no unicast routes, IPv6 routes through nexthop objects (netlink/index6.c) and over several
 * next hops, of which each may have an MTU of its own.
 *
 * Pure. Called by apply.c.
 */
#ifndef SHUNT_ANSWERS_H
#define SHUNT_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include <shunt/addr.h>
#include <shunt/rt.h>

/*
 * `answer` was given to an address in the changed prefix, of `length`, after the change; `before` to `dst`,
 * which is in that prefix, too, after every earlier change (NULL: never). `first` is the table in which all
 * are looked up first, or 0.
 */
bool answer_stands(const struct rt_route *answer, const struct rt_route *before, const struct addr *dst,
		   uint8_t length, uint32_t first);

#endif
