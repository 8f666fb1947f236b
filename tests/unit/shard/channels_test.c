/* tests/unit/shard/channels_test.c - holding, finding, joining, leaving, and closing the holes
 * in the middle of a sweep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "belfry/limits.h"
#include "shard/channels.h"

static struct channels channels;

static int setup(void **state)
{
	(void)state;
	return channels_init(&channels, (struct hash_key){1, 2}) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	channels_deinit(&channels);
	return 0;
}

static uint32_t hold(const char *name, bool expected_new)
{
	bool is_new = !expected_new;
	uint32_t index = channels_hold(&channels, slice_of_text(name), ENCODING_WS, &is_new);

	assert_int_not_equal(index, CHANNEL_NONE);
	assert_int_equal(is_new, expected_new);
	return index;
}

static void check_found(const char *name, uint32_t expected)
{
	struct slice text = slice_of_text(name);
	struct channel_key key = {text, hash_bytes(channels.key, text), ENCODING_WS};

	assert_int_equal(channels_find(&channels, &key), expected);
}

static void release(uint32_t index, bool is_last)
{
	assert_int_equal(channels_release(&channels, index), is_last);
	if (is_last)
		channels_remove(&channels, index);
}

static void holds_and_releases(void **state)
{
	uint32_t a, b;

	(void)state;
	check_found("a", CHANNEL_NONE);
	a = hold("a", true);
	b = hold("b", true);
	assert_int_equal(a, 0); /* the first one of all: the shard relies on it for `all` */
	assert_int_not_equal(a, b);
	assert_int_equal(hold("a", false), a);
	check_found("a", a);
	check_found("b", b);
	check_found("c", CHANNEL_NONE);
	assert_true(slice_equal_text(channel_name(channels_at(&channels, a)), "a"));
	release(a, false);
	check_found("a", a);
	release(a, true);
	check_found("a", CHANNEL_NONE);
	check_found("b", b);
	assert_int_equal(channels.count, 1);
	assert_int_equal(hold("c", true), a); /* the record is used again */
	check_found("c", a);
}

/* The right hash alone is not enough. */
static void finds_by_name_and_hash(void **state)
{
	uint32_t a;

	(void)state;
	a = hold("a", true);
	uint64_t hash = channels_at(&channels, a)->hash;

	struct channel_key key = {SLICE("a"), hash, ENCODING_WS};

	assert_int_equal(channels_find(&channels, &key), a);
	key.name = SLICE("b");
	assert_int_equal(channels_find(&channels, &key), CHANNEL_NONE);
	key = (struct channel_key){SLICE("a"), ~hash, ENCODING_WS};
	assert_int_equal(channels_find(&channels, &key), CHANNEL_NONE);
}

/* A name is a channel of its own in each encoding, and new only in the first. */
static void keeps_encodings_apart(void **state)
{
	uint32_t plain = hold("a", true);
	uint32_t events;
	uint64_t hash = channels_at(&channels, plain)->hash;
	struct channel_key key = {SLICE("a"), hash, ENCODING_SSE};
	bool is_new = true;

	(void)state;
	assert_int_equal(channels_find(&channels, &key), CHANNEL_NONE);
	events = channels_hold(&channels, key.name, ENCODING_SSE, &is_new);
	assert_false(is_new);
	assert_int_not_equal(events, plain);
	assert_int_equal(channels_find(&channels, &key), events);
	check_found("a", plain);
	release(plain, true);
	check_found("a", CHANNEL_NONE);
	assert_true(channels_has_name(&channels, key.name, hash));
	release(events, true);
	assert_false(channels_has_name(&channels, key.name, hash));
}

static void longest_name(void **state)
{
	char name[CHANNEL_SIZE_MAX + 1];

	(void)state;
	memset(name, 'n', CHANNEL_SIZE_MAX);
	name[CHANNEL_SIZE_MAX] = '\0';
	check_found(name, CHANNEL_NONE);
	hold(name, true);
	check_found(name, 0);
}

/* The table grows over its first chains and blocks; records never move. */
static void many_channels(void **state)
{
	struct channel *first;
	char name[16];

	(void)state;
	hold("0", true);
	first = channels_at(&channels, 0);
	for (uint32_t i = 1; i < 3000; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(hold(name, true), i);
	}
	assert_ptr_equal(channels_at(&channels, 0), first);
	assert_true(channels.heads_count >= 2048);
	for (uint32_t i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%u", i);
		check_found(name, i);
		if (i % 3 == 0)
			release(i, true);
	}
	for (uint32_t i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%u", i);
		check_found(name, i % 3 == 0 ? CHANNEL_NONE : i);
	}
}

/* ---- members ---- */

#define GONE '-' /* a hole */

static struct channel *channel_with(uint32_t members)
{
	struct channel *channel = channels_at(&channels, hold("c", true));

	for (uint32_t i = 0; i < members; i++)
		assert_int_equal(channel_join(channel, 'a' + i), i);
	return channel;
}

