// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/settings.h"

#include "common/base/cleanup.h"
#include "common/settings/file.h"
#include "common/settings/schema.h"
#include "common/settings/tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* One loading: the tree as far as it is merged, and where it comes from. */
struct loading {
	struct loader loader;
	struct settings_place from; /* the environment variable, for want of a better place */
	json_t *tree;
	const char *first; /* the first file */
};

static int add_file(struct loading *loading, const char *path)
{
	struct loader *loader = &loading->loader;
	AUTO_JSON json_t *tree = NULL;

	int r = settings_file_load(loader, path, loading->from, &tree);
	if (r < 0)
		return r;
	struct settings_place place = {lines_file(loader->lines, path), 0};
	if (!place.file)
		return -ENOMEM;
	if (!loading->first)
		loading->first = place.file;
	if (!json_is_object(tree)) {
		settings_report_error(loader->report, place, NULL,
				      "must hold a map of keys and values");
		return -EINVAL;
	}
	return settings_explain(loader, place,
				settings_merge(loader->lines, MERGE_FILES, loading->tree, tree));
}

static int ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), n = strlen(end);

	return length > n && strcmp(text + length - n, end) == 0;
}

static int is_settings_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       (ends_with(entry->d_name, ".yml") || ends_with(entry->d_name, ".json") ||
		ends_with(entry->d_name, ".yaml"));
}

/* By bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_entry(struct loading *loading, const char *folder, const char *name)
{
	AUTO_FREE char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	if (ends_with(name, ".yaml")) {
		settings_report_warning(loading->loader.report, (struct settings_place){0}, path,
					"is not read; in a folder only *.yml and *.json are");
		return 0;
	}
	return add_file(loading, path);
}

static int add_folder(struct loading *loading, const char *path)
{
	struct dirent **names;
	int r = 0;

	int n = scandir(path, &names, is_settings_file, by_name);
	if (n < 0) {
		settings_report_error(loading->loader.report, loading->from, NULL, "%s: %s", path,
				      strerror(errno));
		return -EINVAL;
	}
	for (int i = 0; i < n; i++) {
		/* The other files' errors are worth knowing, too. */
		int one = r == -ENOMEM ? r : add_entry(loading, path, names[i]->d_name);

		r = one < 0 ? one : r;
		free(names[i]);
	}
	free(names);
	return r;
}

static int add_path(struct loading *loading, const char *text)
{
	AUTO_FREE char *path = NULL, *cwd = NULL;
	struct stat st;

	if (text[0] == '/') {
		path = strdup(text);
	} else {
		cwd = getcwd(NULL, 0);
		if (cwd && asprintf(&path, "%s/%s", cwd, text) < 0)
			path = NULL;
	}
	if (!path)
		return cwd || text[0] == '/' ? -ENOMEM : -errno;
	for (size_t length = strlen(path); length > 1 && path[length - 1] == '/';)
		path[--length] = '\0';
	if (stat(path, &st) < 0) {
		settings_report_error(loading->loader.report, loading->from, NULL, "%s: %s", path,
				      strerror(errno));
		return -EINVAL;
	}
	return S_ISDIR(st.st_mode) ? add_folder(loading, path) : add_file(loading, path);
}

static int add_all(struct loading *loading, const char *list)
{
	AUTO_FREE char *copy = strdup(list);
	char *rest = copy, *path;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	while (r != -ENOMEM && (path = strsep(&rest, ":"))) {
		int one = *path ? add_path(loading, path) : 0;

		r = one < 0 ? one : r;
	}
	return r;
}

static int load(struct loading *loading, const char *variable, const struct schema *schema,
		json_t **ret)
{
	const char *list = getenv(variable);

	loading->from.file = lines_file(loading->loader.lines, variable);
	if (!loading->from.file)
		return -ENOMEM;
	int r = add_all(loading, list ? list : "");
	if (r < 0)
		return r;
	struct settings_place origin = {loading->first, 0};
	if (!origin.file)
		origin = loading->from;
	return schema_check(schema, loading->tree, loading->loader.lines, origin,
			    loading->loader.report, ret);
}

int settings_load(const char *variable, const struct schema *schema, json_t **ret,
		  struct settings_report *report)
{
	AUTO_JSON json_t *tree = json_object();
	struct loading loading = {.tree = tree};

	*report = (struct settings_report){0};
	loading.loader.report = report;
	loading.loader.lines = lines_new();
	int r = tree && loading.loader.lines ? load(&loading, variable, schema, ret) : -ENOMEM;
	lines_free(loading.loader.lines);
	/* Without a line in the report nobody would know why. */
	return r < 0 && (r != -EINVAL || report->n_errors == 0) ? -ENOMEM : r;
}
