/* wsbench/talk.h - what a ready or almost ready client hears and answers.
 *
 * Layer   wsbench, inside of the fleet
 * Threads the one that owns the flotilla
 * Memory  answers are blocks from malloc() that the sockets free
 * Errors  as an enum failure for conn.c to act on
 */
#ifndef BELFRY_WSBENCH_TALK_H
#define BELFRY_WSBENCH_TALK_H

#include "wire/ws_frame.h"
#include "wsbench/flotilla.h"

/* Sends one masked frame. */
void talk_send(struct flotilla *flotilla, uint32_t index, enum ws_opcode opcode,
	       struct slice payload);

/* Sends a close frame with code 1000. */
void talk_send_close(struct flotilla *flotilla, uint32_t index);

/* Sends the first frame of --first-frame, if there is one. */
void talk_send_first(struct flotilla *flotilla, uint32_t index);

/* `text` is the greeting that the options ask for. */
MUST_CHECK bool talk_is_greeting(const struct flotilla *flotilla, uint32_t index,
				 struct slice text);

/* The greeting came: where the log is, and whether what was asked for is all there. */
void talk_take_greeting(struct flotilla *flotilla, uint32_t index, struct slice text);

/* A text message came: checks its number, counts, answers {"type":"ping"}. */
void talk_take_message(struct flotilla *flotilla, uint32_t index, struct slice text);

/* One more failure; its text is kept if it is the first of its kind. */
void talk_note_failure(struct flotilla *flotilla, enum failure failure, const char *format, ...)
	PRINTF_LIKE(3, 4);

#endif
