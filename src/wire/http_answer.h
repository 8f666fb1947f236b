/* wire/http_answer.h - writes HTTP/1.1 answers.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's writer
 * Errors  the writer's overflow
 */
#ifndef BELFRY_WIRE_HTTP_ANSWER_H
#define BELFRY_WIRE_HTTP_ANSWER_H

#include "base/slice.h"
#include "base/writer.h"

struct http_answer {
	int status;               /* 100..599 */
	const char *content_type; /* NULL: no body, no Content-Type */
	struct slice body;
	const char *extra; /* further header lines, each ended by CRLF; NULL: none */
	bool close;        /* say "Connection: close" */
	bool head_only;    /* the request was HEAD: Content-Length but no body */
};

/* Reason phrase of RFC 9110 section 15 or RFC 6585, "Unknown" for a code they do not name. */
const char *http_answer_reason(int status);

/* Writes status line, headers and body. 1xx, 204 and 304 get neither a body nor a
 * Content-Length (RFC 9110 section 6.4.1), whatever the answer says. */
void http_answer_write(struct writer *writer, const struct http_answer *answer);

/* Writes an error answer with body {"error":"<code>","message":"<message>"}; both are plain
 * ASCII without quotes or backslashes. 401 gets "WWW-Authenticate: Bearer". Always closes. */
void http_answer_write_error(struct writer *writer, int status, const char *code,
			     const char *message, const char *extra);

#endif
