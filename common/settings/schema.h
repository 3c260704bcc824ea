/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What settings may say: tables of keys, and the check of a tree against
 * them. The same tables print the reference in docs/settings.md.
 */
#pragma once

#include "common/settings/report.h"

#include <stdio.h>

enum schema_type {
	SCHEMA_STRING,
	SCHEMA_BOOL,
	SCHEMA_INTEGER,
	SCHEMA_DURATION, /* "500ms", "10s", "5m", "1h", "2d", or a number of seconds → integer, ms
			  */
	SCHEMA_SIZE,     /* "64KiB", "4MiB", "1GiB", or a number of bytes → integer, bytes */
	SCHEMA_ADDRESS,  /* host:port */
	SCHEMA_URL,      /* http:// or https:// */
	SCHEMA_FILE,     /* a file or folder that is there and can be read */
	SCHEMA_PATH,     /* a path that need not be there yet */
	SCHEMA_DOMAIN,   /* a DNS name, or "*." and one → lower case */
	SCHEMA_TIME,     /* RFC 3339 */
	SCHEMA_FINGERPRINT, /* SHA-256 in hex, colons allowed → 64 lower-case digits */
	SCHEMA_CHOICE,      /* one of `choices` */
	SCHEMA_ANY,         /* whatever is there, unchanged */
	SCHEMA_LIST,        /* of `element` */
	SCHEMA_OBJECT,      /* as `object` says */
	SCHEMA_TAGGED,      /* {type, settings, …}: `settings` as the variant for `type` says */
};

enum schema_flags {
	SCHEMA_REQUIRED = 1 << 0,
	/* Known from the originals, not served: its value is dropped with a warning. */
	SCHEMA_UNSERVED = 1 << 1,
};

struct schema_variant {
	const char *type;
	const struct schema *settings; /* NULL: it has none */
	const char *doc;
	const char *refusal; /* an error instead of the warning, telling what to do */
	unsigned flags;      /* SCHEMA_UNSERVED: dropped with a warning */
};

struct schema_key {
	const char *name;
	enum schema_type type;
	unsigned flags;
	/* As it would be written in the settings; "{}" fills an object with its own defaults. */
	const char *fallback;
	long long min, max;          /* integer, ms, bytes; max 0: no bound but the type's */
	enum schema_type element;    /* of a list */
	const struct schema *object; /* of an object; further keys of a tagged one */
	const struct schema_variant *variants; /* of a tagged one, up to one without a type */
	const char *const *choices;            /* up to NULL */
	const char *doc;
};

struct schema {
	const char *name;              /* set: documented once, in a table of its own */
	const struct schema_key *keys; /* up to one without a name */
	/* What no single key can tell: an error text for a checked object, or NULL. */
	const char *(*check)(const json_t *object);
};

/* Rows of a table of keys. */
#define SCHEMA_KEY(name_, type_, ...)                                \
	{                                                            \
		.name = (name_), .type = SCHEMA_##type_, __VA_ARGS__ \
	}
#define SCHEMA_END           \
	{                    \
		.name = NULL \
	}

/*
 * Check `tree` and make a new one with defaults filled in and units
 * converted. `lines` tells the places (may be NULL), `origin` the place of
 * the tree as a whole. 0, -EINVAL with every error in the report, -ENOMEM.
 */
int schema_check(const struct schema *schema, const json_t *tree, const struct lines *lines,
		 struct settings_place origin, struct settings_report *report, json_t **ret);

/* The reference as Markdown: a table for each schema, then one for each named block in them. */
void schema_print(const struct schema *const *schemas, size_t n, FILE *to);

/* Pure parsers of single values. -EINVAL: malformed. -ERANGE: too large. */
int schema_parse_duration(const char *text, long long *ret_ms);
int schema_parse_size(const char *text, long long *ret_bytes);

#define SCHEMA_WHAT_MAX 256
/*
 * A scalar of the type that `key` (or for a list its `element`) asks for. On
 * -EINVAL `what` tells in words what is wrong and how to write it.
 */
int schema_value(const struct schema_key *key, enum schema_type type, const json_t *in,
		 json_t **ret, char what[SCHEMA_WHAT_MAX]);
/* How a type is called in messages and in the reference. */
const char *schema_type_name(enum schema_type type);

/* The name nearest to `text`, NULL if none is near enough to be meant. */
const char *schema_nearest(const char *text, const char *const *names, size_t n);
