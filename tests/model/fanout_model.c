/* tests/model/fanout_model.c - the real turns of a shard, from the lane to the sockets, over a
 * ring that is made up here: sockets take all, a part or nothing. Each client reads every notice
 * of each of its channels from its join on, in order and once, or it hears a close and nothing
 * more. The bytes of a send are read when it is submitted, as the kernel does. */
#include <errno.h>
#include <string.h>

#include "lane/lane.h"
#include "lane/notice.h"
#include "model.h"
#include "shard/deliver.h"
#include "shard/handshake.h"
#include "shard/message.h"
#include "shard/receipts.h"
#include "shard/receive.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "shard/timers.h"
#include "wire/ws_frame.h"

#define SLOTS 400
#define CHANNELS 6       /* all and five others */
#define TO_CONN CHANNELS /* what comes by a connection's id */
#define OPS_MAX 4096
#define WITNESS 0 /* slot of the client that hears of each notice: it was delivered */

static const char *const names[] = {"all", "c1", "c2", "c3", "c4", "c5", "conn"};

/* Numbers of the notices that a client must read on one channel. */
struct fifo {
	uint32_t *items;
	uint32_t first, count, capacity;
	uint32_t left; /* items before it are of a subscription that ended: they may be missing */
};

/* The client's end, one for each slot. */
struct client {
	struct fifo expected[CHANNELS + 1];
	uint8_t *bytes;
	size_t size, capacity;
	uint32_t stuck;        /* turns for which the socket takes nothing more */
	uint64_t writable_tag; /* 0: no poll is armed */
	bool has_close;        /* a close frame has come */
	bool has_ended;        /* it went by itself */
};

struct op {
	uint8_t type; /* enum shard_op */
	uint32_t slot;
	const uint8_t *bytes;
	size_t size;
	uint64_t tag;
};

/* How a round goes. */
static struct {
	uint32_t slots;
	uint32_t short_percent; /* sends that a socket does not take whole */
	uint32_t stuck_max;
	uint32_t payload_max;
	uint32_t pushes_max; /* a turn */
	uint32_t join_percent;
	uint32_t turns;      /* lively ones that are left */
	size_t bytes_left;   /* notices are made as long as there are any */
	bool is_gentle;      /* less is sent than anybody has room for: nobody may be cut */
} plan;

/* What is on the lane: to know what was taken from it. */
struct sent {
	uint32_t number;
	uint32_t channels_count;
	uint8_t channels[3];
	uint32_t slot; /* for TO_CONN */
	uint32_t generation;
};

static struct shard *shard;
static struct config config;
static struct counters counters;
static struct lane deliveries, departures;
static struct client clients[SLOTS];
static struct op ops[OPS_MAX];
static uint32_t ops_count;
static struct uring_event events[OPS_MAX];
static uint32_t events_first, events_count;
static struct uring_event talk[SLOTS]; /* the completions that come from clients */
static uint32_t talk_count;
static bool is_talk_first;
static struct sleeper sleeper;
static struct sent sent[DELIVERY_LANE_SIZE]; /* a ring: a witness's delivery follows each */
static uint32_t sent_first, sent_count;
static uint32_t numbers;

/* ---- what lies around the files under test ---- */

static void add_op(uint8_t type, uint32_t slot, struct slice bytes, uint64_t tag)
{
	CHECK(ops_count < OPS_MAX && slot < SLOTS);
	ops[ops_count++] = (struct op){type, slot, bytes.bytes, bytes.size, tag};
}

void uring_send(struct uring *uring, uint32_t slot, const void *bytes, size_t size, uint64_t tag)
{
	(void)uring;
	add_op(SHARD_OP_SEND, slot, slice_of(bytes, size), tag);
}

void uring_poll_writable(struct uring *uring, uint32_t slot, uint64_t tag)
{
	(void)uring;
	CHECK(clients[slot].writable_tag == 0);
	clients[slot].writable_tag = tag;
}

void uring_poll_readable(struct uring *uring, uint32_t slot, uint64_t tag)
{
	(void)uring;
	(void)slot;
	(void)tag;
}

