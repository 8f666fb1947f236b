/* wsbench/codec.h - how a publication looks on each kind of wire, and what is answered.
 *
 * Layer   wsbench (may include: base, wire/ws_frame, inbound)
 * Threads any
 * Memory  the caller's
 * Errors  the writer's overflow; a refusal is an answer with its text
 *
 * Sans-I/O. Each answer belongs to the oldest publication that has none.
 */
#ifndef BELFRY_WSBENCH_CODEC_H
#define BELFRY_WSBENCH_CODEC_H

#include "base/writer.h"
#include "wsbench/options.h"

enum codec { CODEC_REDIS, CODEC_HTTP, CODEC_WEBSOCKET, CODEC_LINES };

struct publication {
	struct slice channel;
	struct slice user; /* empty: for everybody */
	struct slice data; /* JSON */
};

/* Which one the options ask for. */
enum codec codec_choose(const struct options *options);

void codec_write(enum codec codec, const struct options *options, struct writer *writer,
		 const struct publication *publication);

struct codec_answer {
	size_t size;        /* bytes of the answer */
	bool is_accepted;
	struct slice text;  /* of a refusal, inside the given bytes */
	bool counts;        /* answers a publication (a WebSocket frame does not) */
};

/* The answer at the front of `bytes`. False: more bytes are needed. */
MUST_CHECK bool codec_read(enum codec codec, struct slice bytes, struct codec_answer *ret_answer);

/* One RESP array of bulk strings, for AUTH and SELECT too. */
void codec_write_redis(struct writer *writer, const struct slice *parts, size_t parts_count);

#endif
