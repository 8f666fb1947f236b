/* wsbench/publisher.h - the producer: puts messages into the broker and reads what it answers.
 *
 * Layer   wsbench (may include: base, codec, requests, stamp)
 * Threads the main thread
 * Memory  two buffers of 128 KiB
 * Errors  publisher_create() prints to stderr and returns NULL; a refusal is counted and its
 *         text kept; a broken connection shows in has_failed
 */
#ifndef BELFRY_WSBENCH_PUBLISHER_H
#define BELFRY_WSBENCH_PUBLISHER_H

#include "wsbench/codec.h"
#include "wsbench/requests.h"
#include "wsbench/stamp.h"

#define PUBLISHER_TEXT_MAX 200

struct publisher {
	const struct options *options;
	const struct requests *requests;
	enum codec codec;
	int fd; /* pollable for answers; a pipe to the command for CODEC_LINES */
	int child; /* pid of the command, 0: none */
	uint8_t *outbound, *inbound;
	size_t inbound_size;
	uint64_t sent, accepted, refused;
	bool has_failed; /* the connection broke: nothing more can be published */
	char text[PUBLISHER_TEXT_MAX]; /* of the first refusal or failure */
};

/* Connects, with its own handshake where the wire has one. */
MUST_CHECK struct publisher *publisher_create(const struct options *options,
					      const struct requests *requests);
void publisher_destroy(struct publisher *publisher);

/* Publishes one message with this stamp: to everybody (options->channel), or to stamp->user. */
void publisher_send(struct publisher *publisher, const struct stamp *stamp);

/* Takes the answers that have come; does not wait. */
void publisher_collect(struct publisher *publisher);

/* In words, for the report: "XADD belfry:in", ... */
const char *publisher_name(const struct publisher *publisher);

#endif
