/* admin/idempotency.c - which requests were taken before, and what they were answered. */
#include "admin/idempotency.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum record_state { RECORD_GONE, RECORD_UNDER_WAY, RECORD_ANSWERED };

struct record {
	uint8_t name[SHA256_SIZE];
	uint64_t fingerprint;
	uint64_t until_ms;
	uint8_t *body; /* ANSWERED: heap */
	uint32_t body_size;
	uint32_t next; /* in the chain of its bucket: place + 1; 0: the last */
	uint16_t status;
	uint8_t state; /* enum record_state */
};

/* Records stand in the order of their claims, which is that of their ends; tickets count them. */
struct idempotency {
	struct hash_key key;
	uint64_t oldest, newest; /* tickets; oldest == newest + 1: there is none */
	struct idempotency_tally tally;
	uint32_t buckets[IDEMPOTENCY_NAMES_MAX]; /* place + 1 of the first; 0: empty */
	struct record records[IDEMPOTENCY_NAMES_MAX];
};

struct idempotency *idempotency_create(struct hash_key key)
{
	struct idempotency *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->key = key;
	table->oldest = 1; /* ticket 0 is none */
	return table;
}

static uint32_t place_of(uint64_t ticket)
{
	return (uint32_t)(ticket % IDEMPOTENCY_NAMES_MAX);
}

void idempotency_destroy(struct idempotency *table)
{
	if (!table)
		return;
	for (uint64_t ticket = table->oldest; ticket <= table->newest; ticket++)
		free(table->records[place_of(ticket)].body);
	free(table);
}

static uint32_t *bucket_of(struct idempotency *table, const uint8_t *name)
{
	uint64_t hash = hash_bytes(table->key, slice_of(name, SHA256_SIZE));

	return &table->buckets[hash % IDEMPOTENCY_NAMES_MAX];
}

static struct record *find(struct idempotency *table, const uint8_t *name)
{
	uint32_t next = *bucket_of(table, name);

	while (next) {
		struct record *record = &table->records[next - 1];

		if (memcmp(record->name, name, SHA256_SIZE) == 0)
			return record;
		next = record->next;
	}
	return NULL;
}

/* The record is no longer found; its place is free once it is the oldest. */
static void forget(struct idempotency *table, struct record *record)
{
	uint32_t *link = bucket_of(table, record->name);

	while (&table->records[*link - 1] != record) {
		link = &table->records[*link - 1].next;
		ASSERT(*link != 0);
	}
	*link = record->next;
	free(record->body);
	table->tally.bytes -= record->body_size;
	table->tally.names--;
	record->body = NULL;
	record->body_size = 0;
	record->state = RECORD_GONE;
}

/* Frees the oldest place. False: its request is under way. */
static bool drop_oldest(struct idempotency *table, uint64_t now_ms)
{
	struct record *record = &table->records[place_of(table->oldest)];

	if (record->state == RECORD_UNDER_WAY)
		return false;
	if (record->state == RECORD_ANSWERED) {
		table->tally.evicted += record->until_ms > now_ms;
		forget(table, record);
	}
	table->oldest++;
	return true;
}

static void drop_old(struct idempotency *table, uint64_t now_ms)
{
	while (table->oldest <= table->newest) {
		const struct record *record = &table->records[place_of(table->oldest)];

		if (record->state == RECORD_ANSWERED && record->until_ms > now_ms)
			return;
		if (!drop_oldest(table, now_ms))
			return;
	}
}

static uint64_t add(struct idempotency *table, const uint8_t *name, uint64_t fingerprint,
		    uint64_t now_ms)
{
	uint32_t *bucket = bucket_of(table, name);
	uint64_t ticket = ++table->newest;
	struct record *record = &table->records[place_of(ticket)];

	ASSERT(record->state == RECORD_GONE);
	*record = (struct record){
		.fingerprint = fingerprint,
		.until_ms = now_ms + IDEMPOTENCY_WINDOW_MS,
		.next = *bucket,
		.state = RECORD_UNDER_WAY,
	};
	memcpy(record->name, name, SHA256_SIZE);
	*bucket = place_of(ticket) + 1;
	table->tally.names++;
	return ticket;
}

struct idempotency_claim idempotency_claim(struct idempotency *table,
					   const uint8_t name[SHA256_SIZE], uint64_t fingerprint,
					   uint64_t now_ms)
{
	struct idempotency_claim claim = {.verdict = IDEMPOTENCY_ANSWERED};
	const struct record *record;

	drop_old(table, now_ms);
	record = find(table, name);
	if (!record) {
		bool is_full = table->newest - table->oldest + 1 == IDEMPOTENCY_NAMES_MAX;

		claim.verdict = IDEMPOTENCY_FULL;
		if (is_full && !drop_oldest(table, now_ms))
			return claim;
		claim.verdict = IDEMPOTENCY_NEW;
		claim.ticket = add(table, name, fingerprint, now_ms);
	} else if (record->fingerprint != fingerprint) {
		claim.verdict = IDEMPOTENCY_MISMATCH;
	} else if (record->state == RECORD_UNDER_WAY) {
		claim.verdict = IDEMPOTENCY_BUSY;
	} else {
		claim.status = record->status;
		claim.body = slice_of(record->body, record->body_size);
	}
	return claim;
}

static struct record *record_of(struct idempotency *table, uint64_t ticket)
{
	struct record *record = &table->records[place_of(ticket)];

	ASSERT(ticket >= table->oldest && ticket <= table->newest);
	ASSERT(record->state == RECORD_UNDER_WAY);
	return record;
}

void idempotency_keep(struct idempotency *table, uint64_t ticket, int status, struct slice body)
{
	struct record *record = record_of(table, ticket);

	ASSERT(status >= 200 && status <= 599 && body.size <= IDEMPOTENCY_BYTES_MAX);
	while (table->tally.bytes + body.size > IDEMPOTENCY_BYTES_MAX)
		if (!drop_oldest(table, 0))
			break;
	record->body = malloc(body.size ? body.size : 1);
	if (!record->body || table->tally.bytes + body.size > IDEMPOTENCY_BYTES_MAX) {
		table->tally.evicted++;
		forget(table, record);
		return;
	}
	memcpy(record->body, body.bytes, body.size);
	record->body_size = (uint32_t)body.size;
	record->status = (uint16_t)status;
	record->state = RECORD_ANSWERED;
	table->tally.bytes += body.size;
}

void idempotency_release(struct idempotency *table, uint64_t ticket)
{
	forget(table, record_of(table, ticket));
}

struct idempotency_tally idempotency_tally(const struct idempotency *table)
{
	return table->tally;
}
