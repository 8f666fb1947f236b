/* log/redis_facts.h - what there is to know of the stream and of the server that holds it.
 *
 * Layer   log (may include: base, hiredis)
 * Threads any
 * Memory  a value without pointers; all zero before anything was read
 * Errors  STATUS_INVALID: the reply is an error, or not of that command; the facts are untouched
 *
 * Redis 6.2 to 8, Valkey, and what else answers XINFO STREAM and INFO. A fact that a server does
 * not tell stays zero; where that would be mistaken for an answer, there is a has_ beside it.
 */
#ifndef BELFRY_LOG_REDIS_FACTS_H
#define BELFRY_LOG_REDIS_FACTS_H

#include "belfry/event_id.h"
#include "log/redis_client.h"

#define REDIS_FACTS_REPLID_SIZE 41  /* 40 hexadecimal digits and the final zero */
#define REDIS_FACTS_PRODUCT_SIZE 32 /* "Redis 7.0.15" */

struct redis_facts {
	/* XINFO STREAM key */
	bool stream_exists;
	uint64_t length;
	bool has_entries_added;         /* since Redis 7.0 */
	uint64_t entries_added;         /* ever, with those that are gone */
	struct event_id first_id;       /* of the oldest entry; 0-0: there is none */
	bool has_recorded_first;        /* since Redis 7.0; 6.2 shows the entry itself */
	struct event_id last_id;        /* last-generated-id: given to an entry, there or gone */
	struct event_id max_deleted_id; /* since Redis 7.0; 0-0: nothing was deleted by XDEL */

	/* INFO, or its sections server, replication, memory, persistence */
	char replid[REDIS_FACTS_REPLID_SIZE]; /* master_replid; "": not told */
	bool is_master;
	bool is_loading;                        /* the data set is not read yet */
	bool evicts;                            /* maxmemory-policy is not noeviction */
	uint64_t maxmemory;                     /* bytes; 0: no limit */
	uint32_t version;                       /* redis_version: 7.0.15 is 0x07000f; 0: not told */
	char product[REDIS_FACTS_PRODUCT_SIZE]; /* for people: name and its own version */
};

/* `reply` to XINFO STREAM key, without FULL. A key that does not exist is no error: the facts of
 * the stream are then zero. Replaces all facts of the stream. */
MUST_CHECK enum status redis_facts_read_stream(struct redis_facts *facts,
					       const struct redis_reply *reply);

/* `reply` to INFO. Replaces those facts that the text tells; Redis 6.2 takes one section per
 * command, or none for all. */
MUST_CHECK enum status redis_facts_read_server(struct redis_facts *facts,
					       const struct redis_reply *reply);

#endif
