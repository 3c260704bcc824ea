// SPDX-License-Identifier: BSD-2-Clause
#include "user/check.h"

#include "common/base/cleanup.h"
#include "common/settings/settings.h"
#include "user/settings_schema.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE "PROXY_SETTINGS"

static bool has_role(const json_t *settings)
{
	return settings_get(settings, "public") || settings_get(settings, "private");
}

int check_load(json_t **ret)
{
	AUTO_JSON json_t *settings = NULL;
	struct settings_report report = {0};

	int r = settings_load(VARIABLE, &proxy_schema, &settings, &report);
	for (size_t i = 0; i < report.n_warnings; i++)
		fprintf(stderr, "warning: %s\n", report.warnings[i]);
	for (size_t i = 0; i < report.n_errors; i++)
		fprintf(stderr, "error: %s\n", report.errors[i]);
	if (r < 0 && report.n_errors == 0)
		fprintf(stderr, "error: settings cannot be loaded: %s\n", strerror(-r));
	settings_report_clear(&report);
	if (r < 0)
		return r;
	if (!has_role(settings)) {
		fprintf(stderr,
			"error: the settings have neither a section \"public\" nor \"private\"; "
			"does " VARIABLE " (\"%s\") name the right files?\n",
			getenv(VARIABLE) ? getenv(VARIABLE) : "");
		return -EINVAL;
	}
	*ret = TAKE_PTR(settings);
	return 0;
}

int check_role(const json_t *settings, const char *role)
{
	if (settings_get(settings, role))
		return 0;
	fprintf(stderr,
		"error: the settings have no section \"%s\", only one for the other role; "
		"does " VARIABLE " (\"%s\") name the right files?\n",
		role, getenv(VARIABLE) ? getenv(VARIABLE) : "");
	return -EINVAL;
}

int check_command(void)
{
	AUTO_JSON json_t *settings = NULL;

	if (check_load(&settings) < 0)
		return EXIT_SETTINGS;
	puts("settings are fine");
	return EXIT_SUCCESS;
}
