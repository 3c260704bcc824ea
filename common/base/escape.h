/* SPDX-License-Identifier: BSD-2-Clause */
/* What a stranger wrote, made fit for a line of the log. Pure. */
#pragma once

#include <stddef.h>

/*
 * Writes `length` bytes as text without surprises into `ret` of `size` bytes
 * (at least 8): what is neither a letter, a digit nor plain punctuation of
 * ASCII becomes \xNN, and so do spaces, quotes and the backslash, so that the
 * text stays one field, and shows what was there. What does not fit is cut,
 * and then the text ends in "...".
 */
void escape(const void *bytes, size_t length, char *ret, size_t size);
