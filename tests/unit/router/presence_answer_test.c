/* tests/unit/router/presence_answer_test.c - presence as JSON text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "router/presence_answer.h"
#include "wire/json.h"

#define ID "AAAAAAAAAcyPwTkop0gpSMSI"
#define SINCE_MS 1769337000000

static struct presence presence;
static struct ip known_address; /* of connections made from now on */

static int setup(void **state)
{
	struct presence_options options = {.key = {1, 2}, .refresh_ms = 1000};

	(void)state;
	return presence_init(&presence, &options) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	presence_deinit(&presence);
	return 0;
}

static const struct presence_conn *conn_of(struct slice user, struct slice device)
{
	struct presence_arrival arrival = {user, SLICE(ID), device, SINCE_MS, known_address};

	assert_true(presence_attach(&presence, &arrival));
	const struct presence_conn *conn = presence_find_conn(&presence, SLICE(ID));

	assert_non_null(conn);
	return conn;
}

static void check_written(const struct writer *writer, const char *expected)
{
	assert_false(writer->overflow);
	assert_true(json_is_valid(writer_written(writer)));
	if (!slice_equal_text(writer_written(writer), expected))
		fail_msg("%.*s is not %s", (int)writer->size, (const char *)writer->bytes,
			 expected);
}

typedef void write_conn(struct writer *writer, struct slice node, const struct presence_conn *conn);