void uring_close(struct uring *uring, uint32_t slot, const uint64_t armed[2], uint64_t tag)
{
	(void)uring;
	(void)armed;
	add_op(SHARD_OP_CLOSE, slot, (struct slice){NULL, 0}, tag);
}

struct wheel_timer *timers_at(void *owner, uint32_t slot)
{
	return &conn_at(owner, slot)->timer;
}

void timers_arm(struct shard *of, struct conn *conn, uint32_t delay_ms)
{
	wheel_arm(&of->wheel, conn_slot(of, conn), delay_ms);
}

void receipts_interest(struct shard *of, struct slice channel)
{
	(void)of;
	(void)channel;
}

void receipts_disinterest(struct shard *of, struct slice channel)
{
	(void)of;
	(void)channel;
}

void receipts_detach(struct shard *of, const struct conn *conn)
{
	(void)of;
	(void)conn;
}

void receipts_flush(struct shard *of)
{
	(void)of;
}

void timers_advance(struct shard *of)
{
	(void)of;
}

void receive_queue(struct shard *of, struct conn *conn)
{
	(void)of;
	(void)conn;
}

void receive_flush(struct shard *of)
{
	(void)of;
}

bool receive_has_more(const struct shard *of)
{
	(void)of;
	return false;
}

void receive_on_readable(struct shard *of, struct conn *conn, const struct uring_event *event)
{
	(void)of;
	(void)conn;
	(void)event;
	abort();
}

void handshake_on_attached(struct shard *of, struct conn *conn, struct event_id last)
{
	(void)of;
	(void)conn;
	(void)last;
	abort();
}

void handshake_on_refused(struct shard *of, struct conn *conn)
{
	(void)of;
	(void)conn;
	abort();
}

/* ---- what a client must read ---- */

static void expect(struct fifo *fifo, uint32_t number)
{
	if (fifo->count == fifo->capacity) {
		fifo->capacity = fifo->capacity ? fifo->capacity * 2 : 16;
		fifo->items = realloc(fifo->items, fifo->capacity * sizeof(uint32_t));
		CHECK(fifo->items);
	}
	fifo->items[fifo->count++] = number;
}

static void client_reset(struct client *client)
{
	for (uint32_t i = 0; i <= CHANNELS; i++)
		free(client->expected[i].items);
	free(client->bytes);
	*client = (struct client){0};
}

static uint8_t pattern(uint32_t number, size_t i)
{
	return (uint8_t)('a' + (number + i) % 26);
}

static uint32_t channel_named(const uint8_t *text, size_t *ret_size)
{
	for (uint32_t i = 0; i <= CHANNELS; i++) {
		*ret_size = strlen(names[i]) + 2;
		if (text[0] == '"' && memcmp(text + 1, names[i], *ret_size - 2) == 0 &&
		    text[*ret_size - 1] == '"')
			return i;
	}
	abort();
}

/* "%08x", the channel in quotes, the pattern. */
static void read_text(struct client *client, const uint8_t *text, size_t size)
{
	char digits[9] = {0};
	size_t name_size;

	CHECK(size >= 8 + 4);
	memcpy(digits, text, 8);
	uint32_t number = (uint32_t)strtoul(digits, NULL, 16);
	struct fifo *fifo = &client->expected[channel_named(text + 8, &name_size)];

	while (fifo->first < fifo->left && fifo->items[fifo->first] != number)
		fifo->first++;
	CHECK(fifo->first < fifo->count);
	CHECK(fifo->items[fifo->first++] == number);
	for (size_t i = 8 + name_size; i < size; i++)
		CHECK(text[i] == pattern(number, i - 8 - name_size));
}

/* Reads one frame; returns its size, 0 when it is not whole. */
static size_t read_frame(struct client *client, const uint8_t *bytes, size_t size)
{
	size_t header = 2, payload;

	if (size < 2)
		return 0;
	payload = bytes[1];
	if (payload == 126) {
		header = 4;
		if (size < header)
			return 0;
		payload = (size_t)bytes[2] << 8 | bytes[3];
	} else if (payload == 127) {
		header = 10;
		if (size < header)
			return 0;
		payload = (size_t)bytes[7] << 16 | (size_t)bytes[8] << 8 | bytes[9];
	}
	CHECK(!client->has_close);
	if (size < header + payload)
		return 0;
	if (bytes[0] == (0x80 | WS_TEXT))
		read_text(client, bytes + header, payload);
	else if (bytes[0] == (0x80 | WS_CLOSE))
		client->has_close = true;
	else
		CHECK(bytes[0] == (0x80 | WS_PING) && payload == 3 &&
		      memcmp(bytes + header, "abc", 3) == 0);
	return header + payload;
}

