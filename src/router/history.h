/* router/history.h - the index of the retention window: which entries each channel has.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  24 bytes a record in blocks that never move; 52 to 56 bytes a channel; 20 to 24 bytes
 *         more for each producer's id and each collapse key, 16 for each expiry. All of it goes
 *         with its record; a channel with a base stays until it is read. Bodies are elsewhere
 * Errors  HISTORY_NO_MEMORY; nothing has changed then
 *
 * A record is one entry in one channel; an entry for three channels makes three records with the
 * same event id, in the order of its fields `to`. Records are numbered in the order of the log,
 * from 1; a number is never used again. Channels, ids and keys are known by a keyed 64-bit hash
 * that the caller makes, so no name is kept. Everything here is a fold over the log: time is the
 * time part of event ids, never a clock.
 */
#ifndef BELFRY_ROUTER_HISTORY_H
#define BELFRY_ROUTER_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "belfry/event_id.h"

struct history;

struct history_options {
	uint64_t retention_ms; /* older records than this, measured from the newest, go */
	uint64_t records_max;  /* more go, oldest first */
	uint64_t dedupe_ms;    /* for less than this a second producer's id counts as the same, as
				  long as the first one's record is kept; 0: never */
};

struct history_item {
	struct event_id id;  /* not before the newest record's */
	uint64_t channel;    /* hash of the channel's name */
	uint64_t id_hash;    /* hash of channel and producer's id; 0: it gave none */
	uint64_t key_hash;   /* hash of channel and collapse key; 0: none */
	uint64_t expires_ms; /* Unix time from which it is not delivered any more; 0: never */
	uint32_t partition;  /* of the log's streams, the one that had the entry */
	bool counts;         /* it is unread until somebody reads it: an inbox channel */
	bool id_only;        /* the channel keeps no history: only id_hash is remembered */
};

enum history_verdict {
	HISTORY_ADDED,
	HISTORY_DUPLICATE, /* its id was there within dedupe_ms, or the same event id is the
			      channel's newest: nothing was added */
	HISTORY_NO_MEMORY,
};

MUST_CHECK struct history *history_create(const struct history_options *options);
void history_destroy(struct history *history);

/* Adds a record behind all others, and trims by count and age. A record of the same channel with
 * the same key is superseded: it is no longer current and no longer unread. With id_only there
 * is a record only if there is an id; it is in no channel and never current. */
MUST_CHECK enum history_verdict history_add(struct history *history,
					    const struct history_item *item);

/* The same id_hash was added within dedupe_ms before `id`. What history_add would answer, without
 * adding; see history_item.id_only for channels that keep no history. */
MUST_CHECK bool history_is_duplicate(const struct history *history, uint64_t id_hash,
				     struct event_id id);

/* Forgets all records before `id`; the floor moves up to it. */
void history_trim_before(struct history *history, struct event_id id);

/* Every entry after the floor is indexed, unless its channels keep no history. Starts at 0-0;
 * moves up when records are trimmed, to the id of the last one that went. */
struct event_id history_floor(const struct history *history);
void history_raise_floor(struct history *history, struct event_id floor);

/* ---- walking ---- */

/* Number of the first record that is kept, and one past the last; equal when there is none. */
uint64_t history_first(const struct history *history);
uint64_t history_end(const struct history *history);

/* The newest record of a channel, and the one before another in its channel; 0: there is none,
 * or it is trimmed. `number` must be kept. */
uint64_t history_newest(const struct history *history, uint64_t channel);
uint64_t history_previous(const struct history *history, uint64_t number);

struct event_id history_id(const struct history *history, uint64_t number);

/* Which of the log's streams had the entry. */
uint32_t history_partition(const struct history *history, uint64_t number);

/* Not superseded, not deleted, and at `now_ms` (Unix) not expired. */
bool history_is_current(const struct history *history, uint64_t number, uint64_t now_ms);

/* Number of the first record with an id after `id`; history_end() when there is none. */
uint64_t history_after(const struct history *history, struct event_id id);

/* Some record has exactly this id. */
bool history_has(const struct history *history, struct event_id id);

/* Likewise, from this one of the log's streams. */
bool history_has_of(const struct history *history, struct event_id id, uint32_t partition);

/* ---- inbox ---- */

enum history_mark { HISTORY_READ, HISTORY_DELETED };

/* The newest record of a channel with this producer's id, or with this event id; 0: none. */
uint64_t history_find(const struct history *history, uint64_t channel, uint64_t id_hash);
uint64_t history_find_event(const struct history *history, uint64_t channel, struct event_id id);

/* Marks a kept record of some channel. True: it was not marked so before; one that never counted
 * is read from the beginning. */
bool history_set_mark(struct history *history, uint64_t number, enum history_mark mark);

/* Marks all records of the channel up to `last` as read. Returns how many were unread, with the
 * base. Takes time for the records after `last`, and only if it is further on than before. */
uint32_t history_read_all(struct history *history, uint64_t channel, struct event_id last);

/* A backend says how many are unread: what is there now counts no more, `count` does instead,
 * until it is read or a new base is set. Each record from before it that is marked takes one off
 * it; reading all up to where it was set takes all. At most 2^31 count; out of memory: nothing. */
void history_set_base(struct history *history, uint64_t channel, uint32_t count);

/* A base was set and is not used up: some that are unread have no record. */
bool history_has_base(const struct history *history, uint64_t channel);

/* Base and unread records of the window, without those that at `now_ms` (Unix; 0: before all) are
 * expired. A channel that was never seen: 0. Where records have an expiry it takes time for those
 * back to the oldest unread one. */
uint32_t history_unread(const struct history *history, uint64_t channel, uint64_t now_ms);

/* ---- for operators ---- */

uint64_t history_count(const struct history *history); /* records kept */
size_t history_size(const struct history *history);    /* bytes of everything here */

#endif
