/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of relay, hyper and eps. */
#pragma once

#include "common/base/log.h"
#include "relay/bus/broker.h"

enum command {
	COMMAND_RUN,
	COMMAND_CHECK,
	COMMAND_VERSION,
	COMMAND_HELP,
};

/* What a program is by the name under which it was started. */
struct personality {
	const char *name;
	const char *variable; /* of the environment: where the settings are */
	enum dialect dialect;
};

struct options {
	enum command command;
	enum log_level level;
	enum log_format format;
	const char *profile; /* NULL if not asked for */
};

/* By the last part of argv[0]: hyper and eps; anything else is the relay. */
const struct personality *options_personality(const char *argv0);

/* 0, or -EINVAL after a line on standard error. */
int options_parse(const struct personality *personality, int argc, char **argv,
		  struct options *ret);

void options_print_help(const struct personality *personality);
