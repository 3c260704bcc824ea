// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/settings/tree.h"
#include "common/settings/yaml.h"

#include <errno.h>

/*
 * jansson decides what is JSON, but does not tell where a value stands. JSON
 * is all but a subset of YAML, so the YAML reader's places serve, where it
 * can read the text; else a value's place is the file alone.
 */
static int find_places(const char *text, size_t length, const char *file, struct lines *lines,
		       json_t *tree)
{
	AUTO_JSON json_t *same = NULL;

	int r = settings_parse_yaml(text, length, file, lines, NULL, &same);
	if (r == 0)
		return lines_copy(lines, tree, same);
	if (r == -EINVAL)
		return lines_spread(lines, tree, (struct settings_place){file, 0});
	return r;
}

int settings_parse_json(const char *text, size_t length, const char *file, struct lines *lines,
			struct settings_report *report, json_t **ret)
{
	struct settings_place place = {file, 0};
	json_error_t error;

	AUTO_JSON json_t *tree = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!tree) {
		place.line = error.line > 0 ? (unsigned)error.line : 0;
		settings_report_error(report, place, NULL, "not valid JSON: %s", error.text);
		return -EINVAL;
	}
	if (settings_depth(tree) > SETTINGS_DEPTH_MAX) {
		settings_report_error(report, place, NULL, "nested deeper than %d",
				      SETTINGS_DEPTH_MAX);
		return -EINVAL;
	}
	int r = find_places(text, length, file, lines, tree);
	if (r == -E2BIG) {
		settings_report_error(report, place, NULL,
				      "the settings grow too large: more than %d values",
				      SETTINGS_VALUES_MAX);
		return -EINVAL;
	}
	if (r == 0)
		*ret = TAKE_PTR(tree);
	return r;
}
