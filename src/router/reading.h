/* router/reading.h - reading the log: back to where the retention window begins, then on.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  while the window is read again, two indexes; twice 72 KiB (router/unkept.h)
 * Errors  what is lost is counted, told and makes a new epoch
 *
 * At the start the window is read into the index and nobody is told. When Redis comes back as
 * another one (another replication id, ids below those that were read, an emptied stream) the
 * window is read once more, and compared: entries that were not known are delivered, entries
 * that are gone are a proven loss: from the last common id on, positions of the old log mean
 * nothing, which clients hear as recovered:false.
 */
#ifndef BELFRY_ROUTER_READING_H
#define BELFRY_ROUTER_READING_H

#include <stdbool.h>
#include <stdint.h>

#include "belfry/entry_field.h"
#include "belfry/event_id.h"
#include "router/partition_set.h"
#include "router/router_state.h"
#include "router/unkept.h"

struct redis_facts;

enum reading_state {
	READING_WAITS,   /* for the facts about the stream */
	READING_LOADING, /* back in the window */
	READING_LIVE,
};

struct reading {
	enum reading_state state;
	bool has_begun;            /* the window was read, or is being read */
	struct event_id until;     /* LOADING: the newest entry there was at its beginning */
	struct event_id live_from; /* entries after it go to whoever is there */
	uint64_t began_ms;
	uint64_t loaded;          /* entries of this load */
	uint64_t loaded_before;   /* likewise, when the last reply had ended */
	struct history *old;      /* the index before; NULL: this is the first load */
	struct history *partial;  /* of a load that broke off: what it told is not told again */
	struct unkept unkept;     /* of the index at hand, and of one that broke off */
	struct unkept unkept_old; /* of `old` */
	uint32_t unkept_next;     /* of unkept_old, to compare */
	struct event_id floor;    /* what the log had trimmed when this load began */
	bool is_whole;            /* the index is of a load that was finished */
	uint64_t old_next;        /* next record of it to compare */
	struct event_id common;   /* newest id that both logs have */
	uint64_t lost;            /* entries of the old one that are gone */
	struct event_id old_last;
	struct event_id vanished;       /* what a partition had that was being joined; 0-0: none */
	struct partition_set old_parts; /* of several streams: those that `old` is about */
};

struct fold_place;
struct redis_log;

struct reading_fields {
	const struct entry_field *fields;
	uint32_t count;
};

/* The first facts after the links came up, and all later ones. */
void reading_on_facts(struct redis_log *redis, const struct redis_facts *facts);

/* An entry was read. */
void reading_on_entry(struct redis_log *redis, struct event_id id, const struct entry_field *fields,
		      uint32_t fields_count);

/* The reading link is idle: the window may be complete. `has_read`: a reply to a read has ended,
 * which is not so when the link has just come up again in the middle of a load. */
void reading_on_progress(struct redis_log *redis, bool has_read);

/* Read the window again as soon as the reading link is idle. */
void reading_again(struct redis_log *redis, const char *why);

/* Checks an entry and folds it, or buries it if it is new. */
void reading_fold(struct redis_log *redis, const struct fold_place *place, struct event_id id,
		  struct reading_fields fields);

/* Remembers the entry that was just folded if it left no record. */
void reading_note_unkept(struct unkept *unkept, const struct fold_place *place, struct event_id id);

/* Of several streams: where the window of some of them begins, by the last facts, and from where on
 * nothing is missing. */
struct event_id reading_window(const struct redis_log *redis, const struct partition_set *parts,
			       struct event_id *ret_floor);

/* The log before, as far as the entry with this id in this one of its streams: what it had and the
 * new one has not is lost. True: it had that entry, too. There is an `old` one. */
bool reading_compare(struct reading *reading, struct event_id id, uint32_t partition);

void reading_deinit(struct reading *reading);

#endif
