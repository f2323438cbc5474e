/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose flows a service goes on with, as a table: what was served, the new file, and what comes of it.
 *
 * An entry is NAME=VIP:PORT,PORT, where VIP is a digit, `any` is 0 and UDP has a `u` behind it. In what is
 * served, NAME is who the owner was named after. What comes of it is for each service NAME=OWNER, with
 * ~ORIGIN where it begins with copies, and the former ports whose flows break.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "succession.h"
#include "tables.h"

#define ROOM 16

struct row {
	const char *what, *before, *after, *outcome;
};

static const struct row rows[] = {
	{"nothing was served", "", "a=1:80 b=2:80", "a=a b=b"},
	{"the same file", "a=1:80,443,443u b=2:0", "a=1:80,443,443u b=2:0", "a=a b=b"},
	{"in another order", "a=1:80 b=2:80", "b=2:80 a=1:80", "b=b a=a"},
	{"a port more", "a=1:80", "a=1:80,443", "a=a"},
	{"a port less", "a=1:80,443", "a=1:443", "a=a"},

	{"another name", "a=1:80", "b=1:80", "b=a"},
	{"another name, another port more", "a=1:80", "b=1:80,81", "b=a"},
	{"another name again", "a=1:80", "c=1:80", "c=a"},
	{"its first name again", "a=1:80", "a=1:80", "a=a"},
	{"names swapped", "a=1:80 b=2:80", "b=1:80 a=2:80", "b=a a=b"},
	{"names passed on in turn", "a=1:80 b=1:81 c=2:80", "b=1:80 c=1:81 a=2:80", "b=a c=b a=c"},
	{"the name goes to another VIP, the VIP to another name", "a=1:80", "b=1:80 a=2:80", "b=a a=?"},
	{"the name goes to a port that is new", "a=1:80", "a=1:81 b=1:80", "a=? b=a"},
	{"another VIP, and nobody has the old one", "a=1:80", "a=2:80", "a=a"},
	{"another VIP, where another name was", "a=1:80 b=2:80", "a=2:80", "a=b"},
	{"another protocol is another port", "a=1:80", "b=1:80u", "b=b"},
	{"another VIP is, too", "a=1:80", "b=2:80", "b=b"},

	{"a split: its name stays", "a=1:80,443", "b=1:443 a=1:80", "b=b~a a=a"},
	{"a split: its name, against more ports", "a=1:80,443,444", "b=1:443,444 a=1:80", "b=b~a a=a"},
	{"a split: more ports", "a=1:80,443,444", "b=1:80 c=1:443,444", "b=b~a c=a"},
	{"a split: the first", "a=1:80,443", "c=1:443 b=1:80", "c=a b=b~a"},
	{"a split in three", "a=1:80,81,82", "a=1:80 b=1:81 c=1:82", "a=a b=b~a c=c~a"},
	{"a split off whose name is on another VIP", "a=1:80,443 b=2:80", "a=1:80 b=1:443 c=2:80",
	 "a=a b=?~a c=b"},
	{"a split off whose name had a VIP that is gone", "a=1:80,443 b=2:80", "a=1:80 b=1:443", "a=a b=?~a"},

	{"a merge into one of both", "a=1:80 b=1:443", "a=1:80,443", "a=a:443"},
	{"a merge into the other", "a=1:80 b=1:443", "b=1:80,443", "b=b:80"},
	{"a merge, a third name: the lower port's", "b=1:80 a=1:443", "c=1:443,80", "c=b:443"},
	{"a merge, a third name: more ports", "a=1:80 b=1:443,444", "c=1:80,443,444", "c=b:80"},
	{"a port goes over to who stays", "a=1:80,443 b=1:444", "a=1:80 b=1:443,444", "a=a b=b:443"},
	{"and under other names", "a=1:80,443 b=1:444,445", "c=1:80 d=1:443,444,445", "c=a d=b:443"},
	{"both swap ports and names", "a=1:80,81 b=1:90,91", "b=1:80,91 a=1:90,81", "b=b:80 a=a:90"},

	{"any, another name", "a=1:0", "b=1:0", "b=a"},
	{"any becomes a port", "a=1:0", "b=1:80", "b=a"},
	{"any becomes two ports", "a=1:0", "a=1:80 b=1:81", "a=a b=b~a"},
	{"a port becomes any", "a=1:80", "b=1:0", "b=a"},
	{"two services' ports become any", "a=1:80 b=1:81", "c=1:0", "c=a:81"},
	{"a port out of any, which stays", "a=1:0", "a=1:0 b=1:80", "a=a b=b~a"},
	{"any stays with who has it, not with the name", "a=1:0", "b=1:0 a=1:80", "b=a a=?~a"},
	{"a port goes back to any", "a=1:0 b=1:80", "a=1:0", "a=a:80"},
	{"any beside a port that stays", "a=1:80", "a=1:80 b=1:0", "a=a b=b"},
	{"any beside a port that stays, under other names", "a=1:80 b=1:0", "c=1:80 d=1:0", "c=a d=b"},
	{"any is of one protocol", "a=1:0u", "b=1:80", "b=b"},
	{"any takes ports of one VIP and protocol", "a=1:80 b=1:80u c=2:80", "d=1:0", "d=a"},
};

