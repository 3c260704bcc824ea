/* SPDX-License-Identifier: BSD-2-Clause */
/* Variables in strings: "$NAME" keeps the value's type, "a/$NAME/b" takes it as text. Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#define SETTINGS_VARIABLE_MAX 64

/* A letter, then letters, digits and '_', at most SETTINGS_VARIABLE_MAX. */
bool settings_is_variable(const char *name);

/*
 * What `text` means with these values. "$$" is a dollar sign; a '$' before
 * anything but a letter stays. A value that begins with '/' does not double
 * a '/' before it, so that "/$DIR/x" and "$DIR/x" are the same: in the
 * originals $DIR lacks the leading slash. -ENOENT: no such variable,
 * -EINVAL: a map, list, null or boolean inside a string; both name it.
 */
int settings_expand(const char *text, const json_t *values, json_t **ret,
		    char ret_name[SETTINGS_VARIABLE_MAX + 1]);
