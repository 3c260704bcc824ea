// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/yaml.h"

#include "common/base/cleanup.h"
#include "common/settings/tree.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#define TAG_PREFIX "tag:yaml.org,2002:"

struct reader {
	yaml_parser_t parser;
	const char *file;
	struct lines *lines;
	struct settings_report *report;
	json_t *anchors; /* name → value, once it is complete */
};

static int parse_node(struct reader *reader, const yaml_event_t *event, unsigned depth,
		      json_t **ret);

static void cleanup_event(yaml_event_t *event)
{
	yaml_event_delete(event);
}
#define AUTO_EVENT CLEANUP(cleanup_event)

static struct settings_place at(const struct reader *reader, yaml_mark_t mark)
{
	return (struct settings_place){reader->file, (unsigned)mark.line + 1};
}

#define ERROR(place, ...) settings_report_error(reader->report, (place), NULL, __VA_ARGS__)

static int next_event(struct reader *reader, yaml_event_t *event)
{
	const yaml_parser_t *parser = &reader->parser;

	if (yaml_parser_parse(&reader->parser, event))
		return 0;
	memset(event, 0, sizeof(*event));
	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		ERROR(at(reader, parser->mark), "not readable as YAML: %s (byte %zu of the file)",
		      parser->problem, parser->problem_offset);
	else
		ERROR(at(reader, parser->problem_mark), "not valid YAML: %s%s%s",
		      parser->context ? parser->context : "", parser->context ? ": " : "",
		      parser->problem ? parser->problem : "unknown error");
	return -EINVAL;
}

/* Limits of the table of places come back as errors of the file. */
static int explain(const struct reader *reader, struct settings_place place, int r)
{
	if (r != -E2BIG)
		return r;
	ERROR(place,
	      "the settings grow too large: more than %d values, or a key of over 1000 "
	      "bytes; look for an anchor that is used too often",
	      SETTINGS_VALUES_MAX);
	return -EINVAL;
}

static int remember(struct reader *reader, const yaml_char_t *anchor, json_t *value)
{
	if (!anchor)
		return 0;
	return json_object_set(reader->anchors, (const char *)anchor, value) < 0 ? -ENOMEM : 0;
}

static int parse_scalar(struct reader *reader, const yaml_event_t *event, json_t **ret)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	size_t length = event->data.scalar.length;
	struct settings_place place = at(reader, event->start_mark);
	bool string = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	AUTO_JSON json_t *value = NULL;
	int r;

	if (strlen(text) != length) {
		ERROR(place, "a string must not contain a NUL character");
		return -EINVAL;
	}
	if (tag && (strcmp(tag, "!") == 0 || strcmp(tag, TAG_PREFIX "str") == 0)) {
		string = true;
	} else if (tag) {
		ERROR(place, "the tag %s is not supported; only !!str is", tag);
		return -EINVAL;
	}
	if (string) {
		value = json_stringn(text, length);
		r = value ? 0 : -ENOMEM;
	} else {
		r = settings_yaml_scalar(text, &value);
	}
	if (r == -ERANGE) {
		ERROR(place, "the number %.40s is too large; put it in quotes if it is text", text);
		return -EINVAL;
	}
	if (r == 0)
		r = remember(reader, event->data.scalar.anchor, value);
	if (r == 0)
		*ret = TAKE_PTR(value);
	return r;
}

static int parse_sequence(struct reader *reader, const yaml_event_t *start, unsigned depth,
			  json_t **ret)
{
	AUTO_JSON json_t *list = json_array();
	int r;

	if (!list)
		return -ENOMEM;
	for (;;) {
		AUTO_EVENT yaml_event_t event = {0};
		json_t *value;

		r = next_event(reader, &event);
		if (r < 0)
			return r;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		r = parse_node(reader, &event, depth, &value);
		if (r < 0)
			return r;
		struct settings_place place = at(reader, event.start_mark);
		r = explain(reader, place, settings_append(reader->lines, list, value, place));
		if (r < 0)
			return r;
	}
	r = remember(reader, start->data.sequence_start.anchor, list);
	if (r == 0)
		*ret = TAKE_PTR(list);
	return r;
}

