/* tests/unit/log/told.h - a log whose entries have numbers, and what is told when it is opened.
 *
 * Layer   tests
 * Threads one
 * Memory  static
 * Errors  cmocka's
 */
#ifndef BELFRY_TESTS_UNIT_LOG_TOLD_H
#define BELFRY_TESTS_UNIT_LOG_TOLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "log/embedded_log.h"
#include "scratch.h"

#define TOLD_MAX 64
#define NOW 1769337000000u

/* What a listener was told since the last open. */
static struct event_id told[TOLD_MAX];
static unsigned told_numbers[TOLD_MAX]; /* each entry of these tests has a number */
static uint32_t told_count;
static char told_marks[512]; /* "key=value " in order */

static char reason[512];
static struct embedded_log opened;

static inline void on_entry(void *owner, struct event_id id, const struct entry_field *fields,
			    uint32_t fields_count)
{
	uint64_t number;

	assert_ptr_equal(owner, told);
	assert_int_equal(fields_count, 3);
	assert_true(slice_equal_text(fields[0].name, "to"));
	assert_true(slice_equal_text(fields[0].value, "user:alice"));
	assert_true(slice_equal_text(fields[1].name, "data"));
	assert_true(slice_to_u64(fields[1].value, &number));
	assert_true(slice_equal_text(fields[2].name, "filling"));
	assert_true(told_count < TOLD_MAX);
	told_numbers[told_count] = (unsigned)number;
	told[told_count++] = id;
}

static inline void on_mark(void *owner, struct slice key, struct slice value)
{
	size_t size = strlen(told_marks);

	assert_ptr_equal(owner, told);
	snprintf(told_marks + size, sizeof(told_marks) - size, "%.*s=%.*s ", (int)key.size,
		 (const char *)key.bytes, (int)value.size, (const char *)value.bytes);
}

static inline struct embedded_log_options options_of(uint64_t now_ms, size_t segment_size)
{
	return (struct embedded_log_options){
		.path = scratch_log,
		.now_ms = now_ms,
		.segment_size = segment_size,
		.listener = {on_entry, on_mark, told},
	};
}

static inline enum status try_open(struct embedded_log *log, uint64_t now_ms, size_t segment_size)
{
	struct embedded_log_options options = options_of(now_ms, segment_size);

	told_count = 0;
	told_marks[0] = '\0';
	return embedded_log_open(log, &options, reason, sizeof(reason));
}

static inline void open_with(uint64_t now_ms, size_t segment_size)
{
	enum status status = try_open(&opened, now_ms, segment_size);

	if (status != STATUS_OK)
		print_message("%s\n", reason);
	assert_int_equal(status, STATUS_OK);
}

static inline void reopen(void)
{
	embedded_log_close(&opened);
	open_with(NOW, 0);
}

static inline enum status try_append(unsigned number, size_t filling, struct event_id *ret_id)
{
	static const uint8_t zeros[1 << 16];
	char text[12];
	size_t text_size = (size_t)snprintf(text, sizeof(text), "%u", number);
	struct entry_field fields[] = {
		{SLICE("to"), SLICE("user:alice")},
		{SLICE("data"), slice_of(text, text_size)},
		{SLICE("filling"), slice_of(zeros, filling)},
	};

	return embedded_log_append(&opened, NOW, fields, ARRAY_SIZE(fields), ret_id);
}

static inline struct event_id append(unsigned number)
{
	struct event_id id;

	assert_int_equal(try_append(number, number % 7, &id), STATUS_OK);
	return id;
}

static inline void mark(const char *key, const char *value)
{
	assert_int_equal(embedded_log_mark(&opened, slice_of_text(key), slice_of_text(value)),
			 STATUS_OK);
}

/* The entries first .. first+count-1 were told. */
static inline void check_told(unsigned first, uint32_t count)
{
	assert_int_equal(told_count, count);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(told_numbers[i], first + i);
		if (i > 0)
			assert_true(event_id_is_after(told[i], told[i - 1]));
	}
	if (count > 0)
		assert_true(event_id_equal(opened.last, told[count - 1]));
}

static inline int make(void **state)
{
	(void)state;
	scratch_make();
	return 0;
}

static inline int clear(void **state)
{
	(void)state;
	embedded_log_close(&opened);
	scratch_remove();
	return 0;
}

#endif
