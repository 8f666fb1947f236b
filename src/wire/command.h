/* wire/command.h - what a client of the native protocol asks for.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  slices point into the message, decoded strings into the command's own buffer
 * Errors  a command of type COMMAND_BAD carries the code and text for the `error` answer
 */
#ifndef BELFRY_WIRE_COMMAND_H
#define BELFRY_WIRE_COMMAND_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/event_id.h"
#include "belfry/limits.h"

enum command_type {
	COMMAND_BAD,       /* not understood: answer with `code` and `text` */
	COMMAND_PING_TEXT, /* the bare text ping: answer with the bare text pong */
	COMMAND_PONG_TEXT, /* the bare text pong */
	COMMAND_PING,
	COMMAND_PONG,
	COMMAND_ACK,
	COMMAND_SUBSCRIBE,
	COMMAND_UNSUBSCRIBE,
	COMMAND_MARK_READ,
	COMMAND_MARK_ALL_READ,
	COMMAND_DELETE,
	COMMAND_TYPING,
	COMMAND_PUBLISH,
	COMMAND_AUTH,
};

struct command {
	enum command_type type;
	const char *code; /* BAD: "bad_json", "bad_message" (no object, no type), "unknown_type",
			    * "bad_channel", "bad_field" */
	const char *text; /* BAD: static text for people, says what is allowed */
	struct slice ref; /* JSON text of `ref` (string or number), at most REF_SIZE_MAX bytes;
			    * absent without, or when it is longer or of another type */
	struct slice channel;          /* SUBSCRIBE, UNSUBSCRIBE, PUBLISH: a valid channel name */
	bool has_last_event_id;        /* SUBSCRIBE */
	struct event_id last_event_id; /* SUBSCRIBE with has_last_event_id; ACK: event_id */
	struct slice token;            /* AUTH */
	struct slice notification_id;  /* MARK_READ, DELETE */
	struct slice to;               /* TYPING: user id, decoded */
	struct slice event;   /* PUBLISH: decoded, may be absent; BAD with unknown_type: the
					* type, decoded, absent when it is no word of an entry */
	struct slice payload; /* TYPING, PUBLISH: JSON text of `data`, absent without; BAD
					* with unknown_type: the whole message */
	size_t decoded_size;
	uint8_t decoded[TOKEN_SIZE_MAX]; /* decoded strings */
};

/* Parses one text message (valid UTF-8, not yet known to be JSON). Always fills *ret_command;
 * a message with more strings than `decoded` holds is BAD. */
void command_parse(struct slice message, struct command *ret_command);

#endif