static int check_new_key(struct reader *reader, const yaml_event_t *event, const json_t *map)
{
	const char *key = (const char *)event->data.scalar.value;
	struct settings_place place = at(reader, event->start_mark);

	if (event->type != YAML_SCALAR_EVENT) {
		ERROR(place, "a key must be a string");
		return -EINVAL;
	}
	if (strlen(key) != event->data.scalar.length) {
		ERROR(place, "a key must not contain a NUL character");
		return -EINVAL;
	}
	if (strcmp(key, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		ERROR(place, "merge keys (<<) are not part of YAML 1.2; use $include or $ref");
		return -EINVAL;
	}
	if (json_object_get(map, key)) {
		struct settings_place first = lines_get(reader->lines, map, key);

		ERROR(place, "the key \"%s\" is here for the second time; the first is on line %u",
		      key, first.line);
		return -EINVAL;
	}
	return 0;
}

static int parse_mapping(struct reader *reader, const yaml_event_t *start, unsigned depth,
			 json_t **ret)
{
	AUTO_JSON json_t *map = json_object();
	int r;

	if (!map)
		return -ENOMEM;
	for (;;) {
		AUTO_EVENT yaml_event_t key = {0}, event = {0};
		json_t *value;

		r = next_event(reader, &key);
		if (r < 0)
			return r;
		if (key.type == YAML_MAPPING_END_EVENT)
			break;
		r = check_new_key(reader, &key, map);
		if (r < 0)
			return r;
		r = next_event(reader, &event);
		if (r == 0)
			r = parse_node(reader, &event, depth, &value);
		if (r < 0)
			return r;
		struct settings_place place = at(reader, key.start_mark);
		r = explain(reader, place,
			    settings_put(reader->lines, map, (const char *)key.data.scalar.value,
					 value, place));
		if (r < 0)
			return r;
	}
	r = remember(reader, start->data.mapping_start.anchor, map);
	if (r == 0)
		*ret = TAKE_PTR(map);
	return r;
}

/* Each use of an anchor gets its own copy, so that merging into one leaves the others alone. */
static int parse_alias(struct reader *reader, const yaml_event_t *event, unsigned depth,
		       json_t **ret)
{
	const char *name = (const char *)event->data.alias.anchor;
	const json_t *value = json_object_get(reader->anchors, name);
	struct settings_place place = at(reader, event->start_mark);

	if (!value) {
		ERROR(place, "*%s: there is no complete anchor of this name above", name);
		return -EINVAL;
	}
	if (depth + settings_depth(value) > SETTINGS_DEPTH_MAX) {
		ERROR(place, "*%s: nested deeper than %d", name, SETTINGS_DEPTH_MAX);
		return -EINVAL;
	}
	return explain(reader, place, settings_copy(reader->lines, value, ret));
}

static int parse_node(struct reader *reader, const yaml_event_t *event, unsigned depth,
		      json_t **ret)
{
	if (depth >= SETTINGS_DEPTH_MAX) {
		ERROR(at(reader, event->start_mark), "nested deeper than %d", SETTINGS_DEPTH_MAX);
		return -EINVAL;
	}
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return parse_scalar(reader, event, ret);
	case YAML_SEQUENCE_START_EVENT:
		return parse_sequence(reader, event, depth + 1, ret);
	case YAML_MAPPING_START_EVENT:
		return parse_mapping(reader, event, depth + 1, ret);
	case YAML_ALIAS_EVENT:
		return parse_alias(reader, event, depth, ret);
	default:
		return -EINVAL;
	}
}

/* Up to the first event that is neither the start of the stream nor of a document. */
static int first_node(struct reader *reader, yaml_event_t *event)
{
	for (;;) {
		int r = next_event(reader, event);

		if (r < 0 || (event->type != YAML_STREAM_START_EVENT &&
			      event->type != YAML_DOCUMENT_START_EVENT))
			return r;
		yaml_event_delete(event);
	}
}

static int parse_stream(struct reader *reader, json_t **ret)
{
	AUTO_EVENT yaml_event_t event = {0};
	AUTO_JSON json_t *tree = NULL;

	int r = first_node(reader, &event);
	if (r < 0)
		return r;
	if (event.type == YAML_STREAM_END_EVENT) {
		*ret = json_object();
		return *ret ? 0 : -ENOMEM;
	}
	r = parse_node(reader, &event, 0, &tree);
	if (r < 0)
		return r;
	do {
		yaml_event_delete(&event);
		r = next_event(reader, &event);
		if (r < 0)
			return r;
		if (event.type == YAML_DOCUMENT_START_EVENT) {
			ERROR(at(reader, event.start_mark),
			      "a second document (---) begins here; a file holds one");
			return -EINVAL;
		}
	} while (event.type != YAML_STREAM_END_EVENT);
	*ret = json_is_null(tree) ? json_object() : TAKE_PTR(tree);
	return *ret ? 0 : -ENOMEM;
}

int settings_parse_yaml(const char *text, size_t length, const char *file, struct lines *lines,
			struct settings_report *report, json_t **ret)
{
	struct reader reader = {.file = file, .lines = lines, .report = report};

	reader.anchors = json_object();
	if (!reader.anchors)
		return -ENOMEM;
	if (!yaml_parser_initialize(&reader.parser)) {
		json_decref(reader.anchors);
		return -ENOMEM;
	}
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
	int r = parse_stream(&reader, ret);
	yaml_parser_delete(&reader.parser);
	json_decref(reader.anchors);
	return r;
}
