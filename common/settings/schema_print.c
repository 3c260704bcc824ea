// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/schema.h"

#include <stdbool.h>
#include <string.h>

#define PATH_TEXT_MAX 512
#define BLOCKS_MAX    32

/* The named blocks met on the way, each to be printed once. */
struct blocks {
	const struct schema *list[BLOCKS_MAX];
	size_t n;
};

static void note(struct blocks *blocks, const struct schema *schema)
{
	for (size_t i = 0; i < blocks->n; i++)
		if (blocks->list[i] == schema)
			return;
	if (blocks->n < BLOCKS_MAX)
		blocks->list[blocks->n++] = schema;
}

/* An amount in the largest unit that gives a whole number. */
static void print_amount(enum schema_type type, long long value, FILE *to)
{
	static const struct {
		const char *name;
		long long factor;
	} times[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}},
	  sizes[] = {{"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10}, {" bytes", 1}};
	size_t i = 0;

	if (type != SCHEMA_DURATION && type != SCHEMA_SIZE) {
		fprintf(to, "%lld", value);
		return;
	}
	if (value == 0) {
		fputs("0", to);
		return;
	}
	while (value % (type == SCHEMA_DURATION ? times : sizes)[i].factor != 0)
		i++;
	if (type == SCHEMA_DURATION)
		fprintf(to, "%lld%s", value / times[i].factor, times[i].name);
	else
		fprintf(to, "%lld%s", value / sizes[i].factor, sizes[i].name);
}

static void print_type(const struct schema_key *key, enum schema_type type, FILE *to)
{
	const struct schema *object = key->object;

	if (type == SCHEMA_OBJECT && object && object->name) {
		fprintf(to, "`%s`, see there", object->name);
	} else if (type == SCHEMA_CHOICE) {
		for (size_t i = 0; key->choices[i]; i++)
			fprintf(to, "%s`%s`", i ? ", " : "", key->choices[i]);
	} else {
		fputs(schema_type_name(type), to);
	}
	if (key->max &&
	    (type == SCHEMA_INTEGER || type == SCHEMA_DURATION || type == SCHEMA_SIZE)) {
		fputs(", ", to);
		print_amount(type, key->min, to);
		fputs(" to ", to);
		print_amount(type, key->max, to);
	}
}

static void print_row(const struct schema_key *key, const char *path, FILE *to)
{
	fprintf(to, "| `%s` | ", path);
	if (key->type == SCHEMA_LIST) {
		fputs("list: ", to);
		print_type(key, key->element, to);
	} else {
		print_type(key, key->type, to);
	}
	if (key->flags & SCHEMA_UNSERVED)
		fputs(" | not served", to);
	else if (key->flags & SCHEMA_REQUIRED)
		fputs(" | required", to);
	else if (key->fallback && strcmp(key->fallback, "{}") != 0 &&
		 strcmp(key->fallback, "[]") != 0)
		fprintf(to, " | `%s`", key->fallback);
	else
		fputs(" | ", to);
	fprintf(to, " | %s |\n", key->doc ? key->doc : "");
}

static void print_keys(const struct schema *schema, const char *path, struct blocks *blocks,
		       FILE *to);

static void print_settings(const struct schema *schema, const char *path, struct blocks *blocks,
			   FILE *to)
{
	char below[PATH_TEXT_MAX];

	if (snprintf(below, sizeof(below), "%s.settings", path) >= (int)sizeof(below))
		return;
	if (!schema->name) {
		print_keys(schema, below, blocks, to);
		return;
	}
	note(blocks, schema);
	fprintf(to, "| `%s` | `%s`, see there | required | |\n", below, schema->name);
}

static const struct schema *first_settings(const struct schema_variant *variants)
{
	while (variants->type && !variants->settings)
		variants++;
	return variants->settings;
}

static void print_variants(const struct schema_key *key, const char *path, struct blocks *blocks,
			   FILE *to)
{
	const struct schema *printed = NULL;
	char below[PATH_TEXT_MAX];
	bool alike = true;

	fprintf(to, "| `%s.type` | ", path);
	for (const struct schema_variant *v = key->variants; v->type; v++)
		fprintf(to, "%s`%s`", v == key->variants ? "" : ", ", v->type);
	fputs(" | required | ", to);
	for (const struct schema_variant *v = key->variants; v->type; v++)
		fprintf(to, "%s%s: %s", v == key->variants ? "" : "; ", v->type, v->doc);
	fputs(" |\n", to);
	for (const struct schema_variant *v = key->variants; v->type; v++)
		if (v->settings && v->settings != first_settings(key->variants))
			alike = false;
	for (const struct schema_variant *v = key->variants; v->type; v++) {
		if (!v->settings || (alike && v->settings == printed))
			continue;
		printed = v->settings;
		/* channels[] becomes channels[grpc_server]. */
		size_t length = strlen(path) - (key->type == SCHEMA_LIST ? 2 : 0);
		if (alike)
			print_settings(v->settings, path, blocks, to);
		else if (snprintf(below, sizeof(below), "%.*s[%s]", (int)length, path, v->type) <
			 (int)sizeof(below))
			print_settings(v->settings, below, blocks, to);
	}
}

/* The rows below a key: those of its object, or a note to print the block that it names. */
static void print_below(const struct schema_key *key, const char *path, struct blocks *blocks,
			FILE *to)
{
	enum schema_type type = key->type == SCHEMA_LIST ? key->element : key->type;

	if (key->flags & SCHEMA_UNSERVED)
		return;
	if (type == SCHEMA_TAGGED) {
		print_variants(key, path, blocks, to);
		if (key->object)
			print_keys(key->object, path, blocks, to);
	} else if (type == SCHEMA_OBJECT && key->object->name) {
		note(blocks, key->object);
	} else if (type == SCHEMA_OBJECT) {
		print_keys(key->object, path, blocks, to);
	}
}

static void print_keys(const struct schema *schema, const char *path, struct blocks *blocks,
		       FILE *to)
{
	char below[PATH_TEXT_MAX];

	for (const struct schema_key *key = schema->keys; key->name; key++) {
		if (snprintf(below, sizeof(below), "%s%s%s%s", path, *path ? "." : "", key->name,
			     key->type == SCHEMA_LIST ? "[]" : "") >= (int)sizeof(below))
			continue;
		print_row(key, below, to);
		print_below(key, below, blocks, to);
	}
}

void schema_print(const struct schema *const *schemas, size_t n, FILE *to)
{
	struct blocks blocks = {.n = 0};

	for (size_t i = 0; i < n; i++)
		note(&blocks, schemas[i]);
	for (size_t i = 0; i < blocks.n; i++) {
		fprintf(to, "%s### %s\n\n", i ? "\n" : "", blocks.list[i]->name);
		fputs("| key | type | default | meaning |\n|---|---|---|---|\n", to);
		print_keys(blocks.list[i], "", &blocks, to);
	}
}
