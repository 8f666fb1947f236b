/* tests/model/fanout_client.h - the client's end of a connection in the model of the fan-out.
 *
 * Layer   tests
 * Threads one
 * Memory  heap, freed by client_reset
 * Errors  aborts on a byte that is not what the client must read next
 */
#ifndef BELFRY_TESTS_MODEL_FANOUT_CLIENT_H
#define BELFRY_TESTS_MODEL_FANOUT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNELS 6       /* all and five others */
#define TO_CONN CHANNELS /* what comes by a connection's id */
#define PAYLOAD_MAX 60000

extern const char *const fanout_names[CHANNELS + 1];

/* Numbers of the notices that a client must read on one channel. */
struct fifo {
	uint32_t *items;
	uint32_t first, count, capacity;
	uint32_t left; /* items before it are of a subscription that ended: they may be missing */
};

/* The client's end, one for each slot. */
struct client {
	struct fifo expected[CHANNELS + 1];
	uint8_t *bytes;
	size_t size, capacity;
	uint32_t next;         /* least number that may come: the order of the log holds
				* across channels */
	uint32_t stuck;        /* turns for which the socket takes nothing more */
	uint64_t writable_tag; /* 0: no poll is armed */
	bool has_close;        /* a close frame has come */
	bool has_ended;        /* it went by itself */
};

/* As new: it has read nothing and expects nothing. */
void client_reset(struct client *client);

/* The notice `number` must come on `channel`, after those that were expected there before. */
void client_expect(struct client *client, uint32_t channel, uint32_t number);

/* The socket took these bytes. */
void client_take(struct client *client, const uint8_t *bytes, size_t size);

/* Nothing is missing any more. */
bool client_has_read(const struct fifo *fifo);

/* Writes the frame of a notice with so many pattern bytes, as client_take reads it: eight digits
 * of the number, the channel in quotes, the pattern. Returns its size, at most 64 bytes more. */
size_t client_write(uint8_t *bytes, uint32_t channel, uint32_t number, size_t pattern_size);

#endif
