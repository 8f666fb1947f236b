/* tests/unit/shard/recovery_test.c - what the router is asked, and told, of a connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "belfry/upstream.h"
#include "shard/confirm.h"
#include "shard/receipts.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "shard/upstream.h"
#include "wire/command.h"
#include "wire/connection_id.h"

#define IDENTITY "AAAAAAAAAcyPwTkop0gpSMSI"
#define LONG_NAME "feed:a-name-that-is-longer-than-what-a-receipt-has-inside"

static struct shard *shard;
static struct conn *conn;
static struct counters counters;
static struct config config;
static struct lane receipts;
static struct receipt receipt;

static void must_add(const char *name)
{
	uint32_t channel;

	assert_true(subscriptions_add(shard, conn, slice_of_text(name), &channel));
}

/* A connection that is about to attach. */
static int set_up(void **state)
{
	(void)state;
	shard = calloc(1, sizeof(*shard));
	assert_int_equal(ring_init(&receipts.ring, 64, sizeof(struct receipt)), STATUS_OK);
	shard->receipts = &receipts;
	shard->config = &config;
	shard->counters = &counters.shards[0];
	shard->slots = 4;
	shard->conns = calloc(4, sizeof(*shard->conns));
	shard->falls = calloc(4, sizeof(*shard->falls));
	shard->unix_ms = 1769337000000;
	assert_true(channels_init(&shard->channels, (struct hash_key){1, 2}));
	assert_true(subscriptions_hold_all(shard));
	conn = conn_at(shard, 3);
	*conn = (struct conn){.generation = 77,
			      .user = CHANNEL_NONE,
			      .state = CONN_HEAD,
			      .subscriptions_capacity = SUBSCRIPTIONS_INLINE};
	assert_true(subscriptions_hold_user(shard, conn, SLICE("42")));
	must_add("all");
	must_add(LONG_NAME);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	recovery_forget(shard, conn);
	subscriptions_remove_all(shard, conn);
	subscriptions_release_user(shard, conn);
	while (ring_pop(&receipts.ring, &receipt))
		receipts_free(&receipt);
	receipts_drop_waiting(shard);
	ring_deinit(&receipts.ring);
	channels_deinit(&shard->channels);
	free(shard->conns);
	free(shard->falls);
	free(shard);
	return 0;
}

/* Takes receipts up to one of this type. */
static void take(enum receipt_type type)
{
	for (;;) {
		assert_true(ring_pop(&receipts.ring, &receipt));
		if (receipt.type == type)
			break;
		receipts_free(&receipt);
	}
	assert_int_equal(receipt.slot, 3);
	assert_int_equal(receipt.generation, 77);
}

static void check_slice(struct slice slice, const char *expected)
{
	assert_int_equal(slice_is_absent(slice), expected == NULL);
	if (expected)
		assert_true(slice_equal_text(slice, expected));
}

static void check_channel(const struct recovery *recovery, uint32_t index, const char *name,
			  struct event_id after)
{
	assert_true(index < recovery->channels_count);
	check_slice(recovery->channels[index].name, name);
	assert_true(event_id_equal(recovery->channels[index].after, after));
}

static const char *own_channel(void)
{
	static char name[SUBSCRIPTIONS_CONN_SIZE + 1];

	subscriptions_conn_name(shard, conn, name);
	return name;
}

static void attach_names_all_channels(void **state)
{
	struct event_id after = {5, 6};
	struct recovery_wish wish = {
		.has_after = true,
		.after = after,
		.device = SLICE("phone"),
		.identity = SLICE(IDENTITY),
		.jti = SLICE("token-1"),
		.issued_s = 1769336000,
	};
	struct connection_id id;

	(void)state;
	must_add("conn:" IDENTITY);
	assert_true(recovery_attach(shard, conn, &wish));
	assert_false(conn_is_live(conn));
	take(RECEIPT_ATTACH);
	assert_int_equal(receipt.recovery->from, RECOVERY_AFTER);
	assert_int_equal(receipt.recovery->channels_count, 4);
	check_channel(receipt.recovery, 0, "all", after);
	check_channel(receipt.recovery, 1, LONG_NAME, after);
	check_channel(receipt.recovery, 2, "conn:" IDENTITY, after);
	check_channel(receipt.recovery, 3, own_channel(), after);
	assert_true(connection_id_parse(slice_skip(receipt.recovery->channels[3].name, 5),
					shard->connection_key, &id));
	assert_int_equal(id.slot, 3);
	assert_int_equal(id.generation, 77);
	check_slice(receipt.recovery->user, "42");
	check_slice(receipt.recovery->device, "phone");
	check_slice(receipt.recovery->identity, IDENTITY);
	check_slice(receipt.recovery->jti, "token-1");
	assert_int_equal(receipt.recovery->issued_s, 1769336000);
	assert_int_equal(receipt.recovery->since_ms, 1769337000000);
	receipts_free(&receipt);
}

