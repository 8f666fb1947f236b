/* base/log_line.h - lines for the operator, on standard error.
 *
 * Layer   base; called by program code only (threads and broker), never by wire, lane or uring
 * Threads any, after log_line_init; a line is one write(2), so lines never mix
 * Memory  2 KiB of stack; a longer line is cut
 * Errors  a line that cannot be written is lost
 *
 * Tokens, payloads and secrets are never given to it.
 */
#ifndef BELFRY_BASE_LOG_LINE_H
#define BELFRY_BASE_LOG_LINE_H

#include <stdbool.h>

#include "base/compiler.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Before any other thread starts. `json`: one JSON object a line instead of text. */
void log_line_init(enum log_level lowest, bool json);

/* `source` is the thread or module that speaks, a plain word. */
void log_line(enum log_level level, const char *source, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
