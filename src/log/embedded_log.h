/* log/embedded_log.h - the log of a node without Redis: ids in order, and a file if one is named.
 *
 * Layer   log (may include: base)
 * Threads the router
 * Memory  one write buffer, as large as the largest entry was; entries are passed on, not kept;
 *         with a file each mark once (see log_marks.h) and, while opening, one segment
 * Errors  opening: a status and a text. STATUS_INVALID: damaged; STATUS_UNAVAILABLE: locked by
 *         another process. Later: STATUS_SYSTEM with errno when the file cannot be written,
 *         STATUS_TOO_LARGE over 64 MiB, STATUS_NO_MEMORY: nothing was appended then. After a
 *         sync that failed all appends and syncs do: what is on the disk is not known any more
 *
 * The file is a run of records, each with length and checksum, in segments `PATH.000001` and so
 * on. A record is an entry (its id and fields) or a mark (a key and its newest value: cursors,
 * the epoch). At start all records are told in order; a torn tail, as a kill or a power cut
 * leaves it, is cut off. A damaged record anywhere else is an error: the log is not to be
 * guessed. An append is in the file (write(2)) when the function returns, so a kill -9 loses
 * nothing; with fsync EMBEDDED_LOG_ALWAYS it is on the disk as well.
 */
#ifndef BELFRY_LOG_EMBEDDED_LOG_H
#define BELFRY_LOG_EMBEDDED_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "base/status.h"
#include "belfry/entry_field.h"
#include "belfry/event_id.h"

enum embedded_log_fsync {
	EMBEDDED_LOG_ALWAYS, /* fdatasync after each batch of appends, before they are answered */
	EMBEDDED_LOG_SECOND, /* at most once a second, from embedded_log_tick */
	EMBEDDED_LOG_NEVER,  /* the kernel writes when it likes */
};

struct embedded_log_listener {
	/* While opening: an entry, in order; fields are valid during the call. */
	void (*on_entry)(void *owner, struct event_id id, const struct entry_field *fields,
			 uint32_t fields_count);
	/* While opening: the newest value of a key so far, in the order of the file; size 0:
	 * removed. */
	void (*on_mark)(void *owner, struct slice key, struct slice value);
	void *owner;
};

struct embedded_log_options {
	const char *path; /* NULL or "": no file */
	enum embedded_log_fsync fsync;
	size_t segment_size; /* bytes after which a new segment begins; 0: 64 MiB */
	uint64_t now_ms;     /* Unix */
	struct embedded_log_listener listener; /* a function may be NULL */
};

struct embedded_log_file;

struct embedded_log {
	struct event_id last;           /* of the newest entry */
	struct embedded_log_file *file; /* NULL: in memory only */
};

/* Opens the log and tells what the file has. `reason`: what to say to an operator on failure; on
 * success it is empty, or says what was repaired. Without a file ids begin as if an entry had
 * been appended before the program began: they do not start at 0-0. */
MUST_CHECK enum status embedded_log_open(struct embedded_log *log,
					 const struct embedded_log_options *options, char *reason,
					 size_t reason_size);
void embedded_log_close(struct embedded_log *log);

/* Appends an entry and gives its id, made as Redis makes it: the time, and a number inside the
 * millisecond; always after the one before, also when the clock goes back. */
MUST_CHECK enum status embedded_log_append(struct embedded_log *log, uint64_t now_ms,
					   const struct entry_field *fields, uint32_t fields_count,
					   struct event_id *ret_id);

/* Remembers `value` (0..1024 bytes; size 0: removes it) under `key` (1..1024 bytes). Without a
 * file, or when that is its value already, nothing happens. */
MUST_CHECK enum status embedded_log_mark(struct embedded_log *log, struct slice key,
					 struct slice value);

/* With ALWAYS: what was appended since the last call is on the disk when it returns. */
MUST_CHECK enum status embedded_log_sync(struct embedded_log *log);

/* Once a second or more often: syncs by policy. */
void embedded_log_tick(struct embedded_log *log, uint64_t now_ms);

/* Entries before `id` are not needed any more: whole segments of them go. Marks that are still
 * the newest of their key are written again before their segment goes; it is put off while they
 * may be more than half of what would go. */
void embedded_log_trim(struct embedded_log *log, struct event_id id);

/* Bytes of all segments; 0 without a file. */
uint64_t embedded_log_file_size(const struct embedded_log *log);

#endif
