/* tests/model/fanout_client.h - the client's end of a connection in the model of the fan-out.
 *
 * Layer   tests
 * Threads one
 * Memory  heap, freed by client_reset
 * Errors  aborts on a byte that is not what the client must read next
 *
 * What a client reads, by the kind in each frame: notices, live or caught up, each once and in
 * the order of the log over all channels; the replay of its attach, before all of them; the
 * replay of a subscribe, anywhere between `subscribed` and `unsubscribed`.
 */
#ifndef BELFRY_TESTS_MODEL_FANOUT_CLIENT_H
#define BELFRY_TESTS_MODEL_FANOUT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNELS 6       /* all and five others */
#define TO_CONN CHANNELS /* what comes by a connection's id */
#define PAYLOAD_MAX 60000

#define KIND_NOTICE 'n'
#define KIND_ATTACH 'a'
#define KIND_SUBSCRIBE 's'
#define KIND_SUBSCRIBED '+'
#define KIND_UNSUBSCRIBED '-'

extern const char *const fanout_names[CHANNELS + 1];

/* A notice that is for the client; bits are channels. */
struct want {
	uint32_t number;
	uint8_t may;  /* it may come as one of these */
	uint8_t must; /* and has to come, unless all of these were left; 0: it may be missing */
};

struct replay {
	uint32_t number;
	uint8_t channel;
	uint8_t kind;
};

/* The client's end, one for each slot. */
struct client {
	struct want *wants;
	uint32_t wants_first, wants_count, wants_capacity;
	struct replay *replays; /* in exactly this order */
	uint32_t replays_first, replays_count, replays_capacity;
	uint8_t *bytes;
	size_t size, capacity;
	uint32_t next;         /* least number of a notice that may come */
	uint32_t attach_next;  /* of the attach's replay */
	uint32_t confirmed;    /* a ping has said that all up to there had come */
	uint32_t pings;        /* with a position */
	uint8_t gone;          /* channels that nothing may come of */
	bool is_live;          /* a notice has come */
	uint32_t stuck;        /* turns for which the socket takes nothing more */
	uint64_t writable_tag; /* 0: no poll is armed */
	bool has_close;        /* a close frame has come */
	bool has_ended;        /* it went by itself */
};

/* As new: it has read nothing and expects nothing. */
void client_reset(struct client *client);

/* The notice must come next, after those that were expected before. */
void client_want(struct client *client, struct want want);

/* The same for a replay. */
void client_expect(struct client *client, struct replay replay);

/* It has left a channel: what it has not read of it may be missing. */
void client_leave(struct client *client, uint32_t channel);

/* The socket took these bytes. */
void client_take(struct client *client, const uint8_t *bytes, size_t size);

/* Nothing is missing any more. */
bool client_has_read(const struct client *client);

/* Writes the frame of a notice with so many pattern bytes, as client_take reads it: eight digits
 * of the number, the kind, the channel in quotes, the pattern. Returns its size, at most 64 bytes
 * more. */
size_t client_write(uint8_t *bytes, struct replay what, size_t pattern_size);

#endif
