/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * YAML and JSON text into a tree. Pure: text in, tree out. YAML as in the
 * core schema of YAML 1.2 (section 10.3): only null, true, false and numbers
 * are more than strings; what is quoted is a string; keys are strings.
 */
#pragma once

#include "common/settings/report.h"

/*
 * `file` names the text in messages and places (interned with lines_file()).
 * An empty document is an empty map. 0, -EINVAL with an error in the report
 * (which may be NULL), -ENOMEM.
 */
int settings_parse_yaml(const char *text, size_t length, const char *file, struct lines *lines,
			struct settings_report *report, json_t **ret);
int settings_parse_json(const char *text, size_t length, const char *file, struct lines *lines,
			struct settings_report *report, json_t **ret);

/* What a plain YAML scalar means. -ERANGE: a number that cannot be held. */
int settings_yaml_scalar(const char *text, json_t **ret);
