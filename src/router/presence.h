/* router/presence.h - who is online on this node, as a fold over attach and detach.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  85 bytes a connection and its device, 62 a user and its name, rounded up, 8 to 16
 *         bytes in a hash table for each; 4 KiB. 50,000 connections of as many users: 12 MB
 * Errors  false when memory is out; nothing has changed then
 *
 * A user is online from the first connection until none was there for linger_ms: a page that
 * reloads is neither offline nor online in between. What others must be told comes out as
 * actions, a few at a time; router/presence_store.h says what they become in Redis. Nothing
 * here depends on whether they are carried out: with the store out of reach they may be thrown
 * away, since what is not refreshed ends by itself, and presence_rewrite brings all back.
 *
 * Each connection is to be written again within refresh_ms. Its place in that time is drawn from
 * its id, so a storm of connections is not followed by storms of refreshes.
 */
#ifndef BELFRY_ROUTER_PRESENCE_H
#define BELFRY_ROUTER_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/hash.h"
#include "base/slice.h"
#include "router/presence_link.h"
#include "belfry/ip.h"
#include "belfry/limits.h"

#define PRESENCE_DEVICE_MAX 255 /* bytes of a device's name; what is longer is cut off */
#define PRESENCE_SLOTS 256      /* parts of refresh_ms; a power of two */

struct presence_options {
	struct hash_key key;
	uint64_t linger_ms;  /* 0: offline with the last connection */
	uint64_t refresh_ms; /* at least 1; a third of what the store keeps a record for */
};

struct presence_user {
	struct presence_user *next; /* in the hash chain */
	struct presence_link conns; /* the attached ones; without any: its own place in
				     * presence->lingering, or alone */
	uint32_t hash;
	uint32_t offline_ms; /* lingering: when that ends, low 32 bits */
	uint32_t conns_count;
	bool is_online; /* USER_ONLINE was given out */
	uint8_t name_size;
	char last_id[CONNECTION_ID_SIZE]; /* of the connection that went last */
	char name[];
};

struct presence_conn {
	struct presence_user *user;
	struct presence_conn *next; /* in the hash chain */
	struct presence_link place; /* in presence->due, ->gone or one of ->slots */
	struct presence_link of_user;
	uint64_t since_ms; /* Unix: when the connection began */
	uint16_t attached; /* how often; 0: it is gone */
	bool is_written;   /* CONN_PUT was given out */
	bool has_address;  /* it is known where the client comes from */
	uint8_t device_size;
	char id[CONNECTION_ID_SIZE];
	char device[]; /* and behind it, when has_address, a struct ip */
};

struct presence {
	struct presence_options options;
	struct presence_user **users;
	struct presence_conn **conns;
	uint32_t users_capacity, conns_capacity; /* powers of two */
	uint32_t users_count;                    /* with a connection here, or lingering */
	uint32_t conns_count;                    /* attached */
	uint32_t conns_known;                    /* in the table: those that are gone, too */
	struct presence_link due;                /* connections to be written now */
	struct presence_link gone;               /* connections to be dropped now */
	struct presence_link slots[PRESENCE_SLOTS];
	struct presence_link lingering; /* users, by offline_ms */
	uint64_t part; /* of refresh_ms, counted from time 0, up to which all slots were taken */
	struct presence_conn *taken_conn; /* the last action refers to it; then it is freed */
	struct presence_user *taken_user;
};

MUST_CHECK bool presence_init(struct presence *presence, const struct presence_options *options);
void presence_deinit(struct presence *presence);

/* ---- what happens; times named now_ms are monotonic and never go back ---- */

struct presence_arrival {
	struct slice user;          /* 1..USER_SIZE_MAX bytes */
	struct slice connection_id; /* CONNECTION_ID_SIZE bytes */
	struct slice device;        /* absent: it has no name */
	uint64_t since_ms;          /* Unix */
	struct ip address;          /* of the client; all zero: not known */
};

/* A connection is there. One whose id is there already, for the same user, is the same one: it is
 * gone after as many detaches, and what was said of it first stays. */
MUST_CHECK bool presence_attach(struct presence *presence, const struct presence_arrival *arrival);

/* An attached connection is gone. One that is not attached is nothing to detach: no effect. */
void presence_detach(struct presence *presence, uint64_t now_ms, struct slice user,
		     struct slice connection_id);

/* The node ends: no connection is attached any more. */
void presence_detach_all(struct presence *presence, uint64_t now_ms);

/* The store may have lost everything: all connections are to be written now. */
void presence_rewrite(struct presence *presence);

/* ---- what has to be done ---- */

enum presence_action_type {
	PRESENCE_USER_ONLINE,  /* conn: the first one; a CONN_PUT of it follows */
	PRESENCE_CONN_PUT,     /* conn: write it, or write it again */
	PRESENCE_CONN_DROP,    /* conn: it was written and is gone */
	PRESENCE_USER_OFFLINE, /* last_id; after all CONN_DROPs of the user */
};

struct presence_action {
	enum presence_action_type type;
	struct slice user;
	const struct presence_conn *conn; /* NULL: USER_OFFLINE */
	const char *last_id; /* USER_OFFLINE: CONNECTION_ID_SIZE bytes: the last connection's */
	uint64_t linger_ms;  /* CONN_DROP: what the user stays online without; 0: has others */
};

/* The next action that is due at now_ms. What is to be written comes before what is to be dropped:
 * a user who changes connections is not without in between. What *ret points to is valid until
 * the next call of a function that changes presence. False: there is none. A caller who takes
 * only some in one turn finds the others in the next. */
MUST_CHECK bool presence_next(struct presence *presence, uint64_t now_ms,
			      struct presence_action *ret);

/* Milliseconds until presence_next has something; UINT64_MAX: not before something happens. */
uint64_t presence_wait_ms(const struct presence *presence, uint64_t now_ms);

/* ---- questions, for a node that is alone ---- */

/* The user has a connection here, or lingers. */
bool presence_is_online(const struct presence *presence, struct slice user);

/* Calls on_conn for each attached connection of the user. */
void presence_each_conn(const struct presence *presence, struct slice user,
			void (*on_conn)(void *owner, const struct presence_conn *conn),
			void *owner);

/* The attached connection with this id, of whatever user; NULL: there is none. */
const struct presence_conn *presence_find_conn(const struct presence *presence,
					       struct slice connection_id);

#endif
