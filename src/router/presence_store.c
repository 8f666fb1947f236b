/* router/presence_store.c - commands for Redis, word by word. */
#include "router/presence_store.h"

#include "base/assert.h"
#include "wire/connection_id.h"
#include "wire/event_id.h"
#include "wire/json.h"

#define KEY_CONN "belfry:conn:"
#define KEY_PRESENCE "belfry:presence:"
#define KEY_ONLINE SLICE("belfry:online")
#define KEY_SWEEPER SLICE("belfry:sweeper")
#define KEY_UP SLICE("belfry:up")

/* ---- batches ---- */

static void begin_batch(struct presence_batch *batch)
{
	batch->count = 0;
	writer_init(&batch->writer, batch->text, sizeof(batch->text));
}

/* The command that words are added to from here on. */
static void begin(struct presence_batch *batch, struct slice name)
{
	ASSERT(batch->count < PRESENCE_COMMANDS_MAX);
	batch->commands[batch->count++] = (struct presence_command){{name}, 1};
}

static void add(struct presence_batch *batch, struct slice word)
{
	struct presence_command *command = &batch->commands[batch->count - 1];

	ASSERT(command->count < PRESENCE_WORDS_MAX);
	ASSERT(!slice_is_absent(word));
	command->words[command->count++] = word;
}

/* What was written to the batch's text since its size was `start`. */
static struct slice written_since(const struct presence_batch *batch, size_t start)
{
	ASSERT(!batch->writer.overflow); /* sizes are bounded, see struct presence_batch */
	return slice_of(batch->text + start, batch->writer.size - start);
}

static struct slice joined(struct presence_batch *batch, struct slice a, struct slice b)
{
	size_t start = batch->writer.size;

	writer_slice(&batch->writer, a);
	writer_slice(&batch->writer, b);
	return written_since(batch, start);
}

static struct slice number(struct presence_batch *batch, uint64_t value)
{
	size_t start = batch->writer.size;

	writer_u64(&batch->writer, value);
	return written_since(batch, start);
}

static struct slice time_text(struct presence_batch *batch, uint64_t unix_ms)
{
	size_t start = batch->writer.size;

	event_id_write_time(&batch->writer, unix_ms);
	return written_since(batch, start);
}

static struct slice presence_key(struct presence_batch *batch, struct slice user)
{
	return joined(batch, SLICE(KEY_PRESENCE), user);
}

/* ---- words that more than one has ---- */

static struct slice user_of(const struct presence_conn *conn)
{
	return slice_of(conn->user->name, conn->user->name_size);
}

static struct slice conn_key(const struct presence_conn *conn, struct presence_batch *batch)
{
	char room[CONNECTION_ID_SIZE];

	return joined(batch, SLICE(KEY_CONN), connection_id_complete(conn->digits, room));
}

static struct slice member(const struct presence_store *store, const struct presence_conn *conn,
			   struct presence_batch *batch)
{
	size_t start = batch->writer.size;

	presence_answer_member(&batch->writer, store->node, conn);
	return written_since(batch, start);
}

static struct slice linger_member(const struct presence_store *store, struct presence_batch *batch)
{
	size_t start = batch->writer.size;

	writer_text(&batch->writer, "{\"node\":");
	json_write_string(&batch->writer, store->node);
	writer_format(&batch->writer, ",\"process\":\"%016lx\"}", store->process);
	return written_since(batch, start);
}

static void add_zadd(struct presence_batch *batch, struct slice key, uint64_t end_ms,
		     struct slice what)
{
	begin(batch, SLICE("ZADD"));
	add(batch, key);
	add(batch, number(batch, end_ms));
	add(batch, what);
}

static void add_zrem(struct presence_batch *batch, struct slice key, struct slice what)
{
	begin(batch, SLICE("ZREM"));
	add(batch, key);
	add(batch, what);
}

/* The set stays as long as anything in it can: what one node says of it holds for all. */
static void add_expiry(const struct presence_store *store, struct presence_batch *batch,
		       struct slice key)
{
	uint64_t life_ms = store->ttl_ms > store->linger_ms ? store->ttl_ms : store->linger_ms;

	begin(batch, SLICE("PEXPIRE"));
	add(batch, key);
	add(batch, number(batch, life_ms));
}

