// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/settings.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX 128

static const json_t *get_step(const json_t *node, const char *step)
{
	if (json_is_array(node)) {
		char *end;
		unsigned long index = strtoul(step, &end, 10);

		return end == step || *end ? NULL : json_array_get(node, index);
	}
	return json_object_get(node, step);
}

const json_t *settings_get(const json_t *tree, const char *path)
{
	char step[KEY_MAX];

	while (tree && *path) {
		size_t length = strcspn(path, ".");

		if (length >= sizeof(step))
			return NULL;
		memcpy(step, path, length);
		step[length] = '\0';
		tree = get_step(tree, step);
		path += length;
		path += *path == '.';
	}
	return json_is_null(tree) ? NULL : tree;
}

const char *settings_string(const json_t *tree, const char *path)
{
	return json_string_value(settings_get(tree, path));
}

long long settings_integer(const json_t *tree, const char *path)
{
	return json_integer_value(settings_get(tree, path));
}

int settings_bool(const json_t *tree, const char *path)
{
	return json_is_true(settings_get(tree, path));
}
