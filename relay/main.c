// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/base/descriptors.h"
#include "common/base/version.h"
#include "common/settings/settings.h"
#include "relay/options.h"
#include "relay/relay.h"
#include "relay/settings_schema.h"

#include <stdio.h>

#define EXIT_SETTINGS 2

static int load(const struct personality *personality, json_t **ret)
{
	struct settings_report report = {0};

	int r = settings_load(personality->variable, &relay_schema, ret, &report);
	for (size_t i = 0; i < report.n_warnings; i++)
		log_warn("%s", report.warnings[i]);
	for (size_t i = 0; i < report.n_errors; i++)
		fprintf(stderr, "%s\n", report.errors[i]);
	if (r < 0 && report.n_errors == 0)
		fprintf(stderr, "%s: cannot load the settings: no memory\n", personality->name);
	settings_report_clear(&report);
	return r;
}

/* `relay check`: also the directory, which `settings_load` does not look into. */
static int check(const json_t *settings)
{
	struct directory *directory;
	AUTO_FREE char *why = NULL;
	const char *name = settings_string(settings, "name");

	if (directory_load(settings_string(settings, "directory.settings.path"), &directory, &why) <
	    0) {
		fprintf(stderr, "%s\n", why ? why : "no memory");
		return EXIT_SETTINGS;
	}
	bool known = directory_entry(directory, name);
	if (known)
		printf("settings are good; the directory knows %zu operators\n",
		       directory_size(directory));
	else
		fprintf(stderr, "directory: there is no record of '%s', the own operator\n", name);
	directory_free(directory);
	return known ? EXIT_SUCCESS : EXIT_SETTINGS;
}

int main(int argc, char **argv)
{
	const struct personality *personality = options_personality(argv[0]);
	AUTO_JSON json_t *settings = NULL;
	struct options options;

	if (options_parse(personality, argc, argv, &options) < 0)
		return EXIT_SETTINGS;
	if (options.command == COMMAND_HELP) {
		options_print_help(personality);
		return EXIT_SUCCESS;
	}
	if (options.command == COMMAND_VERSION) {
		puts(PASSAGE_VERSION);
		return EXIT_SUCCESS;
	}
	log_setup(personality->name, options.level, options.format);
	if (options.profile)
		log_warn("--profile is not served: use perf(1)");
	if (load(personality, &settings) < 0)
		return EXIT_SETTINGS;
	if (options.command == COMMAND_CHECK)
		return check(settings);
	descriptors_raise();
	return relay_run(settings, personality->dialect) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