/* `only` absent: whether he is in it or not. */
static void add_online(const struct presence_store *store, struct presence_batch *batch,
		       struct slice user, uint64_t unix_ms, struct slice only)
{
	begin(batch, SLICE("ZADD"));
	add(batch, KEY_ONLINE);
	if (!slice_is_absent(only))
		add(batch, only);
	add(batch, SLICE("GT"));
	add(batch, number(batch, unix_ms + store->ttl_ms));
	add(batch, user);
}

/* After now, now left out. */
static struct slice later(struct presence_batch *batch, uint64_t unix_ms)
{
	size_t start = batch->writer.size;

	writer_text(&batch->writer, "(");
	writer_u64(&batch->writer, unix_ms);
	return written_since(batch, start);
}

static void add_count(struct presence_batch *batch, struct slice key, uint64_t unix_ms)
{
	begin(batch, SLICE("ZCOUNT"));
	add(batch, key);
	add(batch, later(batch, unix_ms));
	add(batch, SLICE("+inf"));
}

/* ---- what is written ---- */

void presence_store_put(const struct presence_store *store, const struct presence_conn *conn,
			uint64_t unix_ms, struct presence_batch *ret_batch)
{
	begin_batch(ret_batch);
	struct slice key = presence_key(ret_batch, user_of(conn));
	size_t start = ret_batch->writer.size;

	presence_answer_record(&ret_batch->writer, store->node, conn);
	struct slice record = written_since(ret_batch, start);

	begin(ret_batch, SLICE("SET"));
	add(ret_batch, conn_key(conn, ret_batch));
	add(ret_batch, record);
	add(ret_batch, SLICE("PX"));
	add(ret_batch, number(ret_batch, store->ttl_ms));
	add_zadd(ret_batch, key, unix_ms + store->ttl_ms, member(store, conn, ret_batch));
	add_expiry(store, ret_batch, key);
	add_online(store, ret_batch, user_of(conn), unix_ms, (struct slice){0});
}

void presence_store_drop(const struct presence_store *store, const struct presence_conn *conn,
			 uint64_t linger_ms, uint64_t unix_ms, struct presence_batch *ret_batch)
{
	begin_batch(ret_batch);
	struct slice key = presence_key(ret_batch, user_of(conn));

	if (linger_ms > 0) {
		add_zadd(ret_batch, key, unix_ms + linger_ms, linger_member(store, ret_batch));
		add_expiry(store, ret_batch, key);
	}
	add_zrem(ret_batch, key, member(store, conn, ret_batch));
	begin(ret_batch, SLICE("DEL"));
	add(ret_batch, conn_key(conn, ret_batch));
}

/* ---- offline ---- */

void presence_store_ask(const struct presence_store *store, struct slice user, bool lingered,
			uint64_t unix_ms, struct presence_batch *ret_batch)
{
	begin_batch(ret_batch);
	struct slice key = presence_key(ret_batch, user);

	if (lingered)
		add_zrem(ret_batch, key, linger_member(store, ret_batch));
	begin(ret_batch, SLICE("ZREMRANGEBYSCORE"));
	add(ret_batch, key);
	add(ret_batch, SLICE("-inf"));
	add(ret_batch, number(ret_batch, unix_ms));
	add_count(ret_batch, key, unix_ms);
}

void presence_store_leave(struct slice user, uint64_t unix_ms, struct presence_batch *ret_batch)
{
	begin_batch(ret_batch);
	add_zrem(ret_batch, KEY_ONLINE, user);
	add_count(ret_batch, presence_key(ret_batch, user), unix_ms);
}

void presence_store_lift(const struct presence_store *store, struct slice user, uint64_t unix_ms,
			 struct presence_batch *ret_batch)
{
	begin_batch(ret_batch);
	add_online(store, ret_batch, user, unix_ms, SLICE("XX"));
}

void presence_store_undo(const struct presence_store *store, struct slice user, uint64_t unix_ms,
			 struct presence_batch *ret_batch)
{
	begin_batch(ret_batch);
	add_online(store, ret_batch, user, unix_ms, (struct slice){0});
}

