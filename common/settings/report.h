/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing into a settings_report: "file:line: key: what". */
#pragma once

#include "common/settings/lines.h"
#include "common/settings/settings.h"

#define SETTINGS_REPORT_MAX 100 /* lines of either kind; what comes after is counted, not kept */

/*
 * `key` is the dotted path, "" or NULL for the file as a whole. `report` may
 * be NULL: then nothing is kept. When memory runs out the line is lost;
 * settings_load() still fails.
 */
void settings_report_error(struct settings_report *report, struct settings_place place,
			   const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void settings_report_warning(struct settings_report *report, struct settings_place place,
			     const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