/* ---- the notation ------------------------------------------------------------------------------- */

struct entry {
	char name[8];
	struct addr vip;
	struct config_port ports[ROOM];
	size_t ports_count;
};

static struct config_port port_of(char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	return (struct config_port){(uint16_t)port, *end == 'u' ? IPPROTO_UDP : IPPROTO_TCP};
}

static struct entry entry_of(char *text)
{
	struct entry entry = {.vip = {ADDR_IPV4, {203, 0, 113, 0}}};
	char *rest = NULL, *name = strtok_r(text, "=", &rest), *vip = strtok_r(NULL, ":", &rest), *port;

	assert_non_null(vip);
	snprintf(entry.name, sizeof(entry.name), "%s", name);
	entry.vip.bytes[3] = (uint8_t)atoi(vip);
	while ((port = strtok_r(NULL, ",", &rest)))
		entry.ports[entry.ports_count++] = port_of(port);
	return entry;
}

static size_t entries_of(const char *text, struct entry *out)
{
	char copy[256], *rest = NULL;
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		out[count++] = entry_of(word);
	return count;
}

/* From the last one on: who is served stands in a hash, in whatever order. */
static struct ancestor *ancestors_of(const struct entry *entries, size_t count, size_t *ancestors)
{
	struct ancestor *all = calloc(ROOM, sizeof(*all));

	*ancestors = 0;
	while (count--) {
		const struct entry *entry = &entries[count];

		for (size_t i = 0; i < entry->ports_count; i++)
			all[(*ancestors)++] = (struct ancestor){.vip = entry->vip,
								.port = entry->ports[i],
								.owner = tables_owner(entry->name)};
	}
	return all;
}

static const char *owner_name(uint64_t owner)
{
	static const char *const names[] = {"a", "b", "c", "d"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (tables_owner(names[i]) == owner)
			return names[i];
	}
	return "?";
}

static void describe(const struct config *config, const struct succession *succession, char *out, size_t size)
{
	FILE *text = fmemopen(out, size, "w");

	for (size_t i = 0; i < config->services_count; i++) {
		const struct inheritance *service = &succession->services[i];

		fprintf(text, "%s%s=%s", i ? " " : "", config->services[i].name, owner_name(service->owner));
		if (service->origin)
			fprintf(text, "~%s", owner_name(service->origin));
		for (size_t j = 0; j < succession->heirs_count; j++) {
			const struct heir *heir = &succession->heirs[j];

			if (heir->service == i && heir->lost)
				fprintf(text, ":%u%s", heir->ancestor->port.port,
					heir->ancestor->port.protocol == IPPROTO_UDP ? "u" : "");
		}
	}
	(void)fclose(text);
}

static void assert_owners_differ(const struct config *config, const struct succession *succession)
{
	for (size_t i = 0; i < config->services_count; i++) {
		assert_true(succession->services[i].owner != 0);
		for (size_t j = 0; j < i; j++)
			assert_true(succession->services[i].owner != succession->services[j].owner);
	}
}

/* ---- the facts ---------------------------------------------------------------------------------- */

static void check(const struct row *row)
{
	struct entry before[ROOM], after[ROOM];
	struct config_service services[ROOM] = {0};
	struct config config = {.services = services, .services_count = entries_of(row->after, after)};
	struct succession succession;
	struct ancestor *ancestors;
	char outcome[256] = "";
	size_t count;

	for (size_t i = 0; i < config.services_count; i++)
		services[i] = (struct config_service){.name = after[i].name,
						      .vip = after[i].vip,
						      .ports = after[i].ports,
						      .ports_count = after[i].ports_count};
	ancestors = ancestors_of(before, entries_of(row->before, before), &count);
	assert_int_equal(succession_find(&config, ancestors, count, &succession), 0);
	describe(&config, &succession, outcome, sizeof(outcome));
	if (strcmp(outcome, row->outcome) != 0)
		fail_msg("%s: %s -> %s: %s, not %s", row->what, row->before, row->after, outcome,
			 row->outcome);
	assert_owners_differ(&config, &succession);
	succession_free(&succession);
}

static void the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
