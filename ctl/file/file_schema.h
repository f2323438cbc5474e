/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a mapping of the file may hold, declared as data. For file*.c only.
 */
#ifndef SHUNT_FILE_SCHEMA_H
#define SHUNT_FILE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file_reader.h"

/* One value out of a few. A list ends with a NULL name. */
struct choice {
	const char *name;
	unsigned value;
	const char *refusal; /* NULL, or why this known value is refused and what to write instead */
};

/* What a duration may be. */
struct duration_range {
	uint32_t min, max; /* ms */
	const char *words; /* "1s to 1h" */
	bool off;	   /* `off` may be written, and is stored as 0 */
};

/* What a whole number may be. */
struct number_range {
	uint32_t min, max;
};

/* One key. The last of a schema has a NULL name. */
struct field {
	const char *name;
	const char *example; /* a right value, for errors */
	bool required;
	/* Checks the value and stores it in `record`. NULL: a key that is not supported yet. */
	int (*read)(struct reader *reader, const struct field *field, const struct node *value, void *record);
	size_t offset;			    /* where in the record, for readers that are shared */
	const struct choice *choices;	    /* for read_choice */
	const struct duration_range *range; /* for read_duration */
	const struct number_range *numbers; /* for read_number */
};

struct schema {
	const char *what; /* "a service" */
	const char *example;
	const struct field *fields;
};

#define SCHEMA_FIELDS_MAX 16

/*
 * Reads the mapping that starts at `map` into `record`, as its fields' readers do. places[i]
 * becomes where the value of fields[i] stands, line 0 where it is absent; it has
 * SCHEMA_FIELDS_MAX entries.
 */
int read_mapping(struct reader *reader, const struct schema *schema, const struct node *map, void *record,
		 struct place *places);

/* Calls `entry` for each value of a list. */
int read_list(struct reader *reader, const struct field *field, const struct node *value,
	      int (*entry)(struct reader *reader, const struct node *node, void *record), void *record);

/* Is the value a scalar with something in it? 0 or reported. */
int need_scalar(struct reader *reader, const struct field *field, const struct node *value);

/* A field's reader: stores the value of one of field->choices as an unsigned. */
int read_choice(struct reader *reader, const struct field *field, const struct node *value, void *record);

/* Room for one more in an array that grows by doubling. 0, or -ENOMEM reported. */
int array_grow(struct reader *reader, void *array_pointer, size_t count, size_t size);

#endif