static void client_take(struct client *client, const uint8_t *bytes, size_t size)
{
	size_t done = 0, frame;

	if (client->capacity - client->size < size) {
		client->capacity = (client->size + size) * 2;
		client->bytes = realloc(client->bytes, client->capacity);
		CHECK(client->bytes);
	}
	memcpy(client->bytes + client->size, bytes, size);
	client->size += size;
	while ((frame = read_frame(client, client->bytes + done, client->size - done)) > 0)
		done += frame;
	memmove(client->bytes, client->bytes + done, client->size - done);
	client->size -= done;
}

/* ---- the kernel ---- */

static void add_event(uint64_t tag, int32_t result)
{
	CHECK(events_count < OPS_MAX);
	events[events_count++] = (struct uring_event){.tag = tag, .result = result};
}

static void run_send(const struct op *op)
{
	struct client *client = &clients[op->slot];
	size_t taken = op->size;

	if (client->stuck > 0) {
		taken = 0;
	} else if (pick(100) < plan.short_percent) {
		taken = pick((uint32_t)op->size);
		client->stuck = 1 + pick(plan.stuck_max);
	}
	if (taken > 0)
		client_take(client, op->bytes, taken);
	if (taken == op->size)
		return;
	add_event(op->tag, taken > 0 ? (int32_t)taken : -EAGAIN);
}

static void submit_all(void)
{
	bool has_sent[SLOTS] = {false};

	for (uint32_t i = 0; i < ops_count; i++) {
		if (ops[i].type == SHARD_OP_CLOSE) {
			clients[ops[i].slot].writable_tag = 0;
			add_event(ops[i].tag, 0);
			continue;
		}
		CHECK(!has_sent[ops[i].slot]); /* else the second overtakes a short first one */
		has_sent[ops[i].slot] = true;
		run_send(&ops[i]);
	}
	ops_count = 0;
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		struct client *client = &clients[slot];

		if (client->stuck > 0 && --client->stuck > 0)
			continue;
		if (client->writable_tag != 0)
			add_event(client->writable_tag, 1);
		client->writable_tag = 0;
	}
}

/* What clients did comes before or after what became of the sends. */
uint32_t uring_reap(struct uring *uring, struct uring_event *ret_events, uint32_t max)
{
	uint32_t count = talk_count < max ? talk_count : max;

	(void)uring;
	if (is_talk_first && count > 0) {
		memcpy(ret_events, talk, count * sizeof(*talk));
		talk_count = 0;
		return count;
	}
	is_talk_first = true; /* what is left, once the others are out */
	count = events_count - events_first < max ? events_count - events_first : max;
	memcpy(ret_events, events + events_first, count * sizeof(*events));
	events_first += count;
	if (count > 0)
		return count;
	events_first = events_count = 0;
	return talk_count > 0 ? uring_reap(uring, ret_events, max) : 0;
}

void uring_submit(struct uring *uring)
{
	(void)uring;
	submit_all();
}

enum status uring_start(struct uring *uring)
{
	(void)uring;
	return STATUS_OK;
}

/* ---- the router ---- */

static size_t write_notice(uint8_t *bytes, const struct sent *what, size_t pattern_size)
{
	size_t name_size = strlen(names[what->channels[0]]) + 2;
	size_t payload = 8 + name_size + pattern_size;
	uint8_t *start = bytes;
	char digits[9];

	bytes += ws_frame_write_header(bytes, WS_TEXT, payload);
	snprintf(digits, sizeof(digits), "%08x", what->number);
	memcpy(bytes, digits, 8);
	bytes[8] = '"';
	memcpy(bytes + 9, names[what->channels[0]], name_size - 2);
	bytes[8 + name_size - 1] = '"';
	bytes += 8 + name_size;
	for (size_t i = 0; i < pattern_size; i++)
		*bytes++ = pattern(what->number, i);
	return (size_t)(bytes - start);
}