static void attach_asks_the_cursor(void **state)
{
	struct recovery_wish wish = {.has_after = false, .issued_s = INT64_MIN};

	(void)state;
	assert_true(recovery_attach(shard, conn, &wish));
	take(RECEIPT_ATTACH);
	assert_int_equal(receipt.recovery->from, RECOVERY_CURSOR);
	check_slice(receipt.recovery->device, NULL);
	check_slice(receipt.recovery->identity, NULL);
	check_slice(receipt.recovery->jti, NULL);
	assert_true(receipt.recovery->issued_s == INT64_MIN);
	receipts_free(&receipt);
}

static void check_token(struct slice jti, int64_t issued_s, uint32_t expected_s)
{
	receipts_token(shard, conn, jti, issued_s);
	take(RECEIPT_TOKEN);
	assert_int_equal(receipt.text_size, jti.size);
	assert_true(slice_equal(jti, slice_of(jti.size > RECEIPT_INLINE_MAX ? receipt.text_heap
									    : receipt.text_inline,
					      jti.size)));
	assert_int_equal(receipt.channel, expected_s);
	receipts_free(&receipt);
}

static void a_new_token_is_told(void **state)
{
	(void)state;
	check_token(SLICE("token-2"), 1769336000, 1769336000);
	check_token(SLICE("a token id that is longer than what a receipt holds itself"), -1, 0);
	check_token((struct slice){NULL, 0}, INT64_MIN, 0);
	check_token(SLICE("x"), INT64_MAX, UINT32_MAX);
}

static void check_subscribe(const struct event_id *after)
{
	uint32_t channel = subscriptions_of(conn)[1].channel;
	char *ref = strdup("7");

	conn->state = CONN_OPEN;
	assert_true(recovery_subscribe(shard, conn, channel, after, ref));
	take(RECEIPT_SUBSCRIBE);
	assert_int_equal(receipt.recovery->from, after ? RECOVERY_AFTER : RECOVERY_NOW);
	assert_int_equal(receipt.channel, channel);
	assert_ptr_equal(receipt.ref, ref);
	assert_int_equal(receipt.recovery->channels_count, 1);
	check_channel(receipt.recovery, 0, LONG_NAME, after ? *after : (struct event_id){0, 0});
	receipts_free(&receipt);
}

static void subscribe_names_its_channel(void **state)
{
	(void)state;
	check_subscribe(NULL);
	check_subscribe(&(struct event_id){9, 1});
}

static void check_upstream(const struct command *command, enum upstream_type type)
{
	char id[CONNECTION_ID_SIZE];

	upstream_on_command(shard, conn, command);
	take(RECEIPT_UPSTREAM);
	assert_int_equal(receipt.upstream->type, type);
	check_slice(receipt.upstream->user, "42");
	subscriptions_connection_id(shard, conn, id);
	assert_true(slice_equal(receipt.upstream->connection_id, slice_of(id, sizeof(id))));
}

