/* tests/fuzz/redis_client_fuzz.c - what a Redis, or what pretends to be one, may answer.
 *
 * The first byte of the input is the size of the pieces in which the rest arrives, and the rest
 * is what comes behind the greeting: on a link with commands, where each reply is read as entries
 * and as facts, on one with subscriptions, and from a Sentinel. What is told must be the same as
 * when all of it comes in one piece.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "log/redis_entry.h"
#include "log/redis_facts.h"
#include "log/redis_pubsub.h"
#include "log/redis_sentinel.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define CALLS_MAX 64

/* All that was told, in order, as one number; a byte that is read outside of its memory is seen
 * by the sanitizer. */
struct hearing {
	struct redis_call call;
	uint64_t hash; /* FNV-1a */
	uint64_t times;
};

static struct redis_entry_reader reader;

static void hear(struct hearing *hearing, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++)
		hearing->hash = (hearing->hash ^ at[i]) * 0x100000001b3u;
}

static void hear_slice(struct hearing *hearing, struct slice slice)
{
	ASSERT(!slice_is_absent(slice));
	hear(hearing, &slice.size, sizeof(slice.size));
	hear(hearing, slice.bytes, slice.size);
}

/* ---- replies ---- */

/* Every array is followed by as many elements as it says, one level deeper: returns the index
 * behind the value at `index`. */
static uint32_t check_value(const struct redis_reply *reply, uint32_t index, uint32_t depth)
{
	ASSERT(index < reply->count && depth < 16);
	const struct redis_value *value = &reply->values[index++];

	ASSERT(value->depth == depth);
	if (value->type != REPLY_ARRAY)
		return index;
	for (uint64_t i = 0; i < value->number; i++)
		index = check_value(reply, index, depth + 1);
	return index;
}

static void hear_values(struct hearing *hearing, const struct redis_reply *reply)
{
	for (uint32_t i = 0; i < reply->count; i++) {
		const struct redis_value *value = &reply->values[i];
		bool is_text = value->type == REPLY_TEXT || value->type == REPLY_ERROR;

		hear(hearing, &value->type, sizeof(value->type));
		hear(hearing, &value->number, sizeof(value->number));
		ASSERT(is_text == !slice_is_absent(value->text));
		if (is_text)
			hear_slice(hearing, value->text);
	}
}

static void read_entries(struct hearing *hearing, const struct redis_reply *reply, uint32_t index)
{
	struct redis_entry entry;

	if (redis_entry_begin(&reader, reply, index) != STATUS_OK)
		return;
	while (redis_entry_next(&reader, &entry)) {
		ASSERT(entry.fields_count <= ENTRY_FIELDS_MAX + 1);
		hear(hearing, &entry.id, sizeof(entry.id));
		for (uint32_t i = 0; i < entry.fields_count && i < ENTRY_FIELDS_MAX; i++) {
			hear_slice(hearing, entry.fields[i].name);
			hear_slice(hearing, entry.fields[i].value);
		}
	}
}

static void read_facts(struct hearing *hearing, const struct redis_reply *reply)
{
	struct redis_facts facts;

	memset(&facts, 0, sizeof(facts)); /* the gaps between members, too: they are heard */
	if (redis_facts_read_stream(&facts, reply) == STATUS_OK)
		ASSERT(facts.version == 0 && facts.product[0] == '\0');
	else
		ASSERT(facts.length == 0 && !facts.stream_exists);
	if (redis_facts_read_server(&facts, reply) == STATUS_OK)
		ASSERT(facts.length == 0 && !facts.stream_exists);
	ASSERT(memchr(facts.replid, '\0', sizeof(facts.replid)) != NULL);
	ASSERT(memchr(facts.product, '\0', sizeof(facts.product)) != NULL);
	hear(hearing, &facts, sizeof(facts));
}

static void on_reply(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct hearing *hearing = CONTAINER_OF(call, struct hearing, call);

	hearing->times++;
	hear(hearing, &status, sizeof(status));
	if (status != STATUS_OK) {
		ASSERT(status == STATUS_UNAVAILABLE && reply == NULL);
		return;
	}
	ASSERT(check_value(reply, 0, 0) == reply->count);
	hear_values(hearing, reply);
	for (uint32_t i = 0; i < reply->count && i < 8; i++)
		read_entries(hearing, reply, i);
	read_facts(hearing, reply);
}

