// SPDX-License-Identifier: BSD-2-Clause
#include "relay/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct personality personalities[] = {
	{"relay", "RELAY_SETTINGS", DIALECT_HYPER},
	{"hyper", "HYPER_SETTINGS", DIALECT_HYPER},
	{"eps", "EPS_SETTINGS", DIALECT_EPS},
};

static const struct option long_options[] = {
	{"level", required_argument, NULL, 'l'},   {"format", required_argument, NULL, 'f'},
	{"profile", required_argument, NULL, 'p'}, {"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},       {NULL, 0, NULL, 0},
};

const struct personality *options_personality(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
	const char *name = slash ? slash + 1 : argv0;

	for (size_t i = 0; i < sizeof(personalities) / sizeof(personalities[0]); i++)
		if (name && strcmp(name, personalities[i].name) == 0)
			return &personalities[i];
	return &personalities[0];
}

void options_print_help(const struct personality *personality)
{
	printf("%s: the control network of Passage, one process for each operator\n"
	       "\n"
	       "usage: %s [options] command\n"
	       "\n"
	       "commands\n"
	       "  server run         run in the foreground (also: s run); SIGHUP reads the\n"
	       "                     directory again, SIGTERM stops\n"
	       "  check              check settings and directory, without starting\n"
	       "  version            print the version\n"
	       "  help               this text\n"
	       "\n"
	       "options, before the command\n"
	       "  --level LEVEL      trace, debug, info (default), warn or error\n"
	       "  --format FORMAT    of the log: iris, or empty\n"
	       "  --profile NAME     accepted, not served: use perf(1)\n"
	       "\n"
	       "Settings are the files and folders that %s names, separated by colons.\n"
	       "Exit status: 0 after a stop, 1 after an error at run time, 2 for wrong settings\n"
	       "or arguments.\n",
	       personality->name, personality->name, personality->variable);
}

static int usage(const struct personality *personality, const char *what, const char *word)
{
	fprintf(stderr, "%s: %s%s%s; see %s help\n", personality->name, what, word ? " " : "",
		word ? word : "", personality->name);
	return -EINVAL;
}

static int parse_format(const char *text, enum log_format *ret)
{
	if (strcmp(text, "iris") == 0)
		*ret = LOG_FORMAT_IRIS;
	else if (strcmp(text, "") == 0 || strcmp(text, "plain") == 0)
		*ret = LOG_FORMAT_PLAIN;
	else
		return -EINVAL;
	return 0;
}

static int parse_command(const struct personality *personality, int argc, char **argv,
			 enum command *ret)
{
	static const struct {
		const char *words[2];
		enum command command;
	} commands[] = {
		{{"server", "run"}, COMMAND_RUN}, {{"s", "run"}, COMMAND_RUN},
		{{"check", NULL}, COMMAND_CHECK}, {{"version", NULL}, COMMAND_VERSION},
		{{"help", NULL}, COMMAND_HELP},
	};

	if (argc == 0)
		return usage(personality, "a command is missing", NULL);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const char *const *words = commands[i].words;
		int n = words[1] ? 2 : 1;
		if (strcmp(argv[0], words[0]) != 0)
			continue;
		if (argc < n || (n == 2 && strcmp(argv[1], words[1]) != 0))
			return usage(personality, "after \"server\" comes \"run\"", NULL);
		if (argc > n)
			return usage(personality, "unexpected argument", argv[n]);
		*ret = commands[i].command;
		return 0;
	}
	return usage(personality, "unknown command", argv[0]);
}

int options_parse(const struct personality *personality, int argc, char **argv, struct options *ret)
{
	struct options options = {.command = COMMAND_RUN, .level = LOG_INFO};
	int option;

	/* The command is where the options end. */
	while ((option = getopt_long(argc, argv, "+h", long_options, NULL)) != -1) {
		switch (option) {
		case 'l':
			if (log_level_parse(optarg, &options.level) < 0)
				return usage(personality, "--level: unknown level", optarg);
			break;
		case 'f':
			if (parse_format(optarg, &options.format) < 0)
				return usage(personality, "--format: unknown format", optarg);
			break;
		case 'p':
			options.profile = optarg;
			break;
		case 'h':
			options.command = COMMAND_HELP;
			*ret = options;
			return 0;
		case 'v':
			options.command = COMMAND_VERSION;
			*ret = options;
			return 0;
		default:
			return usage(personality, "unknown option", NULL);
		}
	}
	int r = parse_command(personality, argc - optind, argv + optind, &options.command);
	if (r < 0)
		return r;
	*ret = options;
	return 0;
}
