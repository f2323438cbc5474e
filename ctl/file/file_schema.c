/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading mappings, lists and choices as their tables declare them.
 *
 * What is the same for every key is here, once: unknown, repeated and missing keys, keys of a
 * later version, values of the wrong kind.
 */
#include "file_schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_near.h"

static int wrong_kind(struct reader *reader, const struct field *field, const struct node *value,
		      const char *kind)
{
	if (value->kind == NODE_SCALAR && value->empty)
		return reader_fail(reader, value->at, "'%s' has no value; write %s, such as %s", field->name,
				   kind, field->example);
	return reader_fail(reader, value->at, "'%s' must be %s; write one such as %s", field->name, kind,
			   field->example);
}

int need_scalar(struct reader *reader, const struct field *field, const struct node *value)
{
	if (value->kind != NODE_SCALAR || !*value->text)
		return wrong_kind(reader, field, value, "a single value");
	return 0;
}

int read_list(struct reader *reader, const struct field *field, const struct node *value,
	      int (*entry)(struct reader *reader, const struct node *node, void *record), void *record)
{
	if (value->kind != NODE_LIST)
		return wrong_kind(reader, field, value, "a list");
	for (;;) {
		struct node node;
		int err = reader_next(reader, &node);

		if (err || node.kind == NODE_END)
			return err;
		err = entry(reader, &node, record);
		if (err)
			return err;
	}
}

int read_choice(struct reader *reader, const struct field *field, const struct node *value, void *record)
{
	const char *names[SCHEMA_FIELDS_MAX];
	char shown[SHOW_SIZE], advice[NEAR_TEXT_SIZE];
	size_t count = 0;
	int err = need_scalar(reader, field, value);

	if (err)
		return err;
	for (const struct choice *choice = field->choices; choice->name; choice++) {
		if (!strcmp(choice->name, value->text)) {
			if (choice->refusal)
				return reader_fail(reader, value->at, "'%s: %s' %s", field->name,
						   choice->name, choice->refusal);
			memcpy((char *)record + field->offset, &choice->value, sizeof(choice->value));
			return 0;
		}
		if (!choice->refusal)
			names[count++] = choice->name;
	}
	return reader_fail(reader, value->at, "'%s' is not a value of '%s'; %s",
			   report_show(value->text, shown), field->name,
			   near_advice(value->text, names, count, advice));
}

static int unknown_key(struct reader *reader, const struct schema *schema, const struct node *key)
{
	const char *names[SCHEMA_FIELDS_MAX];
	char shown[SHOW_SIZE], advice[NEAR_TEXT_SIZE];
	size_t count = 0;

	if (!strcmp(key->text, "<<"))
		return reader_fail(reader, key->at,
				   "merge keys ('<<') are not supported; write the keys out");
	for (const struct field *field = schema->fields; field->name; field++)
		if (field->read)
			names[count++] = field->name;
	return reader_fail(reader, key->at, "unknown key '%s' in %s; %s", report_show(key->text, shown),
			   schema->what, near_advice(key->text, names, count, advice));
}

static const struct field *find_field(const struct schema *schema, const char *name, size_t length)
{
	for (const struct field *field = schema->fields; field->name; field++)
		if (strlen(field->name) == length && !memcmp(field->name, name, length))
			return field;
	return NULL;
}

/* One key with its value. `keys` holds where each field's key stood before. */
static int read_pair(struct reader *reader, const struct schema *schema, const struct node *key, void *record,
		     struct place *keys, struct place *values)
{
	const struct field *field;
	struct node value;
	size_t i;
	int err;

	if (key->kind != NODE_SCALAR)
		return reader_fail(reader, key->at, "a key of %s must be a single word; write 'key: value'",
				   schema->what);
	field = find_field(schema, key->text, strlen(key->text));
	if (!field)
		return unknown_key(reader, schema, key);
	if (!field->read)
		return reader_fail(reader, key->at, "'%s' is not supported yet; remove it", field->name);
	i = (size_t)(field - schema->fields);
	if (keys[i].line)
		return reader_fail(reader, key->at,
				   "'%s' is given twice; the first is on line %u: remove one", field->name,
				   keys[i].line);
	keys[i] = key->at;
	err = reader_next(reader, &value);
	if (err)
		return err;
	values[i] = value.at;
	return field->read(reader, field, &value, record);
}

static int missing_key(struct reader *reader, const struct schema *schema, const struct field *field,
		       struct place at)
{
	struct node ahead;
	int err = reader_next(reader, &ahead); /* where the key is only indented wrongly, this says so */

	if (err)
		return err;
	return reader_fail(reader, at, "%s needs '%s'; add it, such as %s: %s", schema->what, field->name,
			   field->name, field->example);
}

static int check_required(struct reader *reader, const struct schema *schema, struct place at,
			  const struct place *values)
{
	for (size_t i = 0; schema->fields[i].name; i++)
		if (schema->fields[i].required && !values[i].line)
			return missing_key(reader, schema, &schema->fields[i], at);
	return 0;
}

static int not_a_mapping(struct reader *reader, const struct schema *schema, const struct node *node)
{
	const char *colon = node->kind == NODE_SCALAR ? strchr(node->text, ':') : NULL;

	if (colon && find_field(schema, node->text, (size_t)(colon - node->text)))
		return reader_fail(reader, node->at,
				   "a blank is missing after the ':' here; write 'key: value'");
	return reader_fail(reader, node->at, "%s must be keys with values; write one such as %s",
			   schema->what, schema->example);
}

int read_mapping(struct reader *reader, const struct schema *schema, const struct node *map, void *record,
		 struct place *places)
{
	struct place keys[SCHEMA_FIELDS_MAX] = {0}, values[SCHEMA_FIELDS_MAX] = {0};
	struct place at = map->at;
	struct node key;
	int err;

	if (map->kind != NODE_MAP)
		return not_a_mapping(reader, schema, map);
	for (;;) {
		err = reader_next(reader, &key);
		if (err)
			return err;
		if (key.kind == NODE_END)
			break;
		err = read_pair(reader, schema, &key, record, keys, values);
		if (err)
			return err;
	}
	err = check_required(reader, schema, at, values);
	if (!err)
		memcpy(places, values, sizeof(values));
	return err;
}

int array_grow(struct reader *reader, void *array_pointer, size_t count, size_t size)
{
	void *array, *grown;

	if (count & (count - 1)) /* full only at 0 and at powers of two */
		return 0;
	memcpy(&array, array_pointer, sizeof(array));
	grown = reallocarray(array, count ? count * 2 : 1, size);
	if (!grown)
		return report_fail_whole(reader_report(reader), -ENOMEM, "out of memory");
	memcpy(array_pointer, &grown, sizeof(grown));
	return 0;
}
