/* tests/model/fanout_router.c - receipts in, replays out. */
#include "fanout_router.h"

#include <stdlib.h>
#include <string.h>

#include "lane/lane.h"
#include "lane/notice.h"
#include "shard/receipts.h"
#include "shard/shard_state.h"
#include "wire/connection_id.h"

#define CHECK(expression) ASSERT(expression)
#define JOBS_MAX 16
#define ID_BASE_MS 1000 /* number n is 1000 + n / 4, n % 4 */
#define SLOTS 400
#define FRAME_EXTRA 64

struct job {
	uint8_t type; /* enum receipt_type */
	uint8_t listed;
	bool is_answered;
	bool has_after;
	uint32_t channel;
	uint32_t next; /* number to look at */
	uint32_t after[CHANNELS + 1];
};

/* What the router knows of a connection. */
struct known {
	bool is_attached;
	bool is_owed_more; /* a part was sent: no other before MORE */
	uint32_t generation;
	uint32_t jobs_count;
	struct job jobs[JOBS_MAX];
};

static struct router_options options;
static uint64_t (*pick)(uint64_t bound);
static struct entry_sent *entries;
static uint32_t entries_count, entries_capacity;
static uint32_t *waiting; /* numbers of notices on the lane */
static uint32_t waiting_first, waiting_count, waiting_capacity;
static struct receipt *inbox;
static uint32_t inbox_first, inbox_count, inbox_capacity;
static struct known known[SLOTS];

static struct event_id id_of(uint32_t number)
{
	return (struct event_id){ID_BASE_MS + number / 4, number % 4};
}

uint32_t router_number_of(struct event_id id)
{
	if (id.ms < ID_BASE_MS)
		return 0;
	return (uint32_t)(id.ms - ID_BASE_MS) * 4 + (uint32_t)id.sequence;
}

const struct entry_sent *router_entry(uint32_t number)
{
	CHECK(number > 0 && number < entries_count);
	return &entries[number];
}

bool router_is_ephemeral(uint32_t number)
{
	return router_entry(number)->is_ephemeral;
}

struct event_id router_some_position(void)
{
	uint32_t back = (uint32_t)(pick(2) ? pick(8) : pick(entries_count));

	return back >= entries_count ? (struct event_id){0, 0} : id_of(entries_count - 1 - back);
}

static void *grown(void *items, uint32_t count, uint32_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity ? *capacity * 2 : 64;
	items = realloc(items, *capacity * size);
	CHECK(items);
	return items;
}

void router_begin(const struct router_options *given, uint64_t (*given_pick)(uint64_t bound))
{
	options = *given;
	pick = given_pick;
	CHECK(options.slots <= SLOTS);
	memset(known, 0, sizeof(known));
	waiting_first = waiting_count = inbox_first = inbox_count = 0;
	entries_count = 0;
	entries = grown(entries, entries_count, &entries_capacity, sizeof(*entries));
	entries[entries_count++] = (struct entry_sent){0}; /* number 0: before everything */
}

void router_end(void)
{
	free(entries);
	free(waiting);
	free(inbox);
	entries = NULL;
	waiting = NULL;
	inbox = NULL;
	entries_capacity = waiting_capacity = inbox_capacity = 0;
}

static void push(const struct delivery *delivery)
{
	CHECK(ring_push(&options.deliveries->ring, delivery));
}

/* ---- notices ---- */

static void name_channels(struct notice *notice, const struct entry_sent *entry)
{
	for (uint32_t i = 0; i < entry->channels_count; i++) {
		struct notice_channel *channel = &notice->channels[i];

		channel->name = slice_of_text(fanout_names[entry->channels[i]]);
		channel->hash = hash_bytes(options.shard->channels.key, channel->name);
		channel->target = entry->channels[i] == TO_CONN ? TARGET_CONN
				  : entry->channels[i] == 0     ? TARGET_ALL
								: TARGET_NAMED;
		channel->slot = entry->slot;
		channel->generation = entry->generation;
	}
}