/* ---- links ---- */

static void feed(struct redis_session *session, struct slice input, size_t piece_size)
{
	enum status status = STATUS_OK;

	while (status == STATUS_OK && input.size > 0) {
		size_t size = piece_size < input.size ? piece_size : input.size;

		status = redis_session_feed(session, slice_of(input.bytes, size));
		input = slice_skip(input, size);
	}
	ASSERT((status == STATUS_OK) == (session->error[0] == '\0'));
}

static void greet(struct redis_session *session)
{
	static const struct slice greeting = {(const uint8_t *)"+OK\r\n", 5};

	ASSERT(redis_session_feed(session, greeting) == STATUS_OK);
}

static const struct config_redis server = {.on = true, .host = "h", .port = 1};

static void run_client(struct hearing *hearing, struct slice input, size_t piece_size)
{
	struct slice words[] = {SLICE("ASK")};
	struct redis_client client;

	hearing->call.on_reply = on_reply;
	redis_client_init(&client, &server, "fuzz");
	ASSERT(redis_client_open(&client) == STATUS_OK);
	greet(&client.session);
	ASSERT(redis_session_feed(&client.session, SLICE("+PONG\r\n")) == STATUS_OK);
	for (unsigned i = 0; i < CALLS_MAX; i++)
		ASSERT(redis_client_add(&client, words, 1, &hearing->call) == STATUS_OK);
	feed(&client.session, input, piece_size);
	hear(hearing, client.session.error, strlen(client.session.error));
	redis_client_close(&client);
	ASSERT(hearing->times == CALLS_MAX);
	redis_client_deinit(&client);
}

static void on_message(void *owner, struct slice channel, struct slice payload)
{
	ASSERT(channel.size <= REDIS_PUBSUB_CHANNEL_SIZE);
	hear_slice(owner, channel);
	hear_slice(owner, payload);
}

static void run_pubsub(struct hearing *hearing, struct slice input, size_t piece_size)
{
	struct redis_pubsub pubsub;

	redis_pubsub_init(&pubsub, &server, (struct redis_pubsub_listener){on_message, hearing});
	ASSERT(redis_pubsub_open(&pubsub) == STATUS_OK);
	ASSERT(redis_pubsub_ping(&pubsub) == STATUS_OK);
	greet(&pubsub.session);
	feed(&pubsub.session, input, piece_size);
	hear(hearing, pubsub.session.error, strlen(pubsub.session.error));
	hear(hearing, &pubsub.confirmed, sizeof(pubsub.confirmed));
	hear(hearing, &pubsub.pings_pending, sizeof(pubsub.pings_pending));
	redis_pubsub_deinit(&pubsub);
}

static void run_sentinel(struct hearing *hearing, struct slice input, size_t piece_size)
{
	static char master[] = "m", password[] = "pw";
	static const struct config_redis asked = {.master = master, .password = password};
	struct redis_sentinel sentinel;

	redis_sentinel_init(&sentinel, &asked);
	ASSERT(redis_sentinel_open(&sentinel) == STATUS_OK);
	feed(&sentinel.session, input, piece_size);
	if (sentinel.state == REDIS_SENTINEL_ANSWERED)
		ASSERT(sentinel.address.host[0] != '\0' && sentinel.address.port != 0);
	ASSERT(memchr(sentinel.address.host, '\0', sizeof(sentinel.address.host)) != NULL);
	hear(hearing, sentinel.session.error, strlen(sentinel.session.error));
	hear(hearing, &sentinel.state, sizeof(sentinel.state));
	redis_sentinel_deinit(&sentinel);
}

static uint64_t run(struct slice input, size_t piece_size)
{
	struct hearing hearing = {.hash = 0xcbf29ce484222325u};

	run_client(&hearing, input, piece_size);
	run_pubsub(&hearing, input, piece_size);
	run_sentinel(&hearing, input, piece_size);
	return hearing.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct slice input = slice_of(bytes, size);

	if (size == 0)
		return 0;
	if (!reader.fields)
		ASSERT(redis_entry_init(&reader) == STATUS_OK);
	size_t piece_size = bytes[0] ? bytes[0] : 1;
	input = slice_skip(input, 1);
	ASSERT(run(input, piece_size) == run(input, input.size));
	return 0;
}
