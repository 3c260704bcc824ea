// SPDX-License-Identifier: BSD-2-Clause
#include "common/settings/schema.h"

#include <ctype.h>
#include <string.h>

#define NAME_MAX_COMPARED 48

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Optimal string alignment distance: insertions, deletions, replacements and
 * swapped neighbours, each costing one; case and '-' against '_' cost nothing.
 */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned rows[3][NAME_MAX_COMPARED + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];
	char x[NAME_MAX_COMPARED], y[NAME_MAX_COMPARED];

	for (size_t i = 0; i < n; i++)
		x[i] = a[i] == '-' ? '_' : (char)tolower((unsigned char)a[i]);
	for (size_t j = 0; j < m; j++)
		y[j] = b[j] == '-' ? '_' : (char)tolower((unsigned char)b[j]);
	for (size_t j = 0; j <= m; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = smaller(smaller(last[j], now[j - 1]) + 1,
					 last[j - 1] + (x[i - 1] != y[j - 1]));
			if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
				now[j] = smaller(now[j], before[j - 2] + 1);
		}
		unsigned *spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[m];
}

const char *schema_nearest(const char *text, const char *const *names, size_t n)
{
	size_t length = strlen(text);
	const char *nearest = NULL;
	unsigned least = 0;

	if (length == 0 || length > NAME_MAX_COMPARED)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t other = strlen(names[i]);

		if (other > NAME_MAX_COMPARED)
			continue;
		unsigned d = distance(text, length, names[i], other);
		/* A third of the letters may differ; in short words one. */
		unsigned allowed = (unsigned)(length > other ? length : other) / 3;
		if (d <= (allowed ? allowed : 1) && (!nearest || d < least)) {
			nearest = names[i];
			least = d;
		}
	}
	return nearest;
}
