/* router/redis_log.h - the log in Redis: its links, and what moves over them.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  128 KiB of buffers a link
 * Errors  a link that breaks is made anew; what waited for its answers is told
 *
 * Four links: one reads the stream (XREAD blocks), one writes publications, one carries
 * everything else (bodies, cursors, presence, what clients say), one listens to Pub/Sub. With
 * several streams there is a fifth, which reads back those that come in later.
 */
#ifndef BELFRY_ROUTER_REDIS_LOG_H
#define BELFRY_ROUTER_REDIS_LOG_H

#include <stdbool.h>

#include "base/status.h"
#include "log/redis_client.h"
#include "log/redis_entry.h"
#include "log/redis_pubsub.h"
#include "log/redis_stream.h"
#include "log/redis_writer.h"
#include "router/join.h"
#include "router/link.h"
#include "router/master.h"
#include "router/needs.h"
#include "router/partitions.h"
#include "router/reading.h"
#include "router/recall.h"
#include "router/watch.h"

struct router;
struct fetches;
struct uring_event;

enum redis_link { LINK_READ, LINK_WRITE, LINK_DATA, LINK_PUBSUB, LINK_JOIN, LINK_COUNT };

#define LINK_SENTINEL LINK_COUNT /* in tags: the link of router/master.h */

struct redis_log {
	struct router *router;
	struct config_redis server; /* where the links go: the configured one, or the master that
				     * a sentinel has named */
	struct partitions partitions;
	struct needs needs;
	struct partition_set reads; /* of several streams: those that are read */
	struct join join;
	struct recall recall;
	struct redis_stream stream;
	uint64_t read_at_ms; /* monotonic: not before; what was held back is due then */
	struct redis_writer writer;
	struct redis_client client;
	struct redis_pubsub pubsub;
	struct master master;
	struct link links[LINK_COUNT];
	uint64_t heard_ms[LINK_COUNT]; /* last bytes, or the last question */
	uint64_t pubsub_ping_ms;
	struct reading reading;
	struct watch watch;
	struct fetches *fetches;
	struct redis_entry_reader reader; /* of fetched entries */
	uint32_t ready;                   /* links on which Redis has answered */
	bool was_up;                      /* log_connected, as last told */
	char told_error[96];              /* why it is down, as last told */
	bool waits_for_room;              /* the lanes are too full to read */
	struct event_id started;          /* for a first link that comes late ... */
	struct event_id let_in;           /* ... or hangs: connections wait for what is after it */
	uint32_t attempts;
};

#define REDIS_DEAD_STREAM "belfry:dead"

/* What the links for appending, for questions and for Pub/Sub do: redis_links.c. */
extern const struct link_user redis_write_user, redis_data_user, redis_pubsub_user;
MUST_CHECK enum status redis_writing_init(struct redis_log *redis);
void redis_listening_init(struct redis_log *redis);

MUST_CHECK enum status redis_log_create(struct router *router);
void redis_log_destroy(struct redis_log *redis);

/* Once per turn: links, timeouts, reading. */
void redis_log_turn(struct router *router);
void redis_log_on_event(struct router *router, const struct uring_event *event);

/* Copies a dead entry to the stream of dead letters, with the field `reason`. */
void redis_log_bury(struct redis_log *redis, const struct entry_field *fields, uint32_t count,
		    enum entry_reason reason);

/* Milliseconds until redis_log_turn has something to do. */
uint64_t redis_log_wait_ms(const struct router *router);

/* Closes the links. */
void redis_log_stop(struct router *router);

/* The link for questions; see its is_ready. */
static inline struct redis_client *redis_log_client(struct redis_log *redis)
{
	return &redis->client;
}

static inline struct fetches *redis_log_fetches(struct redis_log *redis)
{
	return redis->fetches;
}

/* The retention window is being read back. */
bool redis_log_is_loading(const struct redis_log *redis);

/* A link is there again and nobody has looked yet whether this is still the same log. */
bool redis_log_is_doubtful(const struct redis_log *redis);

/* All links go down and come up again, perhaps to another Redis. */
void redis_log_break(struct redis_log *redis, const char *why);

/* This node has read its part of the log up to here; a position after it is from the future, or
 * another node has read further. */
struct event_id redis_log_known(const struct redis_log *redis);

/* Everything that the log needs is there. */
bool redis_log_is_up(const struct redis_log *redis);

/* An entry of this id in the partition of `channel`, as bodies are kept: ids of different streams
 * may be equal. With one stream, or none, it is the id. */
struct event_id redis_log_body_id(const struct router *router, struct event_id id,
				  struct slice channel);

/* About so many entries are left in a stream by what this node appends: all that its window may
 * have, and never so few that another node, which reads a little later, could miss one. */
#define REDIS_LOG_LENGTH_MIN 1000000u
uint32_t redis_log_length_max(const struct redis_log *redis);

/* Partition of a channel, and the key of a partition's stream. */
uint32_t redis_log_partition(const struct redis_log *redis, struct slice channel);
struct slice redis_log_key(const struct redis_log *redis, uint32_t partition);

#endif
