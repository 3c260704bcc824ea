/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of settings share: files in a folder of their own, and looking into reports. */
#pragma once

#include "common/settings/schema.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define VARIABLE "SETTINGS_OF_THE_TEST"
#define UNUSED   __attribute__((unused))

static char folder[PATH_MAX];

UNUSED static int make_folder(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/settings.XXXXXX", base ? base : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

UNUSED static int remove_folder(void **state)
{
	(void)state;
	(void)unsetenv(VARIABLE);
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A file below the folder, with the folders on the way. */
UNUSED static void put_bytes(const char *name, const char *text, size_t length)
{
	char path[PATH_MAX + NAME_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

UNUSED static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

/* Load files and folders below the folder, colon-separated. */
UNUSED static int load(const char *names, const struct schema *schema, json_t **ret,
		       struct settings_report *report)
{
	char list[4 * PATH_MAX] = "", *copy = strdup(names), *rest = copy, *name;

	while ((name = strsep(&rest, ":")))
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s/%s",
			 *list ? ":" : "", folder, name);
	free(copy);
	setenv(VARIABLE, list, 1);
	return settings_load(VARIABLE, schema, ret, report);
}

UNUSED static bool is_listed(char **lines, size_t n, const char *part)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(lines[i], part))
			return true;
	for (size_t i = 0; i < n; i++)
		print_message("there is: %s\n", lines[i]);
	return false;
}

/* That an error line holds `part`. */
UNUSED static void has_error(const struct settings_report *report, const char *part)
{
	if (!is_listed(report->errors, report->n_errors, part))
		fail_msg("no error holds: %s", part);
}

UNUSED static void has_warning(const struct settings_report *report, const char *part)
{
	if (!is_listed(report->warnings, report->n_warnings, part))
		fail_msg("no warning holds: %s", part);
}

/* Check that loading fails with exactly one error, which holds `part`. */
UNUSED static void fails_with(const char *names, const struct schema *schema, const char *part)
{
	struct settings_report report;
	json_t *tree = NULL;

	assert_int_equal(load(names, schema, &tree, &report), -EINVAL);
	assert_null(tree);
	has_error(&report, part);
	assert_int_equal(report.n_errors, 1);
	settings_report_clear(&report);
}

/* Load, expect no complaint. The caller owns the tree. */
UNUSED static json_t *loads(const char *names, const struct schema *schema)
{
	struct settings_report report;
	json_t *tree = NULL;

	int r = load(names, schema, &tree, &report);
	for (size_t i = 0; i < report.n_errors; i++)
		print_message("error: %s\n", report.errors[i]);
	for (size_t i = 0; i < report.n_warnings; i++)
		print_message("warning: %s\n", report.warnings[i]);
	assert_int_equal(r, 0);
	assert_int_equal(report.n_errors + report.n_warnings, 0);
	settings_report_clear(&report);
	return tree;
}

/* Check that two trees are the same, the second given as JSON. */
UNUSED static void is_json(const json_t *tree, const char *text)
{
	json_t *want = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(want);
	if (!json_equal(tree, want)) {
		char *dump = json_dumps(tree, JSON_ENCODE_ANY);

		print_message("is %s\n", dump);
		free(dump);
		fail_msg("is not %s", text);
	}
	json_decref(want);
}
