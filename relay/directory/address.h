/* SPDX-License-Identifier: BSD-2-Clause */
/* How a message is addressed: "operator.method(id)". Pure, no I/O. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#define ADDRESS_OPERATOR_MAX 255
#define ADDRESS_METHOD_MAX   100  /* bare method */
#define ADDRESS_ID_MAX       2100 /* inner id: 1024 bytes, whose n's may have been doubled */

struct address {
	char operator[ADDRESS_OPERATOR_MAX + 1];
	char method[ADDRESS_METHOD_MAX + 1];
	char id[ADDRESS_ID_MAX + 1]; /* inner id; empty when only a method was parsed */
};

/* Letters, digits, '.', '-' and '_'; neither first nor last byte a dot. */
bool address_operator_valid(const char *operator);

/* "operator.method", split at the last dot. -EINVAL if it is none. */
int address_parse_method(const char *text, struct address *ret);

/* "operator.method(id)". -EINVAL if it is none. */
int address_parse_id(const char *text, struct address *ret);

/* "operator.method(inner_id)" from a full method; the caller frees. NULL: no memory. */
char *address_format(const char *method, const char *inner_id);

/*
 * A JSON-RPC id (string or integer) as the inner id of an address: integers
 * are "n:5", and a string that already looks so gets its n's doubled. The
 * caller frees. NULL: no memory. There is no way back: who answers the caller
 * still has the id as it came.
 */
char *address_inner_id(const json_t *id);
