/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of `proxy`, with whatever is wrong with them told on standard error. */
#pragma once

#include <jansson.h>

#define EXIT_SETTINGS 2

/* Load PROXY_SETTINGS. 0 and *ret (caller decrefs), or -errno after everything has been said. */
int check_load(json_t **ret);

/* -EINVAL, said on standard error: they have no section for this role, "public" or "private". */
int check_role(const json_t *settings, const char *role);

/* `proxy check`: the exit status. */
int check_command(void);
