/* log/log_file.h - the segments of a log on the disk: PATH.000001, PATH.000002 and so on.
 *
 * Layer   log (may include: base)
 * Threads one at a time
 * Memory  40 bytes a segment, and a copy of the path
 * Errors  a status; where there is a `reason`, a text for an operator: what, where, what to do.
 *         STATUS_SYSTEM leaves errno
 *
 * Only the newest segment is written. The ones before are complete and on the disk: a segment is
 * synced before the next one begins. PATH.lock is held (flock) as long as the log is open, and
 * stays as an empty file.
 *
 * What a failed write left is cut off; until that succeeds nothing more is appended. After a
 * failed sync nobody knows what is on the disk: from then on every append and sync fails.
 */
#ifndef BELFRY_LOG_LOG_FILE_H
#define BELFRY_LOG_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "base/status.h"
#include "belfry/event_id.h"
#include "log/log_record.h"

struct log_segment {
	uint64_t number;
	uint64_t size;
	struct event_id last; /* of the newest entry at its end; the owner's */
};

struct log_file {
	char *path;
	const char *name; /* the last part of path */
	int folder_fd, lock_fd;
	int fd;                       /* of the newest segment; -1: none was begun or continued */
	uint64_t salt;                /* of the newest segment */
	struct log_segment *segments; /* oldest first */
	size_t segments_count, segments_capacity;
	uint64_t size;    /* of all segments */
	bool is_unsynced; /* something was appended since the last sync */
	bool has_half;    /* bytes of a failed write are behind the newest segment's end */
	bool has_failed;  /* a sync did */
};

/* Where to put a text for people, with its room. */
struct log_reason {
	char *text;
	size_t size;
};
void log_reason_set(struct log_reason reason, const char *format, ...) PRINTF_LIKE(2, 3);

/* Locks the log and finds its segments, which follow each other without a gap. */
MUST_CHECK enum status log_file_open(struct log_file *file, const char *path,
				     struct log_reason reason);

/* Also after a failed open. */
void log_file_close(struct log_file *file);

/* All bytes of a segment, on the heap; the caller frees them. */
MUST_CHECK enum status log_file_read(const struct log_file *file, size_t index, uint8_t **ret_bytes,
				     struct log_reason reason);

/* Goes on writing the newest segment, cut to `size`. */
MUST_CHECK enum status log_file_continue(struct log_file *file, uint64_t size, uint64_t salt,
					 struct log_reason reason);

/* Begins a segment after the newest one; `last` is the id of the newest entry. */
MUST_CHECK enum status log_file_begin(struct log_file *file, struct event_id last);

/* The newest segment; there is one after continue or begin. */
struct log_segment *log_file_newest(const struct log_file *file);

/* Where the next record begins. */
struct log_place log_file_place(const struct log_file *file);

/* Writes whole records at the end. */
MUST_CHECK enum status log_file_append(struct log_file *file, struct slice bytes);

/* What was appended is on the disk. */
MUST_CHECK enum status log_file_sync(struct log_file *file);

/* Removes a segment that is no longer wanted: the oldest, or the newest when it is not open. */
MUST_CHECK enum status log_file_drop_oldest(struct log_file *file);
MUST_CHECK enum status log_file_drop_newest(struct log_file *file);

/* What to do about errno, for people. */
const char *log_file_advice(int error);

#endif
