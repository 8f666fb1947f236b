/* tests/unit/router/cursor_redis_test.c - nodes that write cursors to a Redis that is made up.
 *
 * It knows three commands and the script, which it takes for what its manual says; the script
 * itself runs in tests/e2e/test_cursors_in_redis.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../log/redis_feed.h"
#include "router/cursor_redis.h"
#include "router/redis_log.h"
#include "router/router_state.h"
#include "wire/event_id.h"

#define FIELDS_MAX 256
#define WORDS_MAX 300
#define RETENTION_MS 1000u

/* ---- Redis ---- */

static struct {
	struct field {
		char name[300], text[64], ttl[24]; /* the key, a slash, the field */
	} fields[FIELDS_MAX];
	uint32_t count;
	const char *refusal;     /* answer to EVAL, NULL: it runs */
	const char *full_before; /* fields of this name are not written */
	uint32_t evals, gets, sets;
} fake;

static struct field *field_of(struct slice key, struct slice name)
{
	char whole[sizeof(fake.fields[0].name)];
	uint32_t i = 0;

	snprintf(whole, sizeof(whole), "%.*s/%.*s", (int)key.size, (const char *)key.bytes,
		 (int)name.size, (const char *)name.bytes);
	while (i < fake.count && strcmp(fake.fields[i].name, whole) != 0)
		i++;
	assert_true(i < FIELDS_MAX);
	if (i == fake.count)
		snprintf(fake.fields[fake.count++].name, sizeof(whole), "%s", whole);
	return &fake.fields[i];
}

static void set_text(char *room, size_t size, struct slice text)
{
	snprintf(room, size, "%.*s", (int)text.size, (const char *)text.bytes);
}

static void write_text(struct writer *replies, const char *text)
{
	writer_format(replies, "$%zu\r\n%s\r\n", strlen(text), text);
}

static bool is_full(const struct field *field)
{
	return fake.full_before && strstr(field->name, fake.full_before);
}

static void move(struct writer *replies, struct field *field, struct slice id, struct slice ttl)
{
	struct event_id there = {0, 0}, here;

	assert_true(event_id_parse(id, &here));
	(void)!event_id_parse(slice_of_text(field->text), &there);
	if (event_id_is_after(there, here)) {
		write_text(replies, field->text);
		return;
	}
	writer_format(replies, ":%d\r\n", !is_full(field));
	if (is_full(field))
		return;
	set_text(field->text, sizeof(field->text), id);
	set_text(field->ttl, sizeof(field->ttl), ttl);
}

static void eval(struct writer *replies, const struct slice *words, uint32_t words_count)
{
	uint64_t count;

	fake.evals++;
	if (fake.refusal) {
		writer_format(replies, "-%s\r\n", fake.refusal);
		return;
	}
	assert_true(slice_to_u64(words[2], &count));
	assert_true(count > 0 && words_count == 4 + 3 * count);
	writer_format(replies, "*%lu\r\n", count);
	for (const struct slice *key = words + 3; key < words + 3 + count; key++) {
		const struct slice *pair = words + 4 + count + 2 * (key - words - 3);

		move(replies, field_of(*key, pair[0]), pair[1], words[3 + count]);
	}
}

static void execute(struct writer *replies, const struct slice *words, uint32_t count)
{
	if (slice_equal_text(words[0], "EVAL")) {
		eval(replies, words, count);
	} else if (slice_equal_text(words[0], "HGET")) {
		const char *text = field_of(words[1], words[2])->text;

		fake.gets++;
		if (*text)
			write_text(replies, text);
		else
			writer_text(replies, "$-1\r\n");
	} else if (slice_equal_text(words[0], "HSET")) {
		struct field *field = field_of(words[1], words[2]);

		fake.sets++;
		set_text(field->text, sizeof(field->text), words[3]);
		writer_text(replies, ":1\r\n");
	} else {
		assert_true(slice_equal_text(words[0], "PEXPIRE"));
		writer_text(replies, ":1\r\n");
	}
}

/* ---- nodes ---- */