static void name_channels(struct notice *notice, const struct sent *what)
{
	for (uint32_t i = 0; i < what->channels_count; i++) {
		struct notice_channel *channel = &notice->channels[i];

		channel->name = slice_of_text(names[what->channels[i]]);
		channel->hash = hash_bytes(shard->channels.key, channel->name);
		channel->target = what->channels[i] == TO_CONN ? TARGET_CONN
				  : what->channels[i] == 0     ? TARGET_ALL
							       : TARGET_NAMED;
		channel->slot = (uint16_t)what->slot;
		channel->generation = what->generation;
	}
}

static void push_notice(void)
{
	size_t size = pick(10) == 0 ? pick(plan.payload_max) : pick(200);
	struct sent *what = &sent[(sent_first + sent_count) % DELIVERY_LANE_SIZE];
	struct delivery delivery = {.type = DELIVERY_NOTICE};
	uint8_t *bytes;

	if (size + 64 > plan.bytes_left)
		return;
	plan.bytes_left -= size + 64;
	*what = (struct sent){.number = numbers++, .slot = pick(plan.slots)};
	what->generation = conn_at(shard, what->slot)->generation;
	what->channels_count = pick(4) > 0 ? 1 : 1 + pick(3);
	for (uint32_t i = 0; i < what->channels_count; i++)
		what->channels[i] = (uint8_t)pick(CHANNELS + 1);
	delivery.notice = notice_create(what->channels_count, size + 64, &bytes);
	CHECK(delivery.notice);
	name_channels(delivery.notice, what);
	size_t frame = write_notice(bytes, what, size);

	if (what->channels_count == 1) {
		delivery.notice->frame = slice_of(bytes, frame);
	} else {
		delivery.notice->head = slice_of(bytes + frame - size - 8 - 2 -
						 strlen(names[what->channels[0]]), 8);
		delivery.notice->tail = slice_of(bytes + frame - size, size);
	}
	CHECK(ring_push(&deliveries.ring, &delivery));
	delivery = (struct delivery){.type = DELIVERY_SUBSCRIBED, .slot = WITNESS};
	delivery.generation = conn_at(shard, WITNESS)->generation;
	CHECK(ring_push(&deliveries.ring, &delivery));
	sent_count++;
}

static bool is_joined(struct conn *conn, uint32_t channel)
{
	struct slice name = slice_of_text(names[channel]);
	struct subscription *found =
		subscriptions_find(conn, channels_find(&shard->channels, name,
						       hash_bytes(shard->channels.key, name)));

	return found && found->member != MEMBER_NONE;
}

/* A notice was taken from the lane: who is in must read it, on the first channel he is in. */
static void account(const struct sent *what)
{
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		struct conn *conn = conn_at(shard, slot);

		if (conn->state != CONN_OPEN)
			continue;
		for (uint32_t i = 0; i < what->channels_count; i++) {
			uint32_t channel = what->channels[i];
			bool is_his = channel == TO_CONN
					      ? what->slot == slot &&
							what->generation == conn->generation
					      : is_joined(conn, channel);

			if (!is_his)
				continue;
			expect(&clients[slot].expected[channel], what->number);
			break;
		}
	}
}

void message_on_subscribed(struct shard *of, struct conn *conn, const struct delivery *delivery)
{
	CHECK(conn_slot(of, conn) == WITNESS && delivery->slot == WITNESS && sent_count > 0);
	account(&sent[sent_first]);
	sent_first = (sent_first + 1) % DELIVERY_LANE_SIZE;
	sent_count--;
}

/* ---- clients come, go, subscribe and speak ---- */

static void subscribe(struct conn *conn, uint32_t channel)
{
	uint32_t index;

	if (is_joined(conn, channel) || conn->state != CONN_OPEN)
		return;
	CHECK(subscriptions_add(shard, conn, slice_of_text(names[channel]), &index));
	CHECK(subscriptions_join(shard, conn));
}

