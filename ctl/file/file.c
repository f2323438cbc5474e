/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading the file: from a path or from memory to a complete `struct config`, or to one error.
 *
 *	file_text     is it text at all? file_utf8: characters
 *	file_reader   libyaml's events as values with places; file_syntax: its errors in our words
 *	file_schema   mappings, lists and choices, read as their tables declare them
 *	file_value    single values; file_near: "did you mean"
 *	file_advertise, file_tunnel  the keys `advertise` and `tunnel` of the top level
 *	file_service  a service's table; file_claims, file_restores: what services must not share
 *	file_report   the error
 *
 * The top level's table is here. Everything is checked while it is read, and the first error in
 * the file's order wins.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_draft.h"
#include "file_schema.h"
#include "file_value.h"

#define FILE_SIZE_MAX ((size_t)16 << 20)

static const struct choice mode_choices[] = {
	{"auto", ATTACH_AUTO, NULL},
	{"native", ATTACH_NATIVE, NULL},
	{"generic", ATTACH_GENERIC, NULL},
	{.name = NULL},
};

static int read_match(struct reader *reader, const struct field *field, const struct node *value,
		      void *record)
{
	struct config_interface *interface = record;
	int err = need_scalar(reader, field, value);

	return err ? err : value_pattern(reader, value, &interface->match);
}

enum { INTERFACE_MATCH, INTERFACE_MODE };

static const struct schema interface_schema = {
	.what = "an interface",
	.example = "\"eth*\" or {match: \"eth*\", mode: auto}",
	.fields =
		(const struct field[]){
			[INTERFACE_MATCH] = {"match", "\"eth*\"", true, .read = read_match},
			[INTERFACE_MODE] = {"mode", "auto", false, read_choice,
					    offsetof(struct config_interface, mode), mode_choices},
			{.name = NULL},
		},
};

/* An entry of `interfaces`: a pattern, or a mapping. */
static int read_interface(struct reader *reader, const struct node *node, void *record)
{
	struct draft *draft = record;
	struct config *config = &draft->config;
	struct place places[SCHEMA_FIELDS_MAX];
	struct config_interface *interface;
	int err = array_grow(reader, &config->interfaces, config->interfaces_count, sizeof(*interface));

	if (err)
		return err;
	interface = &config->interfaces[config->interfaces_count++];
	*interface = (struct config_interface){.mode = ATTACH_AUTO};
	if (node->kind == NODE_SCALAR && !strchr(node->text, ':')) {
		places[INTERFACE_MATCH] = node->at;
		err = value_pattern(reader, node, &interface->match);
	} else {
		err = read_mapping(reader, &interface_schema, node, interface, places);
	}
	return err ? err : claim_pattern(reader, draft, interface->match, places[INTERFACE_MATCH]);
}

static int read_interfaces(struct reader *reader, const struct field *field, const struct node *value,
			   void *record)
{
	return read_list(reader, field, value, read_interface, record);
}

static int read_services(struct reader *reader, const struct field *field, const struct node *value,
			 void *record)
{
	return read_list(reader, field, value, read_service, record);
}

static const struct choice role_choices[] = {
	{"auto", ROLE_AUTO, NULL},
	{"director", ROLE_DIRECTOR, NULL},
	{"backend", ROLE_BACKEND, NULL},
	{"both", ROLE_BOTH, NULL},
	{.name = NULL},
};

static const struct duration_range audit_range = {1000, 3600000, "1s to 1h", true};

enum { FILE_ROLE, FILE_INTERFACES, FILE_SERVICES, FILE_AUDIT, FILE_ADVERTISE, FILE_TUNNEL };

static const struct schema file_schema = {
	.what = "the file",
	.example = "'services: []'",
	.fields =
		(const struct field[]){
			[FILE_ROLE] = {"role", "auto", false, read_choice,
				       offsetof(struct draft, config) + offsetof(struct config, role),
				       role_choices},
			[FILE_INTERFACES] = {"interfaces", "[\"eth*\"]", false, read_interfaces},
			[FILE_SERVICES] = {"services", "[]", true, read_services},
			[FILE_AUDIT] = {"audit", "30s", false, read_duration,
					offsetof(struct draft, config) + offsetof(struct config, audit),
					.range = &audit_range},
			[FILE_ADVERTISE] = {"advertise", "{protocol: 240}", false, read_advertise_routes,
					    offsetof(struct draft, config) +
						    offsetof(struct config, advertise)},
			[FILE_TUNNEL] = {"tunnel", "{source: 198.18.255.0/24}", false, read_tunnel,
					 offsetof(struct draft, config) + offsetof(struct config, tunnel)},
			{.name = NULL},
		},
};