/* Slots are letters here. */
static void check_members(struct channel *channel, const char *expected)
{
	uint32_t count = 0;

	assert_int_equal(channel->members_used, strlen(expected));
	for (uint32_t i = 0; i < channel->members_used; i++) {
		uint32_t slot = channel_members(channel)[i].slot;

		assert_int_equal(slot == MEMBER_HOLE ? GONE : slot, expected[i]);
		count += slot != MEMBER_HOLE;
	}
	assert_int_equal(channel->members_count, count);
}

static void on_moved(void *owner, uint32_t slot, uint32_t member)
{
	char *moved = owner;
	size_t size = strlen(moved);

	snprintf(moved + size, 64 - size, "%c%u", (char)slot, member);
}

static void check_compact(struct channel *channel, const char *expected, const char *moves)
{
	char moved[64] = "";

	channel_compact(channel, on_moved, moved);
	check_members(channel, expected);
	assert_string_equal(moved, moves);
}

static void joins_and_leaves(void **state)
{
	struct channel *channel;

	(void)state;
	channel = channel_with(0);
	check_members(channel, "");
	assert_int_equal(channel_join(channel, 'x'), 0);
	check_members(channel, "x");
	channel_leave(channel, 0);
	check_members(channel, "-");
	assert_true(channel_has_many_holes(channel));
	check_compact(channel, "", "");
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(channel_join(channel, 'a' + i), i);
	check_members(channel, "abcdef");
	channel_leave(channel, 0);
	channel_leave(channel, 3);
	assert_false(channel_has_many_holes(channel));
	assert_int_equal(channel_join(channel, 'g'), 6);
	check_members(channel, "-bc-efg");
	check_compact(channel, "bcefg", "b0c1e2f3g4");
	check_compact(channel, "bcefg", "");
}

static void holes_that_are_many(void **state)
{
	struct channel *channel;

	(void)state;
	channel = channel_with(40);
	for (uint32_t i = 0; i < 8; i++)
		channel_leave(channel, i);
	assert_false(channel_has_many_holes(channel)); /* 8 of 32: a quarter */
	channel_leave(channel, 8);
	assert_true(channel_has_many_holes(channel)); /* 9 of 31 */
}

static struct tape *give_tape(struct channel *channel, uint32_t cursor, uint32_t left)
{
	channel->tape = tape_create(TAPE_SIZE_MIN);
	assert_non_null(channel->tape);
	channel->tape->cursor = cursor;
	channel->tape->circle_left = left;
	return channel->tape;
}

static void joins_at_the_head(void **state)
{
	struct channel *channel;
	struct tape *tape;

	(void)state;
	channel = channel_with(3);
	tape = give_tape(channel, 1, 2);
	assert_non_null(tape_reserve(tape, 100, false));
	tape_commit(tape, 100, (struct event_id){0, 0}, true);
	assert_int_equal(channel_join(channel, 'x'), 3);
	assert_int_equal(channel_members(channel)[3].position, 100);
	assert_int_equal(tape->circle_left, 3);
}

/* Of "abcdef" the letters of `gone` leave while the circle is at `cursor` with `left` to go; then
 * it still visits `expected`, in this order. */
static void check_circle(uint32_t cursor, uint32_t left, const char *gone, const char *expected)
{
	struct channel *channel = channel_with(6);
	struct tape *tape = give_tape(channel, cursor, left);
	char moved[64] = "";

	for (; *gone; gone++)
		channel_leave(channel, (uint32_t)(*gone - 'a'));
	channel_compact(channel, on_moved, moved);
	assert_int_equal(tape->circle_left, strlen(expected));
	for (; *expected; expected++) {
		assert_int_equal(channel_members(channel)[tape->cursor].slot, *expected);
		tape_step(tape, channel->members_used);
	}
	for (uint32_t i = 0; i < channel->members_used; i++)
		channel_leave(channel, i);
	release(0, true);
}

static void compaction_keeps_the_circle(void **state)
{
	(void)state;
	check_circle(0, 6, "", "abcdef");
	check_circle(2, 4, "", "cdef");
	check_circle(2, 4, "a", "cdef");
	check_circle(2, 4, "ab", "cdef");
	check_circle(2, 4, "c", "def");
	check_circle(2, 4, "f", "cde");
	check_circle(4, 6, "", "efabcd");
	check_circle(4, 6, "ef", "abcd");
	check_circle(4, 6, "ad", "efbc");
	check_circle(4, 4, "d", "efab");
	check_circle(4, 4, "efab", "");
	check_circle(5, 1, "f", "");
	check_circle(5, 2, "f", "a");
	check_circle(5, 3, "abcdf", "");
	check_circle(3, 0, "ace", "");
	check_circle(0, 6, "abcdef", "");
	check_circle(3, 5, "abcdef", "");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(holds_and_releases),
		TEST(finds_by_name_and_hash),
		TEST(keeps_encodings_apart),
		TEST(longest_name),
		TEST(many_channels),
		TEST(joins_and_leaves),
		TEST(holes_that_are_many),
		TEST(joins_at_the_head),
		TEST(compaction_keeps_the_circle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
