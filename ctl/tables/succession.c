/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who shares which port with whom; then owners are dealt out, the best claims first. See succession.h.
 */
#include "succession.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"

/* What a service has of a former owner's ports. */
struct claim {
	size_t service;
	uint64_t owner;
	size_t same, other; /* ports that it has as they were, and those by way of `any` */
	bool named;
	const struct ancestor *first; /* of them */
};

/* An owner that there is so far. */
struct holding {
	uint64_t owner;
	bool taken;
};

struct finding {
	const struct config *config;
	struct ancestor *ancestors; /* sorted */
	size_t ancestors_count;
	struct heir *heirs;
	size_t heirs_count;
	struct holding *holdings; /* sorted */
	size_t holdings_count;
	struct claim *claims;
	size_t claims_count;
	struct inheritance *services;
};

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* ---- ports ------------------------------------------------------------------------------------- */

static int compare_ancestors(const void *a, const void *b)
{
	const struct ancestor *one = a, *other = b;
	int order = addr_compare(&one->vip, &other->vip);

	if (!order)
		order = compare(one->port.protocol, other->port.protocol);
	return order ? order : compare(one->port.port, other->port.port);
}

static struct ancestor *find_ancestor(const struct finding *finding, const struct addr *vip,
				      struct config_port port)
{
	const struct ancestor key = {.vip = *vip, .port = port};

	return bsearch(&key, finding->ancestors, finding->ancestors_count, sizeof(key), compare_ancestors);
}

static void add_heir(struct finding *finding, size_t service, const struct ancestor *ancestor,
		     struct config_port port, bool same)
{
	finding->heirs[finding->heirs_count++] = (struct heir){
		.service = service, .ancestor = ancestor, .port = port, .same = same};
}

/* One port of the file: who served it so far. */
static void find_server(struct finding *finding, size_t service, const struct config_port *port)
{
	const struct addr *vip = &finding->config->services[service].vip;
	struct ancestor *same = find_ancestor(finding, vip, *port), *any = NULL;

	if (same)
		same->named = true;
	else
		any = find_ancestor(finding, vip, (struct config_port){0, port->protocol});
	if (same || any)
		add_heir(finding, service, same ? same : any, *port, same != NULL);
}

