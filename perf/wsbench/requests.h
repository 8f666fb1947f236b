/* wsbench/requests.h - the opening requests of all clients, tokens minted beforehand.
 *
 * Layer   wsbench (may include: base, wire/base64, wire/digest)
 * Threads made by the main thread, read by all
 * Memory  one block of conns * token size, from requests_init() to requests_deinit()
 * Errors  NO_MEMORY
 */
#ifndef BELFRY_WSBENCH_REQUESTS_H
#define BELFRY_WSBENCH_REQUESTS_H

#include "base/status.h"
#include "base/writer.h"
#include "belfry/event_id.h"
#include "wsbench/options.h"

#define REQUEST_SIZE_MAX 12288 /* bytes */
#define REQUEST_KEY_SIZE 24    /* base64 of 16 bytes */
#define REQUEST_ACCEPT_SIZE 28 /* base64 of 20 bytes */

struct requests {
	const struct options *options;
	char *tokens;
	size_t token_size_max;
	uint32_t count;
	/* One key for all clients of a run: the answer to it is known, so each one is checked. */
	char key[REQUEST_KEY_SIZE];
	char accept[REQUEST_ACCEPT_SIZE];
};

MUST_CHECK enum status requests_init(struct requests *requests, const struct options *options,
				     uint32_t count);
void requests_deinit(struct requests *requests);

/* The GET of client `number`, which has everything up to `position`; 0-0: it asks for nothing. */
void requests_write(const struct requests *requests, uint32_t number, struct event_id position,
		    struct writer *writer);

/* The GET for `path` as it stands, but {token} is that of client 0. */
void requests_write_path(const struct requests *requests, const char *path, struct writer *writer);

/* Text with {i}, {user} and {token} of client `number` replaced. */
void requests_write_template(const struct requests *requests, const char *text, uint32_t number,
			     struct writer *writer);

/* The name of user `number`. */
void requests_write_user(const struct requests *requests, uint32_t number, struct writer *writer);

#endif
