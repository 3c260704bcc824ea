// SPDX-License-Identifier: BSD-2-Clause
/*
 * The BPF object that is part of the program: no debugging information of the
 * compiler in it, which would be twelve times its size, but the BTF that libbpf
 * relocates by, and that bpftool shows maps by.
 */
#include "forward.skel.h"

#include <bpf/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SIZE_MOST (100 * 1024)

static void test_size(void **state)
{
	size_t size = 0;

	(void)state;
	assert_non_null(forward__elf_bytes(&size));
	assert_in_range(size, 1, SIZE_MOST);
}

static void test_types(void **state)
{
	struct forward *skeleton = forward__open();

	(void)state;
	assert_non_null(skeleton);
	const struct btf *btf = bpf_object__btf(skeleton->obj);
	assert_non_null(btf);
	assert_true(btf__find_by_name_kind(btf, "flow", BTF_KIND_STRUCT) > 0);
	forward__destroy(skeleton);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
