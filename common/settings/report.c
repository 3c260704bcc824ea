// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/report.h"

#include "common/base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>

static void add(char ***list, size_t *n, char *line)
{
	if (*n > SETTINGS_REPORT_MAX) {
		free(line);
		return;
	}
	if (*n == SETTINGS_REPORT_MAX) {
		free(line);
		if (asprintf(&line, "and more of them; mend these first") < 0)
			return;
	}
	char **larger = realloc(*list, (*n + 1) * sizeof(*larger));
	if (!larger) {
		free(line);
		return;
	}
	*list = larger;
	larger[(*n)++] = line;
}

__attribute__((format(printf, 3, 0))) static char *
compose(struct settings_place place, const char *key, const char *format, va_list args)
{
	AUTO_FREE char *what = NULL, *where = NULL;
	char *line;
	int r;

	if (vasprintf(&what, format, args) < 0) {
		what = NULL;
		return NULL;
	}
	if (!place.file)
		r = asprintf(&where, "%s", "");
	else if (place.line == 0)
		r = asprintf(&where, "%s: ", place.file);
	else
		r = asprintf(&where, "%s:%u: ", place.file, place.line);
	if (r < 0) {
		where = NULL;
		return NULL;
	}
	r = asprintf(&line, "%s%s%s%s", where, key ? key : "", key && *key ? ": " : "", what);
	return r < 0 ? NULL : line;
}

void settings_report_error(struct settings_report *report, struct settings_place place,
			   const char *key, const char *format, ...)
{
	va_list args;

	if (!report)
		return;
	va_start(args, format);
	char *line = compose(place, key, format, args);
	va_end(args);
	if (line)
		add(&report->errors, &report->n_errors, line);
}

void settings_report_warning(struct settings_report *report, struct settings_place place,
			     const char *key, const char *format, ...)
{
	va_list args;

	if (!report)
		return;
	va_start(args, format);
	char *line = compose(place, key, format, args);
	va_end(args);
	if (line)
		add(&report->warnings, &report->n_warnings, line);
}

void settings_report_clear(struct settings_report *report)
{
	for (size_t i = 0; i < report->n_errors; i++)
		free(report->errors[i]);
	for (size_t i = 0; i < report->n_warnings; i++)
		free(report->warnings[i]);
	free(report->errors);
	free(report->warnings);
	*report = (struct settings_report){0};
}