static void become_open(struct conn *conn)
{
	conn->state = CONN_OPEN;
	counter_add(&shard->counters->connections, 1);
	conn_set(conn, CONN_UPGRADED);
	if (conn_slot(shard, conn) == WITNESS)
		return;
	subscribe(conn, 0);
	for (uint32_t i = 1; i < CHANNELS; i++)
		if (pick(100) < plan.join_percent)
			subscribe(conn, i);
}

static void cut(struct conn *conn)
{
	clients[conn_slot(shard, conn)].has_ended = true;
	conn_close_join(shard, conn, CLOSE_PEER_GONE);
}

static void unsubscribe(struct conn *conn, uint32_t channel)
{
	struct slice name = slice_of_text(names[channel]);

	if (!is_joined(conn, channel))
		return;
	uint32_t index = channels_find(&shard->channels, name,
				       hash_bytes(shard->channels.key, name));

	subscriptions_remove(shard, conn, subscriptions_find(conn, index));
	struct fifo *fifo = &clients[conn_slot(shard, conn)].expected[channel];

	fifo->left = fifo->count;
}

/* A client says something, or goes. */
void receive_on_bytes(struct shard *of, struct conn *conn, uint32_t buffer,
		      const struct uring_event *event)
{
	uint32_t what = pick(10);

	(void)buffer;
	(void)event;
	if (conn->state == CONN_HEAD)
		become_open(conn);
	else if (conn->state == CONN_CLOSING || (conn->state == CONN_OPEN && what == 0))
		cut(conn);
	else if (conn->state != CONN_OPEN)
		return;
	else if (what < 3)
		unsubscribe(conn, 1 + pick(CHANNELS - 1));
	else if (what < 5)
		subscribe(conn, 1 + pick(CHANNELS - 1));
	else
		for (; what > 5; what--)
			send_frame(of, conn, WS_PING, SLICE("abc"));
}

static void add_talk(uint32_t slot)
{
	struct conn *conn = conn_at(shard, slot);
	uint64_t tag = conn_tag(shard, conn, SHARD_OP_RECEIVE, talk_count);

	if (conn->state == CONN_FREE)
		tag = handoff_tag(HANDOFF_ADMIT, 0);
	for (uint32_t i = 0; i < talk_count; i++) /* one new socket in a slot */
		if (talk[i].tag == tag && talk[i].result == (int32_t)slot)
			return;
	if (conn->state == CONN_FREE)
		client_reset(&clients[slot]);
	talk[talk_count++] = (struct uring_event){.tag = tag, .result = (int32_t)slot};
}

/* He who was cut by the shard was slow; in a gentle round nobody is. */
static void check_cuts(void)
{
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		const struct conn *conn = conn_at(shard, slot);

		if (conn->state < CONN_CLOSING || clients[slot].has_ended)
			continue;
		if (conn->reason != CLOSE_GOING_AWAY)
			CHECK(conn->reason == CLOSE_SLOW && !plan.is_gentle);
		else
			CHECK(shard->is_stopping);
	}
}

/* ---- a round ---- */

static void plan_round(void)
{
	plan.slots = pick(8) ? 48 : SLOTS; /* so many that one turn has not room for all */
	plan.short_percent = pick(3) ? pick(40) : pick(3);
	plan.stuck_max = pick(2) ? 4 : 60;
	plan.payload_max = pick(2) ? 3000 : 60000;
	plan.pushes_max = 1 + pick(40);
	plan.join_percent = pick(3) ? 50 : pick(2) ? 90 : 5;
	plan.is_gentle = pick(3) == 0;
	plan.bytes_left = plan.is_gentle ? 60000 : 8u << 20;
	plan.turns = plan.slots == SLOTS ? 100 : 200 + pick(300);
	config = (struct config){.max_message_size = 65536, .max_outbox_bytes = 65536,
				 .close_timeout_ms = 60000};
	counters = (struct counters){0};
}

