/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the directory share; everybody else uses relay/directory/directory.h. */
#pragma once

#include "common/base/table.h"
#include "relay/directory/directory.h"

#include <sys/queue.h>

struct directory_entry {
	struct table_link link;
	STAILQ_ENTRY(directory_entry) next;
	json_t *json; /* in the form in which it is sent */
	char name[];
};

struct directory {
	struct table by_name;
	STAILQ_HEAD(, directory_entry) entries; /* in the order of their first records */
	size_t n_entries;
};

struct directory *directory_new(void);
/* Takes `json`, also on failure: -ENOMEM. The name must be new. */
int directory_add(struct directory *directory, const char *name, json_t *json);

/*
 * Add the records of one file. `text` is its content, `file` its name for the
 * messages. 0, or -EBADMSG with *ret_error ("file:line: what"), or -ENOMEM.
 * Pure: reads no file.
 */
int directory_add_records(struct directory *directory, const char *file, const char *text,
			  size_t length, char **ret_error);

/*
 * Check what the section `section` holds, and bring it into the form in which
 * it is sent: fingerprints in lower case, absent settings null. 0, or -EBADMSG
 * with *ret_error (what is wrong and where in `data`), or -ENOMEM.
 */
int directory_check_section(const char *section, json_t *data, char **ret_error);
