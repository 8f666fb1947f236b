/* base/status.h - the few ways in which a call can fail, named.
 *
 * Layer   base
 * Threads any
 * Memory  static strings
 * Errors  this is them
 */
#ifndef BELFRY_BASE_STATUS_H
#define BELFRY_BASE_STATUS_H

#include "base/compiler.h"

/* One line per status: name, text for people. */
#define STATUS_TABLE(X)                                  \
	X(OK, "ok")                                      \
	X(AGAIN, "not now, try again")                   \
	X(INVALID, "invalid input")                      \
	X(TOO_LARGE, "over its limit")                   \
	X(NOT_FOUND, "not found")                        \
	X(NO_MEMORY, "out of memory")                    \
	X(SYSTEM, "the system call failed, see errno")   \
	X(UNSUPPORTED, "the kernel does not offer this") \
	X(UNAVAILABLE, "the other side cannot be reached")

enum status {
#define X(name, text) STATUS_##name,
	STATUS_TABLE(X)
#undef X
};

/* Text of a status, for log lines. Never NULL. */
const char *status_text(enum status status);

#endif
