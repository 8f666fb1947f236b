/* tests/model/fanout_crowd.h - the clients in the model of the fan-out: what they do and read.
 *
 * Layer   tests
 * Threads one
 * Memory  none of its own
 * Errors  aborts
 *
 * It has the functions by which the shard tells of its clients: an attach that was answered, a
 * message from a client, answers to subscribe and unsubscribe.
 */
#ifndef BELFRY_TESTS_MODEL_FANOUT_CROWD_H
#define BELFRY_TESTS_MODEL_FANOUT_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "fanout_client.h"

#define CROWD_WITNESS 0 /* slot of the client that hears of each notice: it was delivered */

struct conn;
struct shard;

struct crowd_options {
	struct shard *shard;
	struct client *clients;
	uint32_t slots;
	uint32_t join_percent;
	bool is_gentle; /* nothing may be missing, not even what is ephemeral */
};

void crowd_begin(const struct crowd_options *options, uint64_t (*pick)(uint64_t bound));

/* From the request to the router; the witness asks for nothing. */
void crowd_attach(struct conn *conn);

#endif