static void fill_frame(struct notice *notice, const struct entry_sent *entry, uint8_t *bytes)
{
	struct replay what = {entries_count, entry->channels[0], KIND_NOTICE};
	size_t frame = client_write(bytes, what, entry->size);
	size_t head = 9, name = 2 + strlen(fanout_names[what.channel]);

	if (entry->channels_count == 1) {
		notice->frame = slice_of(bytes, frame);
		return;
	}
	notice->head = slice_of(bytes + frame - entry->size - name - head, head);
	notice->tail = slice_of(bytes + frame - entry->size, entry->size);
}

static struct entry_sent some_entry(void)
{
	struct entry_sent entry = {.slot = (uint16_t)(1 + pick(options.slots - 1))};

	entry.size = (uint32_t)(pick(100) < options.large_percent ? pick(options.payload_max)
								  : pick(200));
	entry.is_ephemeral = pick(100) < options.ephemeral_percent;
	entry.generation = conn_at(options.shard, entry.slot)->generation;
	entry.channels_count = pick(4) > 0 ? 1 : 1 + (uint32_t)pick(3);
	for (uint32_t i = 0; i < entry.channels_count; i++)
		entry.channels[i] = (uint8_t)pick(CHANNELS + 1);
	return entry;
}

/* The shard holds one of its channels; else it hears nothing of the entry. */
static bool is_heard(const struct entry_sent *entry)
{
	for (uint32_t i = 0; i < entry->channels_count; i++) {
		struct slice name = slice_of_text(fanout_names[entry->channels[i]]);
		uint64_t hash = hash_bytes(options.shard->channels.key, name);

		if (entry->channels[i] == TO_CONN ||
		    channels_has_name(&options.shard->channels, name, hash))
			return true;
	}
	return false;
}

static void add_entry(const struct entry_sent *entry)
{
	entries = grown(entries, entries_count, &entries_capacity, sizeof(*entries));
	entries[entries_count++] = *entry;
}

void router_push_notice(bool is_quiet)
{
	struct entry_sent entry = some_entry();
	struct delivery delivery = {.type = DELIVERY_NOTICE};
	uint8_t *bytes;

	if (entry.size + FRAME_EXTRA > options.bytes_left)
		return;
	options.bytes_left -= entry.size + FRAME_EXTRA;
	if (!is_heard(&entry)) {
		add_entry(&entry);
		return;
	}
	if (is_quiet)
		return;
	delivery.notice = notice_create(entry.channels_count, entry.size + FRAME_EXTRA, &bytes);
	CHECK(delivery.notice);
	name_channels(delivery.notice, &entry);
	fill_frame(delivery.notice, &entry, bytes);
	if (!entry.is_ephemeral)
		delivery.notice->event_id = id_of(entries_count);
	push(&delivery);
	push(&(struct delivery){
		.type = DELIVERY_ANSWER,
		.generation = conn_at(options.shard, 0)->generation,
	});
	waiting =
		grown(waiting, waiting_first + waiting_count, &waiting_capacity, sizeof(*waiting));
	waiting[waiting_first + waiting_count++] = entries_count;
	add_entry(&entry);
}

uint32_t router_taken(void)
{
	CHECK(waiting_count > 0);
	waiting_count--;
	return waiting[waiting_first++];
}

uint32_t router_waiting(void)
{
	return waiting_count;
}

/* ---- receipts ---- */

static void add_receipt(const struct conn *conn, struct receipt receipt)
{
	receipt.slot = (uint16_t)conn_slot(options.shard, conn);
	receipt.generation = conn->generation;
	inbox = grown(inbox, inbox_first + inbox_count, &inbox_capacity, sizeof(*inbox));
	inbox[inbox_first + inbox_count++] = receipt;
}

void receipts_attach(struct shard *of, const struct conn *conn, struct recovery *recovery)
{
	(void)of;
	add_receipt(conn, (struct receipt){.type = RECEIPT_ATTACH, .recovery = recovery});
}