static struct node {
	struct config config;
	struct router_counters counters;
	struct redis_log redis;
	struct router router;
	struct writer replies; /* on their way */
	char room[1 << 16];
} nodes[2];

static void start(struct node *node)
{
	memset(node, 0, sizeof(*node));
	node->config.retention_ms = RETENTION_MS;
	node->router.config = &node->config;
	node->router.counters = &node->counters;
	node->router.redis = &node->redis;
	assert_true(cursors_init(&node->router.cursors, (struct hash_key){1, 2}, false));
	assert_true(make_ready(&node->redis.client));
	writer_init(&node->replies, node->room, sizeof(node->room));
}

static void stop(struct node *node)
{
	redis_client_close(&node->redis.client);
	redis_client_deinit(&node->redis.client);
	cursors_deinit(&node->router.cursors);
}

static uint32_t read_number(struct slice *rest)
{
	struct slice line = slice_cut(rest, '\n');
	uint64_t number = 0;

	assert_true(line.size > 2 &&
		    slice_to_u64(slice_of(line.bytes + 1, line.size - 2), &number));
	return (uint32_t)number;
}

/* What the node has written arrives at Redis, which answers. */
static void say(struct node *node)
{
	char *text = take_output(&node->redis.client.session);
	struct slice rest = slice_of_text(text), words[WORDS_MAX];

	while (rest.size > 0) {
		uint32_t count = read_number(&rest);

		assert_true(count <= WORDS_MAX);
		for (uint32_t i = 0; i < count; i++) {
			words[i].size = read_number(&rest);
			words[i].bytes = rest.bytes;
			rest = slice_skip(rest, words[i].size + 2);
		}
		execute(&node->replies, words, count);
	}
	assert_false(node->replies.overflow);
	free(text);
}

/* The answers arrive. */
static void hear(struct node *node)
{
	struct slice replies = writer_written(&node->replies);

	assert_int_equal(feed_way(&node->redis.client.session, replies, replies.size), STATUS_OK);
	writer_init(&node->replies, node->room, sizeof(node->room));
}

static void flush(struct node *node)
{
	cursor_redis_flush(&node->router, UINT32_MAX);
}

static void settle(struct node *node)
{
	do {
		say(node);
		hear(node);
	} while (node->redis.client.count > 0);
}

static void confirm(struct node *node, const char *user, const char *device, uint64_t ms)
{
	struct cursors *cursors = &node->router.cursors;
	struct cursor *cursor = cursors_hold(cursors, slice_of_text(user), slice_of_text(device));

	assert_non_null(cursor);
	assert_true(cursors_confirm(cursors, cursor, (struct event_id){ms, 0}));
	cursors_release(cursors, cursor);
}

static void check_stored(const char *key, const char *field, const char *expected)
{
	assert_string_equal(field_of(slice_of_text(key), slice_of_text(field))->text, expected);
}

