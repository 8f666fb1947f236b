/* tests/unit/lane/notice_test.c - one block: struct, channels, bytes; counted. That the last
 * reference frees, and no other, is seen by AddressSanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "belfry/limits.h"
#include "lane/notice.h"

static void check_create(uint32_t channels_count, size_t bytes_size)
{
	const struct notice_channel none = {.target = 0};
	uint8_t *bytes = NULL;
	struct notice *notice = notice_create(channels_count, bytes_size, &bytes);

	assert_non_null(notice);
	assert_int_equal(notice->refs, 1);
	assert_int_equal(notice->channels_count, channels_count);
	assert_true(slice_is_absent(notice->frame));
	assert_true(slice_is_absent(notice->head) && slice_is_absent(notice->tail));
	assert_int_equal(notice->event_id.ms, 0);
	for (uint32_t i = 0; i < channels_count; i++)
		assert_memory_equal(&notice->channels[i].name, &none.name, sizeof(none.name));
	assert_ptr_equal(bytes, &notice->channels[channels_count]);
	memset(bytes, 0xFF, bytes_size);
	assert_int_equal(notice->channels_count, channels_count);
	notice_unref(notice);
}

static void creates(void **state)
{
	(void)state;
	check_create(1, 0);
	check_create(1, 1);
	check_create(3, 1000);
	check_create(ENTRY_CHANNELS_MAX, 1 << 20);
}

static void counts_references(void **state)
{
	uint8_t *bytes;
	struct notice *notice = notice_create(1, 10, &bytes);

	(void)state;
	assert_non_null(notice);
	notice_ref(notice, 3);
	assert_int_equal(notice->refs, 4);
	notice_ref(notice, 0);
	assert_int_equal(notice->refs, 4);
	for (uint32_t left = 3; left > 0; left--) {
		notice_unref(notice);
		assert_int_equal(notice->refs, left);
	}
	bytes[9] = 1; /* still there */
	notice_unref(notice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creates),
		cmocka_unit_test(counts_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