void receipts_subscribe(struct shard *of, const struct conn *conn, struct recovery *recovery,
			uint32_t channel, char *ref)
{
	(void)of;
	CHECK(!ref);
	add_receipt(conn, (struct receipt){.type = RECEIPT_SUBSCRIBE,
					   .recovery = recovery,
					   .channel = channel});
}

void receipts_catch_up(struct shard *of, const struct conn *conn, struct recovery *recovery)
{
	(void)of;
	add_receipt(conn, (struct receipt){.type = RECEIPT_CATCH_UP, .recovery = recovery});
}

void receipts_more(struct shard *of, const struct conn *conn)
{
	(void)of;
	CHECK(!conn->outbox && !conn_has(conn, CONN_BLOCKED));
	add_receipt(conn, (struct receipt){.type = RECEIPT_MORE});
}

void receipts_detach(struct shard *of, const struct conn *conn)
{
	(void)of;
	add_receipt(conn, (struct receipt){.type = RECEIPT_DETACH});
}

/* Which channel a recovery names. */
static uint32_t channel_of(const struct receipt *receipt, struct slice name)
{
	struct connection_id id;

	for (uint32_t i = 0; i < CHANNELS; i++)
		if (slice_equal_text(name, fanout_names[i]))
			return i;
	CHECK(slice_starts_with(name, SLICE("conn:")));
	CHECK(connection_id_parse(slice_skip(name, 5), options.shard->connection_key, &id));
	CHECK(id.slot == receipt->slot && id.generation == receipt->generation);
	return TO_CONN;
}

static void add_job(struct known *whose, const struct receipt *receipt)
{
	const struct recovery *recovery = receipt->recovery;
	struct job *job = &whose->jobs[whose->jobs_count++];

	CHECK(whose->jobs_count <= JOBS_MAX);
	*job = (struct job){
		.type = receipt->type,
		.channel = receipt->channel,
		.next = UINT32_MAX,
		.has_after = recovery->from == RECOVERY_AFTER,
	};
	for (uint32_t i = 0; i < recovery->channels_count; i++) {
		uint32_t channel = channel_of(receipt, recovery->channels[i].name);
		uint32_t after = router_number_of(recovery->channels[i].after);

		CHECK((job->listed & 1u << channel) == 0 && after < entries_count);
		job->listed |= (uint8_t)(1u << channel);
		job->after[channel] = after;
		if (after + 1 < job->next)
			job->next = after + 1;
	}
	CHECK(job->type == RECEIPT_SUBSCRIBE || (job->listed & 1u << TO_CONN) != 0);
}

static void take_receipt(const struct receipt *receipt)
{
	struct known *whose = &known[receipt->slot];

	if (receipt->type == RECEIPT_ATTACH) {
		CHECK(!whose->is_attached);
		*whose = (struct known){.is_attached = true, .generation = receipt->generation};
	}
	CHECK(whose->is_attached && whose->generation == receipt->generation);
	if (receipt->type == RECEIPT_MORE) {
		CHECK(whose->is_owed_more);
		whose->is_owed_more = false;
	} else if (receipt->type == RECEIPT_DETACH) {
		whose->is_attached = false;
		whose->jobs_count = 0;
	} else {
		add_job(whose, receipt);
		free(receipt->recovery);
	}
}

/* ---- replays ---- */

static struct delivery delivery_to(uint32_t slot, enum delivery_type type)
{
	return (struct delivery){
		.type = (uint8_t)type,
		.slot = (uint16_t)slot,
		.generation = known[slot].generation,
		.channel = RECEIPT_ALL_CHANNELS,
	};
}

static void answer(uint32_t slot, struct job *job)
{
	struct delivery delivery = delivery_to(slot, DELIVERY_ATTACHED);

	job->is_answered = true;
	if (!job->has_after) /* from now on */
		job->next = entries_count;
	if (job->type == RECEIPT_SUBSCRIBE) {
		delivery.type = DELIVERY_SUBSCRIBED;
		delivery.channel = job->channel;
		delivery.ref = NULL;
	} else {
		delivery.attached = calloc(1, sizeof(*delivery.attached));
		CHECK(delivery.attached);
	}
	if (job->type != RECEIPT_CATCH_UP)
		push(&delivery);
	else
		free(delivery.attached);
}