static int set_up(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	start(&nodes[0]);
	start(&nodes[1]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stop(&nodes[0]);
	stop(&nodes[1]);
	return 0;
}

/* ---- two nodes ---- */

/* Both have confirmed, and write; what they say and hear is mixed as `order` tells, two bits a
 * step. True: the older position is there at the end. */
static bool is_put_back(uint32_t order, bool has_scripts)
{
	bool was_put_back;

	set_up(NULL);
	for (uint32_t i = 0; i < 2; i++) {
		nodes[i].router.cursor_script_ms = has_scripts ? 0 : UINT64_MAX;
		confirm(&nodes[i], "42", NULL, 9 - 4 * i);
		flush(&nodes[i]);
	}
	for (; order > 1; order >>= 2)
		(order & 2 ? hear : say)(&nodes[order & 1]);
	settle(&nodes[0]);
	settle(&nodes[1]);
	was_put_back = strcmp(fake.fields[0].text, "5-0") == 0;
	assert_int_equal(nodes[0].router.cursors.count + nodes[1].router.cursors.count, 0);
	tear_down(NULL);
	return was_put_back;
}

/* In all orders of six steps. Without scripts some lose: so the test would see it. */
static void writes_that_cross_leave_the_later_position(void **state)
{
	uint32_t with = 0, without = 0;

	(void)state;
	for (uint32_t order = 1u << 12; order < 2u << 12; order++) {
		with += is_put_back(order, true);
		without += is_put_back(order, false);
	}
	assert_int_equal(with, 0);
	assert_true(without > 0);
}

/* The one that was behind knows it then. */
static void what_is_there_is_learned(void **state)
{
	struct cursor *cursor;

	(void)state;
	confirm(&nodes[0], "42", "phone", 9);
	flush(&nodes[0]);
	settle(&nodes[0]);
	cursor = cursors_hold(&nodes[1].router.cursors, SLICE("42"), SLICE("phone"));
	confirm(&nodes[1], "42", "phone", 5);
	flush(&nodes[1]);
	settle(&nodes[1]);
	check_stored("belfry:cursor:42", "phone", "9-0");
	assert_int_equal(cursor->confirmed.ms, 9);
	assert_int_equal(cursor->state, CURSOR_KNOWN);
	assert_false(cursor->is_dirty);
	assert_int_equal(counter_read(&nodes[1].counters.cursors_written), 0);
	cursors_release(&nodes[1].router.cursors, cursor);
}

/* ---- one node ---- */

static void many_go_in_few_calls(void **state)
{
	enum { COUNT = 2 * CURSOR_BATCH_MAX + 5 };
	char name[16];

	(void)state;
	for (uint64_t i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "%lu", i / 2);
		confirm(&nodes[0], name, i % 2 ? "tv" : NULL, i + 1);
	}
	flush(&nodes[0]);
	settle(&nodes[0]);
	assert_int_equal(fake.evals, 3);
	assert_int_equal(fake.gets + fake.sets, 0);
	assert_int_equal(fake.count, COUNT);
	check_stored("belfry:cursor:0", "", "1-0");
	check_stored("belfry:cursor:0", "tv", "2-0");
	check_stored("belfry:cursor:66", "", "133-0");
	assert_string_equal(fake.fields[COUNT - 1].ttl, "2000");
	assert_int_equal(counter_read(&nodes[0].counters.cursors_written), COUNT);
	assert_int_equal(nodes[0].router.cursors.count, 0);
}

static void a_flush_is_bounded(void **state)
{
	char name[16];

	(void)state;
	for (uint64_t i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "%lu", i);
		confirm(&nodes[0], name, NULL, 1);
	}
	cursor_redis_flush(&nodes[0].router, 65);
	settle(&nodes[0]);
	assert_int_equal(fake.count, 2 * CURSOR_BATCH_MAX);
	flush(&nodes[0]);
	settle(&nodes[0]);
	assert_int_equal(fake.count, 200);
}

static void confirmed_meanwhile_is_written_next(void **state)
{
	(void)state;
	confirm(&nodes[0], "42", NULL, 5);
	flush(&nodes[0]);
	say(&nodes[0]);
	confirm(&nodes[0], "42", NULL, 7);
	flush(&nodes[0]);
	hear(&nodes[0]);
	check_stored("belfry:cursor:42", "", "5-0");
	settle(&nodes[0]);
	check_stored("belfry:cursor:42", "", "7-0");
	assert_int_equal(nodes[0].router.cursors.count, 0);
}

/* What cannot be written stays, and does not keep the others. */
static void a_field_that_is_refused_is_tried_again(void **state)
{
	(void)state;
	fake.full_before = "/tv";
	confirm(&nodes[0], "42", "tv", 5);
	confirm(&nodes[0], "42", NULL, 6);
	flush(&nodes[0]);
	settle(&nodes[0]);
	check_stored("belfry:cursor:42", "", "6-0");
	check_stored("belfry:cursor:42", "tv", "");
	assert_int_equal(nodes[0].router.cursors.count, 1);
	fake.full_before = NULL;
	flush(&nodes[0]);
	settle(&nodes[0]);
	check_stored("belfry:cursor:42", "tv", "5-0");
	assert_int_equal(nodes[0].router.cursors.count, 0);
}

