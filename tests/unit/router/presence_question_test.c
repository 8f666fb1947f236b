/* tests/unit/router/presence_question_test.c - questions to Redis and their answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "router/presence_question.h"

static struct presence presence;
static struct presence_redis redis;
static struct redis_client client;
static struct redis_call *asked; /* the last one */
static char command[512];        /* with bars between words */
static enum status client_status;
static char heard[512]; /* status and body */

/* Instead of that of log/redis_client.c. */
enum status redis_client_add(struct redis_client *of, const struct slice *words, uint32_t count,
			     struct redis_call *call)
{
	struct writer writer;

	assert_ptr_equal(of, &client);
	writer_init(&writer, command, sizeof(command));
	for (uint32_t i = 0; i < count; i++) {
		writer_text(&writer, i > 0 ? "|" : "");
		writer_slice(&writer, words[i]);
	}
	writer_bytes(&writer, "", 1);
	assert_false(writer.overflow);
	asked = call;
	return client_status;
}

static void on_answer(void *owner, void *asker, int status, struct slice body)
{
	assert_ptr_equal(owner, &redis);
	assert_ptr_equal(asker, &client_status);
	snprintf(heard, sizeof(heard), "%d %.*s", status, (int)body.size, (const char *)body.bytes);
}

static int setup(void **state)
{
	struct presence_options options = {.key = {1, 2}, .refresh_ms = 1000};
	struct presence_redis_options redis_options = {
		.presence = &presence,
		.client = &client,
		.listener = {on_answer, &redis},
		.store = {SLICE("n"), 3000, 1000, 0},
	};

	(void)state;
	client_status = STATUS_OK;
	heard[0] = '\0';
	presence_redis_init(&redis, &redis_options);
	return presence_init(&presence, &options) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	presence_redis_deinit(&redis);
	presence_deinit(&presence);
	return 0;
}

/* The reply: one text, or an array of texts; NULL ends them. */
static void reply_with(enum reply_type type, const char *const *texts)
{
	struct redis_value values[8] = {{.type = type}};
	struct redis_reply reply = {values, 1};

	if (type == REPLY_TEXT || type == REPLY_ERROR)
		values[0].text = slice_of_text(*texts);
	for (; type == REPLY_ARRAY && *texts; texts++)
		values[reply.count++] = (struct redis_value){
			.type = REPLY_TEXT,
			.depth = 1,
			.text = slice_of_text(*texts),
		};
	asked->on_reply(asked, STATUS_OK, &reply);
}

static void check_user(enum reply_type type, const char *const *texts, const char *expected)
{
	assert_int_equal(presence_question_user(&redis, SLICE("u"), &client_status), STATUS_OK);
	assert_string_equal(command, "ZRANGEBYSCORE|belfry:presence:u|(0|+inf|LIMIT|0|1000");
	reply_with(type, texts);
	assert_string_equal(heard, expected);
}

static void a_user_is_asked_for(void **state)
{
	(void)state;
	check_user(REPLY_ARRAY, (const char *[]){NULL},
		   "200 {\"user_id\":\"u\",\"online\":false,\"connections\":[]}");
	check_user(REPLY_ARRAY, (const char *[]){"{\"node\":\"n\"}", NULL},
		   "200 {\"user_id\":\"u\",\"online\":true,\"connections\":[]}");
	check_user(REPLY_ARRAY,
		   (const char *[]){"{\"connection_id\":\"a\"}", "{\"connection_id\":\"b\"}", NULL},
		   "200 {\"user_id\":\"u\",\"online\":true,\"connections\":"
		   "[{\"connection_id\":\"a\"},{\"connection_id\":\"b\"}]}");
	check_user(REPLY_ERROR, (const char *[]){"NOPERM", NULL}, "503 ");
}

static void check_conn(enum reply_type type, const char *text, const char *expected)
{
	assert_int_equal(presence_question_conn(&redis, SLICE("c"), &client_status), STATUS_OK);
	assert_string_equal(command, "GET|belfry:conn:c");
	reply_with(type, &text);
	assert_string_equal(heard, expected);
}

static void a_connection_is_asked_for(void **state)
{
	(void)state;
	check_conn(REPLY_TEXT, "{\"user\":\"u\",\"node\":\"n\",\"device\":null,\"since\":\"t\"}",
		   "200 {\"connection_id\":\"c\",\"user_id\":\"u\",\"node\":\"n\","
		   "\"device\":null,\"since\":\"t\"}");
	check_conn(REPLY_NIL, NULL, "404 ");
	check_conn(REPLY_TEXT, "not JSON", "404 ");
	check_conn(REPLY_ERROR, "WRONGTYPE", "503 ");
}

static void a_link_that_breaks_is_503(void **state)
{
	(void)state;
	assert_int_equal(presence_question_user(&redis, SLICE("u"), &client_status), STATUS_OK);
	asked->on_reply(asked, STATUS_UNAVAILABLE, NULL);
	assert_string_equal(heard, "503 ");
}

static void what_cannot_be_asked_is_not_heard_of(void **state)
{
	char name[USER_SIZE_MAX + 10] = "";

	(void)state;
	assert_int_equal(presence_question_user(&redis, SLICE(""), NULL), STATUS_INVALID);
	assert_int_equal(presence_question_user(&redis, slice_of(name, USER_SIZE_MAX + 1), NULL),
			 STATUS_INVALID);
	assert_int_equal(presence_question_conn(&redis, slice_of(name, 256), NULL), STATUS_INVALID);
	client_status = STATUS_UNAVAILABLE;
	assert_int_equal(presence_question_conn(&redis, SLICE("c"), NULL), STATUS_UNAVAILABLE);
	assert_string_equal(heard, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_user_is_asked_for),
		TEST(a_connection_is_asked_for),
		TEST(a_link_that_breaks_is_503),
		TEST(what_cannot_be_asked_is_not_heard_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
