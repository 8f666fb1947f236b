/* router/sessions.h - what the router knows of each attached connection, and who has which.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  64 bytes a slot in address space reserved per shard, touched as slots are used
 * Errors  creation: false when memory is out
 *
 * The sessions of a user are chained, so that whoever is about one user costs what that user has.
 * A place is a shard and a slot in 22 bits, 0 where there is none.
 */
#ifndef BELFRY_ROUTER_SESSIONS_H
#define BELFRY_ROUTER_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/limits.h"

struct cursor;
struct interest;
struct replay;

struct session {
	struct interest *user;  /* user:{id}; NULL: nobody is attached in this slot */
	struct cursor *cursor;  /* held; its user and device name who this is */
	struct replay *replays; /* what it asked for, in order; the first is being worked on */
	char *identity; /* connection id that it took up, heap, CONNECTION_ID_SIZE bytes; NULL */
	uint64_t jti;   /* revocations_jti() of its token's id; 0: it has none */
	uint32_t generation;
	uint32_t issued_s; /* revocation_issued() of its token's iat */
	uint32_t address;  /* the router's record that counts its address, or ADDRESS_UNKNOWN */
	uint32_t next, previous; /* places of others of the user, later and earlier in the chain */
	uint8_t encoding;        /* enum encoding */
	bool is_ended;           /* refused, or told to close for a revocation: not once more */
	bool has_part_out;       /* of a replay, be it over by now: its MORE has not come */
};

struct sessions {
	struct session *shards[SHARDS_MAX]; /* SLOTS_MAX each */
	uint32_t shards_count;
	uint32_t count;            /* attached */
	uint32_t ends[SHARDS_MAX]; /* no slot from there on was ever attached */
};

/* ---- places ---- */

static inline uint32_t session_place(uint32_t shard, uint32_t slot)
{
	return shard << 16 | (slot + 1);
}

static inline uint32_t session_place_shard(uint32_t place)
{
	return place >> 16;
}

static inline uint32_t session_place_slot(uint32_t place)
{
	return (place & 0xFFFF) - 1;
}

MUST_CHECK bool sessions_init(struct sessions *sessions, uint32_t shards_count);

/* Frees the memory here and the identities in it, not what else sessions point to. */
void sessions_deinit(struct sessions *sessions);

/* The session of a slot, attached or not. */
struct session *sessions_at(struct sessions *sessions, uint32_t shard, uint32_t slot);

/* A use of a free slot begins: `user` has one connection more, the first of the chain. What is
 * not about the chain is 0. */
struct session *sessions_attach(struct sessions *sessions, uint32_t shard, uint32_t slot,
				struct interest *user);

/* It ends: the user has one connection less, and the slot is free. What the session points to is
 * the caller's, and the interest of a user without connections. */
void sessions_detach(struct sessions *sessions, struct session *session);

/* The session at a place: interest.first_conn is the first of a user, `next` the next one. */
struct session *sessions_at_place(struct sessions *sessions, uint32_t place);

/* Likewise, NULL when this use of the slot is not attached. */
struct session *sessions_find(struct sessions *sessions, uint32_t shard, uint32_t slot,
			      uint32_t generation);

/* The next attached session from (*shard, *slot) on, which move past it; NULL: no more. Its own
 * place is (*shard, *slot - 1). */
struct session *sessions_next(struct sessions *sessions, uint32_t *shard, uint32_t *slot);

#endif