/* ---- without scripts ---- */

static void check_refusal(const char *text, bool means_never)
{
	struct router *router = &nodes[0].router;

	set_up(NULL);
	fake.refusal = text;
	confirm(&nodes[0], "42", NULL, 5);
	confirm(&nodes[0], "43", NULL, 6);
	flush(&nodes[0]);
	settle(&nodes[0]);
	assert_int_equal(router->has_told_script, means_never);
	assert_int_equal(fake.sets, means_never ? 2 : 0);
	flush(&nodes[0]);
	settle(&nodes[0]);
	assert_int_equal(fake.evals, means_never ? 1 : 2);
	fake.refusal = NULL;
	router->now_ms += CURSOR_SCRIPT_RETRY_MS;
	confirm(&nodes[0], "44", NULL, 7);
	flush(&nodes[0]);
	settle(&nodes[0]);
	assert_int_equal(fake.evals, means_never ? 2 : 3);
	assert_int_equal(fake.sets, means_never ? 2 : 0);
	check_stored("belfry:cursor:42", "", "5-0");
	check_stored("belfry:cursor:43", "", "6-0");
	check_stored("belfry:cursor:44", "", "7-0");
	tear_down(NULL);
}

static void who_may_not_run_scripts_compares(void **state)
{
	(void)state;
	check_refusal("NOPERM this user has no permissions to run the 'eval' command", true);
	check_refusal("ERR unknown command 'EVAL', with args beginning with: 'local ", true);
	check_refusal("BUSY Redis is busy running a script", false);
	check_refusal("MISCONF Redis is configured to save RDB snapshots", false);
}

static void what_is_compared_and_behind_is_not_written(void **state)
{
	(void)state;
	fake.refusal = "NOPERM";
	set_text(field_of(SLICE("belfry:cursor:42"), SLICE(""))->text, 64, SLICE("6-0"));
	confirm(&nodes[0], "42", NULL, 5);
	flush(&nodes[0]);
	settle(&nodes[0]);
	check_stored("belfry:cursor:42", "", "6-0");
	assert_int_equal(fake.sets, 0);
	assert_int_equal(nodes[0].router.cursors.count, 0);
}

/* ---- links ---- */

static void check_lost(bool has_scripts, bool is_said)
{
	struct redis_client *client = &nodes[0].redis.client;

	set_up(NULL);
	nodes[0].router.cursor_script_ms = has_scripts ? 0 : UINT64_MAX;
	confirm(&nodes[0], "42", NULL, 5);
	confirm(&nodes[0], "43", NULL, 6);
	flush(&nodes[0]);
	if (is_said)
		say(&nodes[0]);
	redis_client_close(client);
	assert_int_equal(nodes[0].router.cursors.count, 2);
	flush(&nodes[0]); /* there is no link */
	redis_client_deinit(client);
	assert_true(make_ready(client));
	writer_init(&nodes[0].replies, nodes[0].room, sizeof(nodes[0].room));
	flush(&nodes[0]);
	settle(&nodes[0]);
	check_stored("belfry:cursor:42", "", "5-0");
	check_stored("belfry:cursor:43", "", "6-0");
	assert_int_equal(nodes[0].router.cursors.count, 0);
	tear_down(NULL);
}

static void a_link_that_breaks_loses_nothing(void **state)
{
	(void)state;
	check_lost(true, false);
	check_lost(true, true);
	check_lost(false, false);
	check_lost(false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_that_cross_leave_the_later_position),
		cmocka_unit_test_setup_teardown(what_is_there_is_learned, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_go_in_few_calls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_flush_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(confirmed_meanwhile_is_written_next, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_field_that_is_refused_is_tried_again, set_up,
						tear_down),
		cmocka_unit_test(who_may_not_run_scripts_compares),
		cmocka_unit_test_setup_teardown(what_is_compared_and_behind_is_not_written, set_up,
						tear_down),
		cmocka_unit_test(a_link_that_breaks_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
