/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the directory share; everybody else uses relay/directory/directory.h. */
#pragma once

#include "relay/directory/directory.h"

struct directory {
	json_t *entries; /* operator → entry, in the form in which it is sent */
};

struct directory *directory_new(void);

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
