// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/base/version.h"
#include "user/check.h"
#include "user/options.h"
#include "user/proxy.h"

#include <signal.h>
#include <stdio.h>

static int run(const struct options *options)
{
	AUTO_JSON json_t *settings = NULL;

	if (check_load(&settings) < 0 ||
	    check_role(settings, options->role == ROLE_PUBLIC ? "public" : "private") < 0)
		return EXIT_SETTINGS;
	/* A peer that goes away is an error of write(), not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
	log_setup("proxy", options->level, options->format);
	if (options->profile)
		log_warn("--profile is not served: use perf(1)");
	return proxy_run(settings, options->role) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options;
	AUTO_FREE char *error = NULL;

	if (options_parse(argc, argv, &options, &error) < 0) {
		fprintf(stderr, "proxy: %s\n", error ? error : "out of memory");
		options_usage(stderr);
		return EXIT_SETTINGS;
	}
	switch (options.command) {
	case COMMAND_RUN:
		return run(&options);
	case COMMAND_CHECK:
		return check_command();
	case COMMAND_VERSION:
		puts(PASSAGE_VERSION);
		return EXIT_SUCCESS;
	case COMMAND_HELP:
		options_usage(stdout);
		return EXIT_SUCCESS;
	}
	return EXIT_FAILURE;
}
