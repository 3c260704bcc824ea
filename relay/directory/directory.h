/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who takes part: one entry for each operator, built from the records of a
 * JSON file or a folder of them. An immutable snapshot; a reload makes a new
 * one.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct directory;

/*
 * Read the file `path`, or all files *.json of the folder `path` in the order
 * of their names; a later record replaces an earlier one of the same operator
 * and section. 0, or -errno and *ret_error, which names file and line (caller
 * frees).
 */
int directory_load(const char *path, struct directory **ret, char **ret_error);
void directory_free(struct directory *directory);
size_t directory_size(const struct directory *directory); /* number of entries */

/* The entry as it is sent in _client and by _directory (borrowed), NULL if there is none. */
json_t *directory_entry(const struct directory *directory, const char *name);

/* Call `each` for every entry until it returns non-zero; returns that. */
int directory_each(const struct directory *directory,
		   int (*each)(const char *name, json_t *entry, void *arg), void *arg);

/* Settings of the operator's channel `type`, NULL if it has no such channel (borrowed). */
const json_t *directory_channel(const struct directory *directory, const char *name,
				const char *type);

/*
 * Whether the operator `name` lists this SHA-256 fingerprint (lower-case hex)
 * with key usage "encryption".
 */
bool directory_pins(const struct directory *directory, const char *name, const char *fingerprint);

/* Whether `caller` may call `method` at `callee`: see docs/settings.md, "Who may call what". */
bool directory_permits(const struct directory *directory, const char *caller, const char *callee,
		       const char *method);
