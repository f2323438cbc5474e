/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Adverts: what is decided for each VIP, and the rows. See adverts.h; the routes are in advert_routes.c.
 */
#include "adverts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advert_routes.h"
#include "config.h"
#include "diff.h"
#include "log.h"

struct adverts {
	struct advert_row *rows; /* ascending by address */
	size_t count;
	struct advert_routes routes; /* ours in the kernel */
	struct advert_routes lost;   /* ours that somebody removed or replaced */
	uint64_t returned;	     /* ms: when such were last put back */
	uint32_t protocol;	     /* that they were looked for by; 0: not yet */
	void (*changed)(const struct advert_row *row, void *arg);
	void *arg;
};

const char *advert_state_name(enum advert_state state)
{
	static const char *const names[] = {
		[ADVERT_ADVERTISED] = "advertised",
		[ADVERT_DRAINING] = "draining",
		[ADVERT_WITHDRAWN] = "withdrawn",
	};
	return names[state];
}

enum advert_state advert_decide(const struct advert_facts *facts)
{
	bool able = facts->attached && (facts->routed ? facts->holds : facts->enough);

	if (!able)
		return ADVERT_WITHDRAWN;
	if (!facts->leaving)
		return ADVERT_ADVERTISED;
	return facts->routed && !facts->waited ? ADVERT_DRAINING : ADVERT_WITHDRAWN;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int compare_rows(const void *a, const void *b)
{
	return addr_compare(&((const struct advert_row *)a)->vip, &((const struct advert_row *)b)->vip);
}

static int compare_wants(const void *a, const void *b)
{
	return addr_compare(&((const struct advert_want *)a)->vip, &((const struct advert_want *)b)->vip);
}

static const struct advert_row *row_of(const struct adverts *adverts, const struct addr *vip)
{
	const struct advert_row key = {.vip = *vip};

	return adverts->count ? bsearch(&key, adverts->rows, adverts->count, sizeof(key), compare_rows)
			      : NULL;
}

static bool is_lost(const struct adverts *adverts, const struct addr *vip)
{
	return advert_routes_find(&adverts->lost, vip) != NULL;
}

/* It was put back just now, and is gone again: no race. */
static bool held_back(const struct adverts *adverts, const struct adverts_input *input)
{
	return adverts->returned && input->now - adverts->returned < ADVERT_RETURN_MS;
}

static const char *why(const struct adverts_input *input, const struct advert_want *want,
		       enum advert_state state)
{
	if (state == ADVERT_ADVERTISED)
		return "";
	if (!input->attached)
		return "no interface carries the director's program: see shunt show interfaces";
	if (state == ADVERT_WITHDRAWN && !want->enough)
		return want->reason;
	return input->stopping ? "the daemon stops" : "drained by the operator";
}

static void decide(const struct adverts *adverts, const struct adverts_input *input,
		   const struct advert_want *want, struct advert_row *row)
{
	const struct advert_row *before = row_of(adverts, &want->vip);
	bool draining = before && before->state == ADVERT_DRAINING;
	uint64_t since = draining ? before->since : input->now;
	const struct advert_facts facts = {
		.routed = advert_routes_find(&adverts->routes, &want->vip) || is_lost(adverts, &want->vip),
		.attached = input->attached,
		.enough = want->enough,
		.holds = want->holds,
		.leaving = want->drained || input->stopping,
		.waited = input->now - since >= input->config->wait,
	};

	*row = (struct advert_row){.vip = want->vip, .state = advert_decide(&facts), .since = since};
	if (row->state != ADVERT_WITHDRAWN && is_lost(adverts, &want->vip) && held_back(adverts, input)) {
		row->state = ADVERT_WITHDRAWN;
		snprintf(row->reason, sizeof(row->reason),
			 "somebody else removes its route: it is put back once a second");
		return;
	}
	if (row->state != ADVERT_WITHDRAWN)
		row->metric = row->state == ADVERT_DRAINING ? input->config->drain_metric
							    : input->config->metric;
	snprintf(row->reason, sizeof(row->reason), "%s", why(input, want, row->state));
}

/* ---- telling --------------------------------------------------------------------------------- */

static int tell(const void *now, void *arg)
{
	const struct advert_row *row = now;
	const struct adverts *adverts = arg;
	char text[ADDR_TEXT_SIZE];
	const char *colon = row->reason[0] ? ": " : "";

	if (row->state == ADVERT_WITHDRAWN)
		log_note("advert %s withdrawn%s%s", addr_format(&row->vip, text), colon, row->reason);
	else
		log_note("advert %s %s with metric %u%s%s", addr_format(&row->vip, text),
			 advert_state_name(row->state), row->metric, colon, row->reason);
	if (adverts->changed)
		adverts->changed(row, adverts->arg);
	return 0;
}

static int tell_changed(const void *now, const void *before, void *arg)
{
	(void)before;
	return tell(now, arg);
}

static int tell_gone(const void *before, void *arg)
{
	struct advert_row row = *(const struct advert_row *)before;

	if (row.state == ADVERT_WITHDRAWN)
		return 0;
	row.state = ADVERT_WITHDRAWN;
	row.metric = 0;
	snprintf(row.reason, sizeof(row.reason), "no service wants it advertised");
	return tell(&row, arg);
}

static bool same_rows(const void *now, const void *before)
{
	const struct advert_row *a = now, *b = before;

	return a->state == b->state && a->metric == b->metric && !strcmp(a->reason, b->reason);
}

static void replace_rows(struct adverts *adverts, struct advert_row *rows, size_t count)
{
	static const struct diff_ops ops = {
		.compare = compare_rows,
		.same = same_rows,
		.add = tell,
		.change = tell_changed,
		.remove = tell_gone,
	};

	diff(rows, count, adverts->rows, adverts->count, sizeof(*rows), &ops, adverts);
	free(adverts->rows);
	adverts->rows = rows;
	adverts->count = count;
}

/* ---- lost routes -------------------------------------------------------------------------- */

bool adverts_heard(struct adverts *adverts, const struct rt_host_event *event)
{
	bool ours = event->route.protocol && event->route.protocol == adverts->protocol;

	if (event->came && ours)
		return advert_routes_leave(&adverts->lost, &event->route) &&
		       !advert_routes_enter(&adverts->routes, &event->route);
	if (event->came ? !event->replaces : !ours)
		return false;
	return advert_routes_leave(&adverts->routes, &event->route) &&
	       !advert_routes_enter(&adverts->lost, &event->route);
}

uint64_t adverts_returned(const struct adverts *adverts)
{
	return adverts->routes.returned;
}

/* ---- the sync -------------------------------------------------------------------------------- */

struct sync {
	struct advert_row *rows;
	size_t count;
	struct advert_routes routes;
};

static bool wants(const struct adverts_input *input, const struct addr *vip)
{
	const struct advert_want key = {.vip = *vip};

	/* Sorted by plan(). */
	return input->count && bsearch(&key, input->wants, input->count, sizeof(key), compare_wants) != NULL;
}

/* Lost ones that are there again, or that nobody wants, are forgotten; the others wait. */
static void settle_lost(struct adverts *adverts, const struct adverts_input *input)
{
	char text[ADDR_TEXT_SIZE];
	size_t kept = 0;

	for (size_t i = 0; i < adverts->lost.count; i++) {
		const struct rt_blackhole *route = &adverts->lost.items[i];
		bool there = advert_routes_find(&adverts->routes, &route->addr) != NULL;

		if (there) {
			adverts->returned = input->now;
			adverts->routes.returned++;
			log_warn("the route that advertises %s was removed by somebody else: put back",
				 addr_format(&route->addr, text));
		} else if (held_back(adverts, input) && wants(input, &route->addr)) {
			adverts->lost.items[kept++] = *route;
		}
	}
	adverts->lost.count = kept;
}

static void failed(const struct rt_blackhole *route, int err, void *arg)
{
	struct sync *sync = arg;
	const struct advert_row key = {.vip = route->addr};
	struct advert_row *row = bsearch(&key, sync->rows, sync->count, sizeof(key), compare_rows);

	row->state = ADVERT_WITHDRAWN;
	row->metric = 0;
	if (err == -EEXIST)
		snprintf(row->reason, sizeof(row->reason),
			 "table %u has another route to it with metric %u; remove that, or choose another "
			 "metric",
			 route->table, route->metric);
	else
		snprintf(row->reason, sizeof(row->reason), "cannot write the route: %s", strerror(-err));
}

static int plan(const struct adverts *adverts, const struct adverts_input *input, struct sync *sync)
{
	const struct config_advertise *config = input->config;
	int err = 0;

	sync->rows = calloc(input->count + 1, sizeof(*sync->rows));
	if (!sync->rows)
		return -ENOMEM;
	if (input->count)
		qsort(input->wants, input->count, sizeof(*input->wants), compare_wants);
	for (size_t i = 0; !err && i < input->count; i++) {
		struct advert_row *row = &sync->rows[sync->count++];
		struct rt_blackhole route = {input->wants[i].vip, (uint8_t)config->protocol, config->table,
					     0};

		decide(adverts, input, &input->wants[i], row);
		route.metric = row->metric;
		if (row->state != ADVERT_WITHDRAWN)
			err = advert_routes_add(&sync->routes, &route);
	}
	return err;
}

int adverts_sync(struct adverts *adverts, const struct adverts_input *input)
{
	struct sync sync = {0};
	int err = 0;

	if (adverts->protocol != input->config->protocol) {
		err = advert_routes_load(&adverts->routes, (uint8_t)input->config->protocol);
		if (err)
			return err;
		adverts->protocol = input->config->protocol;
		adverts->lost.count = 0;
	}
	err = plan(adverts, input, &sync);
	if (!err)
		err = advert_routes_apply(&sync.routes, &adverts->routes, input->query, input->audit, failed,
					  &sync);
	advert_routes_clear(&sync.routes);
	if (err) {
		adverts->protocol = 0; /* what was written is found again by it */
		free(sync.rows);
		return err;
	}
	settle_lost(adverts, input);
	replace_rows(adverts, sync.rows, sync.count);
	return 0;
}

uint64_t adverts_due(const struct adverts *adverts, const struct config_advertise *config, uint64_t now)
{
	uint64_t due = 0, since = now - adverts->returned;

	if (adverts->lost.count)
		due = since < ADVERT_RETURN_MS ? ADVERT_RETURN_MS - since : 1;
	for (size_t i = 0; i < adverts->count; i++) {
		uint64_t gone = now - adverts->rows[i].since;
		uint64_t left = gone < config->wait ? config->wait - gone : 1;

		if (adverts->rows[i].state == ADVERT_DRAINING && (!due || left < due))
			due = left;
	}
	return due;
}

size_t adverts_rows(const struct adverts *adverts, const struct advert_row **rows)
{
	*rows = adverts->rows;
	return adverts->count;
}

int adverts_new(void (*changed)(const struct advert_row *row, void *arg), void *arg, struct adverts **out)
{
	struct adverts *adverts = calloc(1, sizeof(*adverts));

	if (!adverts)
		return -ENOMEM;
	adverts->changed = changed;
	adverts->arg = arg;
	*out = adverts;
	return 0;
}

void adverts_free(struct adverts *adverts)
{
	if (!adverts)
		return;
	advert_routes_clear(&adverts->routes);
	advert_routes_clear(&adverts->lost);
	free(adverts->rows);
	free(adverts);
}

static void ignore_failure(const struct rt_blackhole *route, int err, void *arg)
{
	(void)route;
	(void)err;
	(void)arg;
}

void adverts_withdraw(struct adverts *adverts, struct rt_query *query)
{
	struct advert_routes none = {0};

	(void)advert_routes_apply(&none, &adverts->routes, query, false, ignore_failure, NULL);
	replace_rows(adverts, NULL, 0);
}

int adverts_sweep(struct rt_query *query, uint8_t protocol, size_t *count)
{
	struct advert_routes routes = {0};
	int err = advert_routes_load(&routes, protocol);

	*count = 0;
	for (size_t i = 0; i < routes.count; i++) {
		int failure = rt_blackhole_remove(query, &routes.items[i]);

		*count += !failure;
		err = err ? err : failure;
	}
	advert_routes_clear(&routes);
	return err;
}
