/* tests/sim/sim_client.h - a client: bytes both ways, and what it may and must receive.
 *
 * Layer   tests
 * Threads one
 * Memory  the caller's record; heap behind it, freed by client_end
 * Errors  aborts when the broker breaks its word
 *
 * The word, for each channel of a connection: what comes is in the order of the log, begins where
 * the connection was said to begin, comes once, and nothing between is left out, but for what is
 * collapsed, expired or a double. The channels of the route are in order together. A position in
 * a ping says that all up to there has come.
 */
#ifndef BELFRY_TESTS_SIM_SIM_CLIENT_H
#define BELFRY_TESTS_SIM_SIM_CLIENT_H

#include "sim_log.h"

struct router;
struct sim_socket;

enum client_state { CLIENT_AWAY, CLIENT_ASKING, CLIENT_OPEN, CLIENT_CLOSING };

enum stream_state { STREAM_OFF, STREAM_ASKED, STREAM_ON, STREAM_LEAVING };

/* A channel of a connection. */
struct stream {
	enum stream_state state;
	bool has_position;
	uint32_t next; /* nothing before comes (any more) */
	uint32_t must; /* what is from here on must come */
};

struct buffer {
	uint8_t *bytes;
	size_t size, capacity;
};

struct client {
	struct sim_socket *socket; /* NULL: AWAY */
	enum client_state state;
	uint32_t user;
	char device[16]; /* "": none */
	uint32_t greed;  /* bytes it reads at a time; 0: it has stalled */
	bool is_upgraded, is_tracked, has_closed;
	bool has_seen;    /* `seen` is a position to come back with */
	bool has_resumed; /* it has named that */
	struct event_id seen;
	struct event_id cursor; /* when it asked */
	uint32_t asked_at;      /* entries in the log then */
	uint32_t base_next;     /* of all channels of the route together */
	struct stream streams[SIM_CHANNELS];
	uint8_t got[SIM_ENTRIES];
	struct buffer in, out;
};

/* What clients of a round find. */
struct client_world {
	struct router *router;
	uint32_t shards;
	bool is_roomy;      /* nothing is trimmed or forgotten */
	bool has_positions; /* subscribes may name a position */
};

struct client_tally {
	uint64_t connections, resumed, lost, notices, replayed, subscribes, slow, positions;
};
extern struct client_tally client_tally;

void client_begin(const struct client_world *world);

/* Comes back, with its position or without. */
void client_connect(struct client *client, bool with_position);

/* Does something that clients do: reads, writes, subscribes, goes away ... */
void client_act(struct client *client);

/* Reads and writes all it can. True: some bytes went over. */
bool client_pump(struct client *client);

/* Everything that it must have has come. */
void client_check_complete(const struct client *client);

/* Its end of the connection. */
void client_leave(struct client *client, bool is_reset);
void client_end(struct client *client);

/* ---- sim_watch.c ---- */

/* One text message, or the position of a ping. */
void watch_message(struct client *client, struct slice message);
void watch_position(struct client *client, struct event_id id);
void watch_begin(const struct client_world *world);

/* The broker's cursor of the client's user and device. */
struct event_id watch_cursor(const struct client *client);

#endif
