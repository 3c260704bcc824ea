// SPDX-License-Identifier: BSD-2-Clause
#include "user/options.h"

#include "common/base/error.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: proxy [OPTION]... COMMAND\n"
	"\n"
	"Commands:\n"
	"  run public        take TLS connections and give them to private proxies\n"
	"  run private       fetch connections from public proxies for internal servers\n"
	"  check             check the settings; exit status 2 if they are wrong\n"
	"  version           print the version\n"
	"  help              print this text\n"
	"\n"
	"Options:\n"
	"  --level LEVEL     log from this level on: trace, debug, info (default), warn, error\n"
	"  --format FORMAT   of log lines: iris, or empty (default) for plain text\n"
	"  --profile NAME    accepted, not served: use perf(1)\n"
	"\n"
	"Settings come from the files and folders that PROXY_SETTINGS names, with colons\n"
	"between them.\n";

void options_usage(FILE *to)
{
	fputs(usage, to);
}

static int parse_format(const char *text, enum log_format *ret, char **ret_error)
{
	if (text[0] != '\0' && strcmp(text, "iris") != 0)
		return error_set(ret_error, -EINVAL,
				 "--format %s: there is only iris, or empty for plain text", text);
	*ret = text[0] ? LOG_FORMAT_IRIS : LOG_FORMAT_PLAIN;
	return 0;
}

enum { OPTION_LEVEL = 256, OPTION_FORMAT, OPTION_PROFILE, OPTION_HELP, OPTION_VERSION };

static const struct option long_options[] = {
	{"level", required_argument, NULL, OPTION_LEVEL},
	{"format", required_argument, NULL, OPTION_FORMAT},
	{"profile", required_argument, NULL, OPTION_PROFILE},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

/* The options; afterwards optind is at the first word of the command. */
static int parse_options(int argc, char **argv, struct options *options, bool *done,
			 char **ret_error)
{
	int r = 0;

	optind = 0; /* glibc: start afresh */
	opterr = 0;
	for (int c; r == 0 && (c = getopt_long(argc, argv, ":h", long_options, NULL)) != -1;)
		switch (c) {
		case OPTION_LEVEL:
			if (log_level_parse(optarg, &options->level) < 0)
				r = error_set(ret_error, -EINVAL,
					      "--level %s: use trace, debug, info, warn or error",
					      optarg);
			break;
		case OPTION_FORMAT:
			r = parse_format(optarg, &options->format, ret_error);
			break;
		case OPTION_PROFILE:
			options->profile = optarg;
			break;
		case OPTION_VERSION:
			options->command = COMMAND_VERSION;
			*done = true;
			break;
		case OPTION_HELP:
		case 'h':
			options->command = COMMAND_HELP;
			*done = true;
			break;
		case ':':
			r = error_set(ret_error, -EINVAL, "%s needs a value", argv[optind - 1]);
			break;
		default:
			r = error_set(ret_error, -EINVAL, "unknown option %s; see proxy help",
				      argv[optind - 1]);
		}
	return r;
}

static int parse_role(const char *text, enum proxy_role *ret, char **ret_error)
{
	if (text && strcmp(text, "public") == 0)
		*ret = ROLE_PUBLIC;
	else if (text && strcmp(text, "private") == 0)
		*ret = ROLE_PRIVATE;
	else
		return error_set(ret_error, -EINVAL,
				 "run what? proxy run public, or proxy run private");
	return 0;
}

static int parse_command(int n, char **words, struct options *options, char **ret_error)
{
	int used = 1, r = 0;

	if (n == 0)
		return error_set(ret_error, -EINVAL, "no command; see proxy help");
	if (strcmp(words[0], "run") == 0) {
		options->command = COMMAND_RUN;
		r = parse_role(n > 1 ? words[1] : NULL, &options->role, ret_error);
		used = 2;
	} else if (strcmp(words[0], "check") == 0) {
		options->command = COMMAND_CHECK;
	} else if (strcmp(words[0], "version") == 0) {
		options->command = COMMAND_VERSION;
	} else if (strcmp(words[0], "help") == 0) {
		options->command = COMMAND_HELP;
	} else {
		return error_set(ret_error, -EINVAL, "unknown command %s; see proxy help",
				 words[0]);
	}
	if (r == 0 && n > used)
		return error_set(ret_error, -EINVAL, "what is %s for? see proxy help", words[used]);
	return r;
}

int options_parse(int argc, char **argv, struct options *ret, char **ret_error)
{
	struct options options = {.level = LOG_INFO};
	bool done = false;

	int r = parse_options(argc, argv, &options, &done, ret_error);
	if (r == 0 && !done)
		r = parse_command(argc - optind, argv + optind, &options, ret_error);
	if (r < 0)
		return r;
	*ret = options;
	return 0;
}