static void begin(void)
{
	bool is_new;

	shard = calloc(1, sizeof(*shard));
	CHECK(shard);
	shard->config = &config;
	shard->counters = &counters.shards[0];
	shard->slots = plan.slots;
	shard->deliveries = &deliveries;
	shard->departures = &departures;
	shard->sleeper = &sleeper;
	shard->turn = 1;
	shard->sendable.slots = malloc((SLOTS_MAX + 1) * sizeof(uint16_t));
	shard->arena.capacity = 4096;
	shard->arena.bytes = malloc(shard->arena.capacity);
	shard->conns = calloc(plan.slots, sizeof(*shard->conns));
	CHECK(shard->sendable.slots && shard->arena.bytes && shard->conns);
	wheel_init(&shard->wheel, 0, timers_at, shard);
	sleeper_init(&sleeper, -1);
	CHECK(channels_init(&shard->channels, (struct hash_key){model_seed, 2}));
	CHECK(channels_hold(&shard->channels, SLICE("all"), &is_new) == CHANNEL_ALL);
	CHECK(ring_init(&deliveries.ring, DELIVERY_LANE_SIZE, sizeof(struct delivery)) ==
	      STATUS_OK);
	CHECK(ring_init(&departures.ring, 1024, sizeof(struct departure)) == STATUS_OK);
	sent_first = sent_count = events_first = events_count = talk_count = 0;
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		client_reset(&clients[slot]);
		conn_open(shard, slot, handoff_tag(HANDOFF_ADMIT, 0));
		become_open(conn_at(shard, slot));
	}
}

static bool has_work(void)
{
	for (uint32_t slot = 0; slot < plan.slots; slot++)
		if (clients[slot].writable_tag != 0)
			return true;
	return send_has_more(shard) || deliver_has_more(shard) || shard->sends_count > 0 ||
	       events_count > 0;
}

static bool is_read(const struct fifo *fifo)
{
	return fifo->first == fifo->count || fifo->left == fifo->count;
}

/* Nothing is left to be sent: whoever is still open has read all that was for him. */
static void check_all_read(void)
{
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		const struct client *client = &clients[slot];

		if (conn_at(shard, slot)->state != CONN_OPEN)
			continue;
		CHECK(client->size == 0 && !client->has_close);
		for (uint32_t i = 0; i <= CHANNELS; i++)
			CHECK(is_read(&client->expected[i]));
	}
	CHECK(counter_read(&shard->counters->blocked) == 0 && sent_count == 0);
}

/* The world goes on between two turns: it is lively, then all sockets take everything again,
 * then the shard is told to end. */
void uring_wait(struct uring *uring, uint64_t timeout_ns)
{
	struct departure departure;
	static uint32_t waits;

	(void)uring;
	check_cuts();
	while (ring_pop(&departures.ring, &departure))
		;
	is_talk_first = pick(2);
	if (plan.turns > 0) {
		waits = 0;
		for (uint32_t n = pick(4); n > 0; n--)
			add_talk(1 + pick(plan.slots - 1));
		for (uint32_t n = pick(plan.pushes_max); n > 0; n--)
			if (ring_room(&deliveries.ring) >= 2)
				push_notice();
		plan.turns--;
		return;
	}
	plan.short_percent = 0;
	CHECK(++waits < 20000);
	if (shard->is_stopping) {
		for (uint32_t slot = 0; slot < plan.slots; slot++)
			if (conn_at(shard, slot)->state == CONN_CLOSING)
				add_talk(slot);
	} else if (!has_work()) {
		CHECK(timeout_ns > 0);
		check_all_read();
		add_event(ring_tag(RING_OP_STOP, 0), 0);
	}
}

static void end(void)
{
	CHECK(shard->sockets == 0 && shard->channels.count == 1);
	CHECK(counter_read(&shard->counters->subscriptions) == 0);
	CHECK(counter_read(&shard->counters->connections) == 0);
	CHECK(counter_read(&shard->counters->blocked) == 0);
	CHECK(shard->wheel.armed == 0);
	channels_deinit(&shard->channels);
	ring_deinit(&deliveries.ring);
	ring_deinit(&departures.ring);
	for (uint32_t slot = 0; slot < plan.slots; slot++)
		client_reset(&clients[slot]);
	free(shard->sendable.slots);
	free(shard->arena.bytes);
	free(shard->conns);
	free(shard);
}

static void round_of_fanout(void)
{
	plan_round();
	begin();
	shard_run(shard);
	end();
}

int main(int argc, char **argv)
{
	return model_run(argc > 1 ? argv[1] : NULL, 60, round_of_fanout);
}
