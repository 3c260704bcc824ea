// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/settings/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

int settings_prompt(const char *name, int sensitive, char **ret)
{
	struct termios before, silent;
	AUTO_FREE char *line = NULL;
	size_t size = 0;

	if (!isatty(STDIN_FILENO))
		return -ENOTTY;
	fprintf(stderr, "%s: ", name);
	fflush(stderr);
	if (sensitive) {
		if (tcgetattr(STDIN_FILENO, &before) < 0)
			return -errno;
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) < 0)
			return -errno;
	}
	ssize_t length = getline(&line, &size, stdin);
	if (sensitive) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	if (length < 0)
		return -ENODATA;
	line[strcspn(line, "\r\n")] = '\0';
	*ret = TAKE_PTR(line);
	return 0;
}
