/* log/redis_stream.h - reads the log from a Redis Stream, or from several as from one.
 *
 * Layer   log (may include: base, hiredis)
 * Threads the router
 * Memory  one entry's fields at a time, in a buffer that grows to the largest; of several streams
 *         the entries of one reply
 * Errors  those of the session (log/redis_session.h)
 *
 * XREAD with concrete ids and a finite BLOCK. The position is resolved once, at the first link:
 * the id of the newest entry. A later link goes on after the last entry that was told, so a
 * break loses and repeats nothing that Redis still has.
 *
 * Several streams (partitions) are read with one XREAD, behind a TIME: entries of the millisecond
 * that Redis was in, and later ones, are held back until the next read, for another stream may
 * still get an earlier one. What is told is thus in the order of ids, and of partitions where two
 * have the same id. Only when the clock of Redis goes back, or somebody gives an id of his own, can
 * an entry come that is before one that was told: it is told, and `entry_is_late`.
 *
 * Of several streams only those are read that were added.
 */
#ifndef BELFRY_LOG_REDIS_STREAM_H
#define BELFRY_LOG_REDIS_STREAM_H

#include "belfry/entry_field.h"
#include "belfry/event_id.h"
#include "belfry/limits.h"
#include "log/redis_merge.h"
#include "log/redis_session.h"

#define REDIS_STREAM_BLOCK_MS 2000 /* a silent link is known to be dead soon after */
#define REDIS_STREAM_HOLD_MAX 64u  /* reads for which one entry is held back at most */

struct redis_stream_listener {
	/* An entry, in order; fields are valid during the call. `fields_count` over
	 * ENTRY_FIELDS_MAX is told as ENTRY_FIELDS_MAX + 1 with only the first ones there. */
	void (*on_entry)(void *owner, struct event_id id, const struct entry_field *fields,
			 uint32_t fields_count);
	void *owner;
};

enum redis_stream_state {
	REDIS_STREAM_CLOSED,
	REDIS_STREAM_GREETING, /* waits for the greeting or the position */
	REDIS_STREAM_IDLE,     /* may be asked to read */
	REDIS_STREAM_READING,  /* an XREAD is on its way */
};

/* One of several streams. */
struct redis_stream_part {
	bool is_read;
	struct event_id position; /* it is read after this */
	struct event_id told;     /* the newest that was told since start_after; 0-0: none */
	char position_text[EVENT_ID_TEXT_MAX + 1];
};

struct redis_stream {
	struct redis_session session;
	struct redis_stream_listener listener;
	const struct slice *keys; /* the owner's */
	uint32_t keys_count;
	enum redis_stream_state state;
	bool has_position;
	struct event_id position; /* of the last entry told, or where reading began */
	struct event_id entry_id; /* of the entry that is being read */
	bool entry_is_bad;        /* its id is not one */
	uint32_t entry_fields;    /* names and values seen so far */
	uint8_t *bytes;           /* names and values of that entry, one after the other */
	size_t bytes_size, bytes_capacity;
	uint32_t *ends; /* where each of them ends */
	uint32_t ends_capacity;
	struct entry_field *fields; /* ENTRY_FIELDS_MAX of them */

	/* ---- of more than one stream ---- */
	struct redis_stream_part *parts; /* one a key */
	struct slice *words;             /* room for an XREAD of all */
	struct redis_merge merge;        /* the reply that is being read */
	struct redis_merge_rule rule;    /* and how to tell it */
	uint32_t replies_left;
	uint32_t reply_part;      /* the stream whose entries come */
	uint32_t entry_partition; /* of the entry that is told */
	bool entry_is_late;       /* it is before one that was told */
	bool holds;               /* the last reply had more than was told */
	bool holds_for_time;      /* and that is to be asked for a millisecond later */
	bool is_hasty;            /* the owner's: the next read does not wait in Redis */
	struct event_id limit;    /* the owner's: what is after it is not told; 0-0: no limit */
	bool is_at_limit;         /* with a limit: all up to there was told */
	uint64_t complete_ms;     /* of the streams that are read, what is before is told */
	bool is_asking_id;        /* the reply to CLIENT ID is to come */
	uint64_t client_id;       /* of this link, as Redis counts; 0: not known */
	uint32_t last_partition;  /* of the entry at `position` */
	struct event_id held;     /* the oldest that was held back, and for how many reads */
	uint32_t held_reads;
};

struct redis_stream_keys {
	const struct slice *keys; /* stay the owner's */
	uint32_t count;
};
MUST_CHECK enum status redis_stream_init(struct redis_stream *stream,
					 const struct config_redis *server,
					 struct redis_stream_keys keys,
					 struct redis_stream_listener listener);
void redis_stream_deinit(struct redis_stream *stream);

/* Begins after this id instead of at the newest entry. Before the first open. */
void redis_stream_start_after(struct redis_stream *stream, struct event_id id);

/* ---- of several streams; none is being read at the beginning ---- */

/* IDLE or CLOSED: one more is read, after `position`, or one less. */
void redis_stream_add(struct redis_stream *stream, uint32_t partition, struct event_id position);
void redis_stream_drop(struct redis_stream *stream, uint32_t partition);

/* Everything up to here that the streams have was told: at least `position`. */
struct event_id redis_stream_known(const struct redis_stream *stream);

/* ---- reading ---- */

/* A new link is there. */
MUST_CHECK enum status redis_stream_open(struct redis_stream *stream);
void redis_stream_close(struct redis_stream *stream);

/* IDLE: asks for up to `count` entries, and tells no more; waits in Redis for at most
 * REDIS_STREAM_BLOCK_MS. */
MUST_CHECK enum status redis_stream_read(struct redis_stream *stream, uint32_t count);

#endif