static void check_conn(write_conn *write, const struct presence_conn *conn, const char *expected)
{
	uint8_t bytes[PRESENCE_CONN_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	write(&writer, SLICE("node-1"), conn);
	check_written(&writer, expected);
}

static void a_connection_is_written(void **state)
{
	const struct presence_conn *conn = conn_of(SLICE("u\"1"), SLICE("phone"));

	(void)state;
	check_conn(presence_answer_member, conn,
		   "{\"connection_id\":\"" ID "\",\"node\":\"node-1\",\"device\":\"phone\","
		   "\"since\":\"2026-01-25T10:30:00.000Z\"}");
	check_conn(presence_answer_conn, conn,
		   "{\"connection_id\":\"" ID "\",\"user_id\":\"u\\\"1\",\"node\":\"node-1\","
		   "\"device\":\"phone\",\"since\":\"2026-01-25T10:30:00.000Z\"}");
	check_conn(presence_answer_record, conn,
		   "{\"user\":\"u\\\"1\",\"node\":\"node-1\",\"device\":\"phone\","
		   "\"since\":\"2026-01-25T10:30:00.000Z\"}");
}

/* Those who ask for one connection see where it comes from, other users do not. */
static void an_address_is_written_where_it_is_known(void **state)
{
	(void)state;
	assert_true(ip_parse(SLICE("192.0.2.1"), &known_address));
	const struct presence_conn *conn = conn_of(SLICE("u"), SLICE("phone"));

	known_address = (struct ip){{0}};
	check_conn(presence_answer_member, conn,
		   "{\"connection_id\":\"" ID "\",\"node\":\"node-1\",\"device\":\"phone\","
		   "\"since\":\"2026-01-25T10:30:00.000Z\"}");
	check_conn(presence_answer_conn, conn,
		   "{\"connection_id\":\"" ID "\",\"user_id\":\"u\",\"node\":\"node-1\","
		   "\"device\":\"phone\",\"since\":\"2026-01-25T10:30:00.000Z\","
		   "\"address\":\"192.0.2.1\"}");
	check_conn(presence_answer_record, conn,
		   "{\"user\":\"u\",\"node\":\"node-1\",\"device\":\"phone\","
		   "\"since\":\"2026-01-25T10:30:00.000Z\",\"address\":\"192.0.2.1\"}");
}

static void a_device_without_a_name_is_null(void **state)
{
	(void)state;
	check_conn(presence_answer_member, conn_of(SLICE("u"), (struct slice){0}),
		   "{\"connection_id\":\"" ID "\",\"node\":\"node-1\",\"device\":null,"
		   "\"since\":\"2026-01-25T10:30:00.000Z\"}");
}

/* Every byte becomes six. */
static void the_largest_fits(void **state)
{
	uint8_t worst[PRESENCE_DEVICE_MAX], bytes[PRESENCE_CONN_MAX];
	struct writer writer;

	(void)state;
	memset(worst, 1, sizeof(worst));
	const struct presence_conn *conn =
		conn_of(slice_of(worst, USER_SIZE_MAX), slice_of(worst, sizeof(worst)));

	writer_init(&writer, bytes, PRESENCE_MEMBER_MAX);
	presence_answer_member(&writer, slice_of(worst, PRESENCE_NODE_MAX), conn);
	assert_false(writer.overflow);
	writer_init(&writer, bytes, PRESENCE_CONN_MAX);
	presence_answer_conn(&writer, slice_of(worst, PRESENCE_NODE_MAX), conn);
	assert_false(writer.overflow);
}

static void check_stored_members(bool is_online, const char *const *members, const char *expected)
{
	uint8_t bytes[1024];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	presence_answer_open(&writer, SLICE("42"), is_online);
	for (; *members; members++)
		presence_answer_add_stored(&writer, slice_of_text(*members));
	presence_answer_close(&writer);
	check_written(&writer, expected);
}

static void a_user_is_answered_from_what_is_stored(void **state)
{
	(void)state;
	check_stored_members(false, (const char *[]){NULL},
			     "{\"user_id\":\"42\",\"online\":false,\"connections\":[]}");
	check_stored_members(true, (const char *[]){"{\"node\":\"n\"}", NULL},
			     "{\"user_id\":\"42\",\"online\":true,\"connections\":[]}");
	check_stored_members(true,
			     (const char *[]){
				     "{\"connection_id\":\"a\",\"node\":\"n\"}",
				     "{\"node\":\"n\"}",
				     "not JSON",
				     "",
				     "[1]",
				     "{\"connection_id\":7}",
				     " {\"connection_id\":\"b\"} ",
				     NULL,
			     },
			     "{\"user_id\":\"42\",\"online\":true,\"connections\":["
			     "{\"connection_id\":\"a\",\"node\":\"n\"},"
			     "{\"connection_id\":\"b\"}]}");
}

static void a_user_is_answered_from_memory(void **state)
{
	uint8_t bytes[1024];
	struct writer writer;
	const struct presence_conn *conn = conn_of(SLICE("42"), (struct slice){0});

	(void)state;
	writer_init(&writer, bytes, sizeof(bytes));
	presence_answer_open(&writer, SLICE("42"), true);
	presence_answer_add(&writer, SLICE("n"), conn);
	presence_answer_add(&writer, SLICE("n"), conn);
	presence_answer_close(&writer);
#define MEMBER                                                          \
	"{\"connection_id\":\"" ID "\",\"node\":\"n\",\"device\":null," \
	"\"since\":\"2026-01-25T10:30:00.000Z\"}"
	check_written(&writer, "{\"user_id\":\"42\",\"online\":true,\"connections\":[" MEMBER
			       "," MEMBER "]}");
}

/* expected NULL: it is not ours. */
static void check_stored(const char *stored, const char *expected)
{
	uint8_t bytes[1024];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	bool ok = presence_answer_stored(&writer, SLICE("c\"1"), slice_of_text(stored));

	assert_int_equal(ok, expected != NULL);
	if (expected)
		check_written(&writer, expected);
	else
		assert_int_equal(writer.size, 0);
	assert_true(writer.size <= strlen(stored) + 6 * 3 + 112);
}

static void a_connection_is_answered_from_what_is_stored(void **state)
{
	(void)state;
	check_stored("{\"user\":\"u\\\"1\",\"node\":\"n\",\"device\":\"d\",\"since\":\"t\"}",
		     "{\"connection_id\":\"c\\\"1\",\"user_id\":\"u\\\"1\",\"node\":\"n\","
		     "\"device\":\"d\",\"since\":\"t\"}");
	check_stored("{\"user\":\"u\"}", "{\"connection_id\":\"c\\\"1\",\"user_id\":\"u\","
					 "\"node\":null,\"device\":null,\"since\":null}");
	check_stored("{\"user\":\"u\",\"address\":\"::1\"}",
		     "{\"connection_id\":\"c\\\"1\",\"user_id\":\"u\",\"node\":null,"
		     "\"device\":null,\"since\":null,\"address\":\"::1\"}");
	check_stored("{\"user\":7}", NULL);
	check_stored("{\"node\":\"n\"}", NULL);
	check_stored("[]", NULL);
	check_stored("", NULL);
	check_stored("{", NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_connection_is_written),
		TEST(an_address_is_written_where_it_is_known),
		TEST(a_device_without_a_name_is_null),
		TEST(the_largest_fits),
		TEST(a_user_is_answered_from_what_is_stored),
		TEST(a_user_is_answered_from_memory),
		TEST(a_connection_is_answered_from_what_is_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
