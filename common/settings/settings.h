/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings from YAML and JSON files, checked against a schema. What comes out
 * is a plain json_t tree in which every default is filled in, every duration
 * is an integer in milliseconds and every size an integer in bytes, so that
 * its readers need no fall-backs of their own.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct schema; /* common/settings/schema.h */

/* What is wrong with the settings: one line each, "file:line: key: what, and what to do". */
struct settings_report {
	char **errors;
	size_t n_errors;
	char **warnings; /* sections that are known but not served */
	size_t n_warnings;
};

/*
 * Load the files and folders named by the environment variable `variable`
 * (colon-separated), merge, resolve, check against `schema`.
 * 0 and *ret (caller decrefs), or -EINVAL with at least one error in the
 * report, or -ENOMEM. *ret is untouched on failure. The report is filled in
 * both cases and freed with settings_report_clear().
 */
int settings_load(const char *variable, const struct schema *schema, json_t **ret,
		  struct settings_report *report);

void settings_report_clear(struct settings_report *report);

/* Readers for a checked tree. A dotted path, "limits.half_open"; a number picks from a list. */
const json_t *settings_get(const json_t *tree, const char *path);  /* NULL if absent or null */
const char *settings_string(const json_t *tree, const char *path); /* NULL if absent */
long long settings_integer(const json_t *tree, const char *path);  /* 0 if absent */
int settings_bool(const json_t *tree, const char *path);           /* 0 if absent */