/* What a role needs of the rest of the file. */
static int check_role(struct reader *reader, const struct config *config, struct place at)
{
	if ((config->role == ROLE_DIRECTOR || config->role == ROLE_BOTH) && !config->interfaces_count)
		return reader_fail(reader, at,
				   "'role: %s' needs 'interfaces'; add it, such as interfaces: [\"eth*\"]",
				   role_name(config->role));
	/* l2 leaves nothing in a frame that tells one already dispatched from a new one: two such
	 * nodes would send it to and fro for ever. */
	for (size_t i = 0; config->role == ROLE_BOTH && i < config->services_count; i++) {
		const struct config_service *service = &config->services[i];

		if (service->forward == FORWARD_AUTO || service->forward == FORWARD_L2)
			return reader_fail(
				reader, at,
				"'role: both' cannot go with 'forward: %s' (service '%s'): a frame that l2 "
				"dispatched would be dispatched again; use 'forward: l3', ipip or gue",
				forward_name(service->forward), service->name);
	}
	return 0;
}

static int read_file(struct reader *reader, struct draft *draft)
{
	struct place places[SCHEMA_FIELDS_MAX];
	struct node node;
	int err = reader_begin(reader, &node);

	if (!err)
		err = read_mapping(reader, &file_schema, &node, draft, places);
	if (!err)
		err = reader_finish(reader);
	return err ? err : check_role(reader, &draft->config, places[FILE_ROLE]);
}

static int read_checked(const struct report *report, struct draft *draft)
{
	struct reader *reader;
	int err = report_check_text(report);

	if (!err)
		err = reader_open(report, &reader);
	if (err)
		return err;
	err = read_file(reader, draft);
	reader_close(reader);
	ledger_clear(&draft->claims);
	return err;
}

int file_parse(const char *path, const char *text, size_t size, struct config **out, struct file_error *error)
{
	static const char mark[] = "\xef\xbb\xbf"; /* what some editors put in front of UTF-8 */
	struct report report = {path, text, size, error};
	struct config *config = calloc(1, sizeof(*config));
	struct draft draft = {.config = {.audit = AUDIT_DEFAULT_MS,
					 .advertise = ADVERTISE_DEFAULTS,
					 .tunnel = TUNNEL_DEFAULTS}};
	int err;

	if (!config)
		return report_fail_whole(&report, -ENOMEM, "out of memory");
	if (size > FILE_SIZE_MAX) {
		free(config);
		return report_fail_whole(&report, -EFBIG, "larger than 16 MiB; is it the right file?");
	}
	if (size >= strlen(mark) && !memcmp(text, mark, strlen(mark))) {
		report.text += strlen(mark);
		report.size -= strlen(mark);
	}
	err = read_checked(&report, &draft);
	*config = draft.config;
	if (err) {
		config_free(config);
		return err;
	}
	*out = config;
	return 0;
}

static int grow_text(char **text, size_t *room)
{
	size_t wanted = *room ? *room * 2 : 65536;
	char *grown = realloc(*text, wanted);

	if (!grown)
		return -ENOMEM;
	*text = grown;
	*room = wanted;
	return 0;
}

/* Up to more than file_parse takes, so that it sees what is too large. *text is the caller's, also
 * after a failure. */
static int read_all(int fd, char **text, size_t *size)
{
	size_t room = 0;

	for (;;) {
		ssize_t got;

		if (*size == room && grow_text(text, &room))
			return -ENOMEM;
		got = read(fd, *text + *size, room - *size);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (!got || *size > FILE_SIZE_MAX)
			return 0;
		if (got > 0)
			*size += (size_t)got;
	}
}

static int fail_to_read(const struct report *report, int err)
{
	static const struct {
		int err;
		const char *remedy;
	} remedies[] = {
		{-ENOENT, "check the path"},
		{-ENOTDIR, "check the path"},
		{-EISDIR, "name a file in it"},
		{-EACCES, "run as root, or check its permissions"},
	};

	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
		if (remedies[i].err == err)
			return report_fail_whole(report, err, "cannot be read: %s; %s", strerror(-err),
						 remedies[i].remedy);
	return report_fail_whole(report, err, "cannot be read: %s", strerror(-err));
}

int file_load(const char *path, struct config **out, struct file_error *error)
{
	struct report report = {.path = path, .text = "", .error = error};
	char *text = NULL;
	size_t size = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int err = fd < 0 ? -errno : read_all(fd, &text, &size);

	if (fd >= 0)
		close(fd);
	err = err ? fail_to_read(&report, err) : file_parse(path, text, size, out, error);
	free(text);
	return err;
}