/* The channel as which the job brings this entry; CHANNELS + 1: not at all. */
static uint32_t wanted_as(const struct job *job, uint32_t slot, uint32_t number)
{
	const struct entry_sent *entry = router_entry(number);

	for (uint32_t i = 0; i < entry->channels_count && !entry->is_ephemeral; i++) {
		uint32_t channel = entry->channels[i];

		if ((job->listed & 1u << channel) == 0 ||
		    (job->has_after && number <= job->after[channel]))
			continue;
		if (channel != TO_CONN ||
		    (entry->slot == slot && entry->generation == known[slot].generation))
			return channel;
	}
	return CHANNELS + 1;
}

static void expect_replay(uint32_t slot, const struct replay *what)
{
	const struct conn *conn = conn_at(options.shard, slot);

	if (what->kind != KIND_NOTICE && conn->generation == known[slot].generation)
		client_expect(&options.clients[slot], *what);
}

/* The next part. False: there is no more. */
static bool send_part(uint32_t slot, struct job *job)
{
	size_t room = options.part_max + options.payload_max + FRAME_EXTRA, size = 0;
	struct delivery delivery = delivery_to(slot, DELIVERY_REPLAY);
	size_t enough = 1 + pick(options.part_max);
	uint8_t *bytes;

	delivery.notice = notice_create(1, room, &bytes);
	CHECK(delivery.notice);
	for (; job->next < entries_count && size < enough; job->next++) {
		struct replay what = {
			.number = job->next,
			.channel = (uint8_t)wanted_as(job, slot, job->next),
			.kind = job->type == RECEIPT_ATTACH      ? KIND_ATTACH
				: job->type == RECEIPT_SUBSCRIBE ? KIND_SUBSCRIBE
								 : KIND_NOTICE,
		};

		if (what.channel > CHANNELS)
			continue;
		size += client_write(bytes + size, what, router_entry(what.number)->size);
		expect_replay(slot, &what);
		delivery.count++;
	}
	delivery.notice->frame = slice_of(bytes, size);
	if (size == 0) {
		notice_unref(delivery.notice);
		return false;
	}
	push(&delivery);
	known[slot].is_owed_more = true;
	return true;
}

static void end_job(uint32_t slot, const struct job *job)
{
	struct delivery delivery = delivery_to(slot, DELIVERY_LIVE);
	struct known *whose = &known[slot];

	if (job->type == RECEIPT_SUBSCRIBE)
		delivery.channel = job->channel;
	delivery.id = id_of(entries_count - 1);
	push(&delivery);
	whose->jobs_count--;
	memmove(whose->jobs, whose->jobs + 1, whose->jobs_count * sizeof(*job));
}

static void work_on(uint32_t slot)
{
	struct known *whose = &known[slot];
	struct job *job = &whose->jobs[0];

	if (!job->is_answered)
		answer(slot, job);
	if (!whose->is_owed_more && send_part(slot, job) && pick(2))
		return;
	/* LIVE may follow the last part at once. */
	while (job->next < entries_count && wanted_as(job, slot, job->next) > CHANNELS)
		job->next++;
	if (job->next == entries_count)
		end_job(slot, job);
}

void router_work(bool is_lively)
{
	while (inbox_count > 0 && (!is_lively || pick(6) > 0)) {
		take_receipt(&inbox[inbox_first++]);
		inbox_count--;
	}
	if (inbox_count == 0)
		inbox_first = 0;
	for (uint32_t slot = 0; slot < options.slots; slot++)
		while (known[slot].jobs_count > 0 && (!is_lively || pick(3) > 0)) {
			uint32_t before = known[slot].jobs_count;

			work_on(slot);
			if (known[slot].jobs_count == before)
				break;
		}
}

bool router_has_work(void)
{
	for (uint32_t slot = 0; slot < options.slots; slot++)
		if (known[slot].is_attached &&
		    (known[slot].jobs_count > 0 || known[slot].is_owed_more))
			return true;
	return inbox_count > 0;
}