/* `any` in the file: all ports that were served by themselves, and no longer are. */
static void find_served(struct finding *finding, size_t service, uint8_t protocol)
{
	const struct addr *vip = &finding->config->services[service].vip;
	size_t from = 0, to = finding->ancestors_count;

	while (from < to) {
		size_t middle = (from + to) / 2;
		const struct ancestor first = {.vip = *vip, .port = {1, protocol}};

		if (compare_ancestors(&finding->ancestors[middle], &first) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	for (; from < finding->ancestors_count; from++) {
		const struct ancestor *ancestor = &finding->ancestors[from];

		if (addr_compare(&ancestor->vip, vip) || ancestor->port.protocol != protocol)
			break;
		if (!ancestor->named)
			add_heir(finding, service, ancestor, ancestor->port, false);
	}
}

static int compare_heirs(const void *a, const void *b)
{
	const struct heir *one = a, *other = b;
	int order = compare(one->service, other->service);

	if (!order)
		order = compare(one->ancestor->owner, other->ancestor->owner);
	return order ? order : compare_ancestors(one->ancestor, other->ancestor);
}

static void find_heirs(struct finding *finding)
{
	const struct config *config = finding->config;

	qsort(finding->ancestors, finding->ancestors_count, sizeof(*finding->ancestors), compare_ancestors);
	for (size_t i = 0; i < config->services_count; i++) {
		for (size_t j = 0; j < config->services[i].ports_count; j++)
			find_server(finding, i, &config->services[i].ports[j]);
	}
	for (size_t i = 0; i < config->services_count; i++) {
		for (size_t j = 0; j < config->services[i].ports_count; j++) {
			if (!config->services[i].ports[j].port)
				find_served(finding, i, config->services[i].ports[j].protocol);
		}
	}
	qsort(finding->heirs, finding->heirs_count, sizeof(*finding->heirs), compare_heirs);
}

/* ---- owners ------------------------------------------------------------------------------------ */

static int compare_holdings(const void *a, const void *b)
{
	return compare(((const struct holding *)a)->owner, ((const struct holding *)b)->owner);
}

static struct holding *find_holding(const struct finding *finding, uint64_t owner)
{
	const struct holding key = {.owner = owner};

	return bsearch(&key, finding->holdings, finding->holdings_count, sizeof(key), compare_holdings);
}

static void list_holdings(struct finding *finding)
{
	struct holding *all = finding->holdings;
	size_t count = 0;

	for (size_t i = 0; i < finding->ancestors_count; i++)
		all[i].owner = finding->ancestors[i].owner;
	qsort(all, finding->ancestors_count, sizeof(*all), compare_holdings);
	for (size_t i = 0; i < finding->ancestors_count; i++) {
		if (!count || all[count - 1].owner != all[i].owner)
			all[count++] = all[i];
	}
	finding->holdings_count = count;
}

/* How good a claim is, before its number of ports counts. */
static unsigned rank(const struct claim *claim)
{
	return (claim->same ? 2 : 0) + (claim->named ? 1 : 0);
}

static int compare_claims(const void *a, const void *b)
{
	const struct claim *one = a, *other = b;
	int order = compare(rank(other), rank(one));

	if (!order)
		order = compare(other->same, one->same);
	if (!order)
		order = compare(other->other, one->other);
	if (!order)
		order = compare(one->service, other->service);
	return order ? order : compare_ancestors(one->first, other->first);
}

static void list_claims(struct finding *finding)
{
	struct claim *claim = finding->claims;

	for (size_t i = 0; i < finding->heirs_count; i++) {
		const struct heir *heir = &finding->heirs[i];

		if (!finding->claims_count || claim->service != heir->service ||
		    claim->owner != heir->ancestor->owner) {
			const char *name = finding->config->services[heir->service].name;

			claim = &finding->claims[finding->claims_count++];
			*claim = (struct claim){.service = heir->service,
						.owner = heir->ancestor->owner,
						.named = heir->ancestor->owner == tables_owner(name),
						.first = heir->ancestor};
		}
		claim->same += heir->same;
		claim->other += !heir->same;
	}
	qsort(finding->claims, finding->claims_count, sizeof(*finding->claims), compare_claims);
}

static bool take(struct finding *finding, uint64_t owner)
{
	struct holding *holding = find_holding(finding, owner);

	if (!holding || holding->taken)
		return false;
	holding->taken = true;
	return true;
}

static void deal_owners(struct finding *finding)
{
	for (size_t i = 0; i < finding->claims_count; i++) {
		const struct claim *claim = &finding->claims[i];
		struct inheritance *service = &finding->services[claim->service];

		if (!service->owner && take(finding, claim->owner))
			service->owner = claim->owner;
	}
	/* Who went away empty, best claims first. */
	for (size_t i = 0; i < finding->claims_count; i++) {
		const struct claim *claim = &finding->claims[i];
		struct inheritance *service = &finding->services[claim->service];

		if (!service->owner && !service->origin)
			service->origin = claim->owner;
	}
}

/* By the name. */
static void name_owner(struct finding *finding, size_t at)
{
	struct inheritance *service = &finding->services[at];

	service->owner = tables_owner(finding->config->services[at].name);
	/* It must have no ring of its own where it is to begin as another. */
	while (find_holding(finding, service->owner) && (service->origin || !take(finding, service->owner)))
		service->owner = tables_next_owner(service->owner);
}

static bool is_lost(const struct finding *finding, const struct heir *heir)
{
	const struct inheritance *service = &finding->services[heir->service];
	uint64_t owner = heir->ancestor->owner;

	return service->owner != owner && service->origin != owner;
}

/* ---- all --------------------------------------------------------------------------------------- */

static int make_room(struct finding *finding)
{
	const struct config *config = finding->config;
	size_t heirs = finding->ancestors_count;

	for (size_t i = 0; i < config->services_count; i++)
		heirs += config->services[i].ports_count;
	finding->heirs = calloc(heirs + 1, sizeof(*finding->heirs));
	finding->claims = calloc(heirs + 1, sizeof(*finding->claims));
	finding->holdings = calloc(finding->ancestors_count + 1, sizeof(*finding->holdings));
	finding->services = calloc(config->services_count + 1, sizeof(*finding->services));
	return finding->heirs && finding->claims && finding->holdings && finding->services ? 0 : -ENOMEM;
}

int succession_find(const struct config *config, struct ancestor *ancestors, size_t count,
		    struct succession *out)
{
	struct finding finding = {.config = config, .ancestors = ancestors, .ancestors_count = count};
	int err = make_room(&finding);

	if (!err) {
		find_heirs(&finding);
		list_holdings(&finding);
		list_claims(&finding);
		deal_owners(&finding);
		for (size_t i = 0; i < config->services_count; i++) {
			if (!finding.services[i].owner)
				name_owner(&finding, i);
		}
		for (size_t i = 0; i < finding.heirs_count; i++)
			finding.heirs[i].lost = is_lost(&finding, &finding.heirs[i]);
		*out = (struct succession){finding.services, ancestors, finding.heirs, finding.heirs_count};
	} else {
		free(finding.services);
		free(finding.heirs);
	}
	free(finding.claims);
	free(finding.holdings);
	return err;
}

void succession_free(struct succession *succession)
{
	free(succession->services);
	free(succession->ancestors);
	free(succession->heirs);
	*succession = (struct succession){0};
}
