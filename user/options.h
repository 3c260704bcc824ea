/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of `proxy`. Pure. */
#pragma once

#include "common/base/log.h"
#include "user/store/role.h"

#include <stdio.h>

enum command {
	COMMAND_RUN,
	COMMAND_CHECK,
	COMMAND_VERSION,
	COMMAND_HELP,
};

struct options {
	enum command command;
	enum proxy_role role; /* of COMMAND_RUN */
	enum log_level level;
	enum log_format format;
	const char *profile; /* accepted as the originals do, but it has no effect; may be NULL */
};

/* 0, or -EINVAL and *ret_error says what is wrong in one line (caller frees). */
int options_parse(int argc, char **argv, struct options *ret, char **ret_error);
void options_usage(FILE *to);