void presence_store_abandon(struct slice user, uint64_t linger_ms, uint64_t unix_ms,
			    struct presence_batch *ret_batch)
{
	begin_batch(ret_batch);
	begin(ret_batch, SLICE("ZADD"));
	add(ret_batch, KEY_ONLINE);
	add(ret_batch, SLICE("XX"));
	add(ret_batch, SLICE("LT"));
	add(ret_batch, number(ret_batch, unix_ms + linger_ms));
	add(ret_batch, user);
}

/* ---- events ---- */

static struct slice event_data(const struct presence_store *store,
			       const struct presence_event *event, struct presence_batch *batch)
{
	struct writer *writer = &batch->writer;
	size_t start = writer->size;

	writer_text(writer, "{\"node\":");
	json_write_string(writer, store->node);
	if (event->is_online && event->device.size > 0) {
		writer_text(writer, ",\"device\":");
		json_write_string(writer, event->device);
	}
	if (event->is_online && event->since_ms > 0) {
		writer_text(writer, ",\"since\":\"");
		event_id_write_time(writer, event->since_ms);
		writer_text(writer, "\"");
	}
	if (!event->is_online)
		writer_text(writer, event->was_swept ? ",\"reason\":\"expired\""
						     : ",\"reason\":\"closed\"");
	writer_text(writer, "}");
	return written_since(batch, start);
}

static void add_field(struct presence_batch *batch, struct slice name, struct slice value)
{
	add(batch, name);
	add(batch, slice_is_absent(value) ? SLICE("") : value);
}

void presence_store_tell(const struct presence_store *store, const struct presence_event *event,
			 uint64_t unix_ms, struct presence_batch *ret_batch)
{
	begin_batch(ret_batch);
	begin(ret_batch, SLICE("XADD"));
	add(ret_batch, KEY_UP);
	add(ret_batch, SLICE("MAXLEN"));
	add(ret_batch, SLICE("~"));
	add(ret_batch, number(ret_batch, PRESENCE_UP_LENGTH_MAX));
	add(ret_batch, SLICE("*"));
	add_field(ret_batch, SLICE("user"), event->user);
	add_field(ret_batch, SLICE("connection_id"), event->connection_id);
	add_field(ret_batch, SLICE("type"),
		  event->is_online ? SLICE("presence.online") : SLICE("presence.offline"));
	add_field(ret_batch, SLICE("data"), event_data(store, event, ret_batch));
	add_field(ret_batch, SLICE("ts"), time_text(ret_batch, unix_ms));
	if (!event->is_online)
		add_count(ret_batch, presence_key(ret_batch, event->user), unix_ms);
}

/* ---- sweeping ---- */

void presence_store_claim(const struct presence_store *store, struct presence_batch *ret_batch)
{
	begin_batch(ret_batch);
	begin(ret_batch, SLICE("SET"));
	add(ret_batch, KEY_SWEEPER);
	add(ret_batch, store->node);
	add(ret_batch, SLICE("NX"));
	add(ret_batch, SLICE("PX"));
	add(ret_batch, number(ret_batch, PRESENCE_SWEEP_MS));
}

void presence_store_sweep(uint64_t unix_ms, struct presence_batch *ret_batch)
{
	begin_batch(ret_batch);
	begin(ret_batch, SLICE("ZRANGEBYSCORE"));
	add(ret_batch, KEY_ONLINE);
	add(ret_batch, SLICE("-inf"));
	add(ret_batch, number(ret_batch, unix_ms));
	add(ret_batch, SLICE("LIMIT"));
	add(ret_batch, SLICE("0"));
	add(ret_batch, number(ret_batch, PRESENCE_SWEEP_COUNT));
}

/* ---- questions ---- */

void presence_store_list(struct slice user, uint64_t unix_ms, struct presence_batch *ret_batch)
{
	begin_batch(ret_batch);
	begin(ret_batch, SLICE("ZRANGEBYSCORE"));
	add(ret_batch, presence_key(ret_batch, user));
	add(ret_batch, later(ret_batch, unix_ms));
	add(ret_batch, SLICE("+inf"));
	add(ret_batch, SLICE("LIMIT"));
	add(ret_batch, SLICE("0"));
	add(ret_batch, number(ret_batch, PRESENCE_LIST_MAX));
}

void presence_store_find(struct slice id, struct presence_batch *ret_batch)
{
	begin_batch(ret_batch);
	begin(ret_batch, SLICE("GET"));
	add(ret_batch, joined(ret_batch, SLICE(KEY_CONN), id));
}