static void upstream_carries_the_command(void **state)
{
	struct command command = {.type = COMMAND_TYPING,
				  .to = SLICE("9"),
				  .payload = SLICE("{\"a\":1}"),
				  .ref = SLICE("\"r\"")};

	(void)state;
	conn->state = CONN_OPEN;
	check_upstream(&command, UPSTREAM_TYPING);
	assert_string_equal(receipt.upstream->ref, "\"r\"");
	check_slice(receipt.upstream->to, "9");
	check_slice(receipt.upstream->data, "{\"a\":1}");
	check_slice(receipt.upstream->channel, NULL);
	check_slice(receipt.upstream->event, NULL);
	check_slice(receipt.upstream->id, NULL);
	receipts_free(&receipt);
	command = (struct command){.type = COMMAND_DELETE, .notification_id = SLICE("n1")};
	check_upstream(&command, UPSTREAM_DELETE);
	assert_null(receipt.upstream->ref);
	check_slice(receipt.upstream->id, "n1");
	receipts_free(&receipt);
	command = (struct command){.type = COMMAND_MARK_ALL_READ};
	check_upstream(&command, UPSTREAM_MARK_ALL_READ);
	receipts_free(&receipt);
}

static void an_identity_is_what_the_client_knows(void **state)
{
	char id[CONNECTION_ID_SIZE];

	(void)state;
	subscriptions_connection_id(shard, conn, id);
	assert_memory_equal(id, own_channel() + 5, sizeof(id));
	must_add("conn:" IDENTITY);
	subscriptions_connection_id(shard, conn, id);
	assert_memory_equal(id, IDENTITY, sizeof(id));
}

/* What a pong confirms; NULL: nothing. */
static void check_pong(const char *payload, const struct event_id *expected)
{
	confirm_on_pong(shard, conn, slice_of_text(payload));
	while (ring_peek(&receipts.ring) &&
	       ((const struct receipt *)ring_peek(&receipts.ring))->type != RECEIPT_CONFIRM) {
		assert_true(ring_pop(&receipts.ring, &receipt));
		receipts_free(&receipt);
	}
	assert_int_equal(ring_depth(&receipts.ring), expected != NULL);
	if (!expected)
		return;
	take(RECEIPT_CONFIRM);
	assert_true(event_id_equal(receipt.id, *expected));
}

static void pongs_confirm_what_was_sent(void **state)
{
	(void)state;
	shard->position = (struct event_id){10, 5};
	conn->state = CONN_OPEN;
	check_pong("10-5", &(struct event_id){10, 5});
	check_pong("10-4", &(struct event_id){10, 4});
	check_pong("10-6", NULL);
	check_pong("0-0", NULL);
	check_pong("", NULL);
	check_pong("abc", NULL);
	conn->state = CONN_ECHO;
	check_pong("10-4", NULL);
}

static void acks_are_bounded_by_what_was_sent(void **state)
{
	(void)state;
	shard->position = (struct event_id){10, 5};
	conn->state = CONN_OPEN;
	confirm_on_ack(shard, conn, (struct event_id){99, 0});
	take(RECEIPT_CONFIRM);
	assert_true(event_id_equal(receipt.id, shard->position));
	confirm_on_ack(shard, conn, (struct event_id){3, 1});
	take(RECEIPT_CONFIRM);
	assert_true(event_id_equal(receipt.id, (struct event_id){3, 1}));
}

static void pings_carry_a_position_once(void **state)
{
	uint8_t text[EVENT_ID_TEXT_MAX];

	(void)state;
	shard->position = (struct event_id){10, 5};
	conn->state = CONN_OPEN;
	for (uint32_t i = 0; i < conn->subscriptions_count; i++)
		assert_true(subscriptions_join_one(shard, conn, &subscriptions_of(conn)[i]));
	check_slice(confirm_ping(shard, conn, text), "");
	conn_set(conn, CONN_UNCONFIRMED);
	conn_set(conn, CONN_RECOVERING);
	check_slice(confirm_ping(shard, conn, text), "");
	conn_clear(conn, CONN_RECOVERING);
	check_slice(confirm_ping(shard, conn, text), "10-5");
	check_slice(confirm_ping(shard, conn, text), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(attach_names_all_channels),    TEST(attach_asks_the_cursor),
		TEST(a_new_token_is_told),          TEST(subscribe_names_its_channel),
		TEST(upstream_carries_the_command), TEST(an_identity_is_what_the_client_knows),
		TEST(pongs_confirm_what_was_sent),  TEST(acks_are_bounded_by_what_was_sent),
		TEST(pings_carry_a_position_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
