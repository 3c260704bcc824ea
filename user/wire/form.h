/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the parameters of a call field by field and collects what is wrong
 * with them; the error that comes out is shaped as the originals shape it.
 */
#pragma once

#include "common/base/domain.h"
#include "common/jsonrpc/jsonrpc.h"

#include <stdbool.h>

/* The originals refuse longer ones too. */
#define EXPIRY_MAX_MS (7LL * 24 * 3600 * 1000)

struct form {
	json_t *errors; /* field: what is wrong */
	char prefix[32];
};

#define FORM_INIT \
	{         \
		0 \
	}

void form_clear(struct form *form);
bool form_ok(const struct form *form);
/* Later fields belong to item `index` of the list `list`; NULL: to the parameters themselves. */
void form_item(struct form *form, const char *list, size_t index);
void form_fail(struct form *form, const char *field, const char *what);

/* -32602 "invalid params", with what was found as data. */
void form_error(const struct form *form, struct jsonrpc_error *error);

/* Each leaves a default in *ret when the field is wrong, and notes that. */
const char *form_string(struct form *form, const json_t *params, const char *field, size_t max);
void form_domain(struct form *form, const json_t *params, bool wildcard, char ret[DOMAIN_MAX + 1]);
/* Absent and null mean 0: never. At most EXPIRY_MAX_MS after `now`; may have passed already. */
void form_expires_at(struct form *form, const json_t *params, int64_t now, int64_t *ret);
