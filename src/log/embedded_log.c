/* log/embedded_log.c - ids that only grow, and what is written of them. */
#include "log/embedded_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "log/log_file.h"
#include "log/log_marks.h"
#include "log/log_record.h"
#include "log/log_replay.h"

#define SEGMENT_SIZE ((size_t)64 << 20)
#define SYNC_MS 1000
#define MARK_SIZE_MAX 1024
#define REWRITE_SIZE ((size_t)64 << 10) /* marks that are written again at once */

struct embedded_log_file {
	struct log_file log;
	struct log_marks marks;
	enum embedded_log_fsync fsync;
	size_t segment_size;
	uint64_t synced_ms; /* when the last sync by the clock was */
	uint8_t *buffer;
	size_t buffer_capacity;
	struct embedded_log_listener listener; /* while opening */
	struct entry_field *fields;            /* while opening: of the entry at hand */
	size_t fields_capacity;
};

static enum status tell_entry(struct embedded_log_file *file, struct log_record *record)
{
	uint32_t count = record->fields_count;

	if (count > file->fields_capacity) {
		struct entry_field *fields = realloc(file->fields, count * sizeof(*fields));

		if (!fields)
			return STATUS_NO_MEMORY;
		file->fields = fields;
		file->fields_capacity = count;
	}
	for (uint32_t i = 0; i < count; i++) {
		bool found = log_record_next_field(record, &file->fields[i]);

		ASSERT(found); /* a whole record has the fields it says */
	}
	if (file->listener.on_entry)
		file->listener.on_entry(file->listener.owner, record->id, file->fields, count);
	return STATUS_OK;
}

static enum status on_record(void *owner, struct log_record *record, uint64_t segment)
{
	struct embedded_log_file *file = owner;

	if (record->kind == LOG_RECORD_ENTRY)
		return tell_entry(file, record);
	struct log_mark *mark = log_mark_create(record->key, record->value);

	if (!mark)
		return STATUS_NO_MEMORY;
	log_marks_put(&file->marks, mark, segment);
	if (file->listener.on_mark)
		file->listener.on_mark(file->listener.owner, record->key, record->value);
	return STATUS_OK;
}

static enum status open_file(struct embedded_log *log, const char *path, struct log_reason reason)
{
	struct embedded_log_file *file = log->file;
	struct log_replay replay = {
		.on_record = on_record,
		.owner = file,
		.reason = reason,
		.last = log->last,
	};
	enum status status = log_file_open(&file->log, path, reason);

	if (status == STATUS_OK)
		status = log_replay_run(&replay, &file->log);
	if (status != STATUS_OK)
		return status;
	log->last = replay.last;
	if (file->log.segments_count == 0) {
		status = log_file_begin(&file->log, log->last);
		if (status != STATUS_OK)
			log_reason_set(reason, "cannot begin the log %s: %s", path,
				       log_file_advice(errno));
	}
	return status;
}

static void destroy_file(struct embedded_log_file *file)
{
	log_file_close(&file->log);
	log_marks_deinit(&file->marks);
	free(file->buffer);
	free(file->fields);
	free(file);
}

static enum status create_file(const struct embedded_log_options *options,
			       struct embedded_log_file **ret_file)
{
	struct embedded_log_file *file = calloc(1, sizeof(*file));

	if (!file || !log_marks_init(&file->marks)) {
		free(file);
		return STATUS_NO_MEMORY;
	}
	file->log.folder_fd = file->log.lock_fd = file->log.fd = -1;
	file->fsync = options->fsync;
	file->segment_size = options->segment_size ? options->segment_size : SEGMENT_SIZE;
	file->synced_ms = options->now_ms;
	file->listener = options->listener;
	*ret_file = file;
	return STATUS_OK;
}

enum status embedded_log_open(struct embedded_log *log, const struct embedded_log_options *options,
			      char *reason, size_t reason_size)
{
	struct log_reason why = {reason, reason_size};
	enum status status;

	*log = (struct embedded_log){.last = {.ms = options->now_ms}};
	log_reason_set(why, "%s", "");
	if (!options->path || options->path[0] == '\0')
		return STATUS_OK;
	status = create_file(options, &log->file);
	if (status != STATUS_OK) {
		log_reason_set(why, "out of memory");
		return status;
	}
	status = open_file(log, options->path, why);
	if (status != STATUS_OK) {
		destroy_file(log->file);
		log->file = NULL;
		return status;
	}
	free(log->file->fields);
	log->file->fields = NULL;
	return STATUS_OK;
}

void embedded_log_close(struct embedded_log *log)
{
	if (!log->file)
		return;
	if (log->file->fsync != EMBEDDED_LOG_NEVER && log_file_sync(&log->file->log) != STATUS_OK)
		log->file->log.is_unsynced = true; /* nobody is left to be told */
	destroy_file(log->file);
	log->file = NULL;
}

static enum status make_buffer(struct embedded_log_file *file, size_t size)
{
	size_t capacity = file->buffer_capacity ? file->buffer_capacity : 4096;
	uint8_t *buffer;

	if (size <= file->buffer_capacity)
		return STATUS_OK;
	while (capacity < size)
		capacity *= 2;
	buffer = realloc(file->buffer, capacity);
	if (!buffer)
		return STATUS_NO_MEMORY;
	file->buffer = buffer;
	file->buffer_capacity = capacity;
	return STATUS_OK;
}

/* Room for `size` bytes, in the buffer and in the newest segment. */
static enum status reserve(struct embedded_log *log, size_t size)
{
	struct embedded_log_file *file = log->file;
	const struct log_segment *newest = log_file_newest(&file->log);
	enum status status = size > 0 ? make_buffer(file, size) : STATUS_TOO_LARGE;

	if (status != STATUS_OK)
		return status;
	if (newest->size == LOG_SEGMENT_HEAD_SIZE || newest->size + size <= file->segment_size)
		return STATUS_OK;
	return log_file_begin(&file->log, log->last);
}

static struct event_id next_id(struct event_id last, uint64_t now_ms)
{
	if (now_ms > last.ms)
		return (struct event_id){.ms = now_ms, .sequence = 0};
	return (struct event_id){.ms = last.ms, .sequence = last.sequence + 1};
}

static enum status write_entry(struct embedded_log *log, struct event_id id,
			       const struct entry_field *fields, uint32_t fields_count)
{
	struct embedded_log_file *file = log->file;
	size_t size = log_record_entry_size(fields, fields_count);
	enum status status = reserve(log, size);

	if (status != STATUS_OK)
		return status;
	log_record_write_entry(file->buffer, log_file_place(&file->log), id, fields, fields_count);
	status = log_file_append(&file->log, slice_of(file->buffer, size));
	if (status == STATUS_OK)
		log_file_newest(&file->log)->last = id;
	return status;
}

enum status embedded_log_append(struct embedded_log *log, uint64_t now_ms,
				const struct entry_field *fields, uint32_t fields_count,
				struct event_id *ret_id)
{
	struct event_id id = next_id(log->last, now_ms);
	enum status status = STATUS_OK;

	if (log->file)
		status = write_entry(log, id, fields, fields_count);
	if (status != STATUS_OK)
		return status;
	log->last = *ret_id = id;
	return STATUS_OK;
}

/* True: the key has this value already, or none and none is to be set. */
static bool is_marked(const struct log_marks *marks, struct slice key, struct slice value)
{
	const struct log_mark *mark = log_marks_find(marks, key);

	return mark ? slice_equal(mark->value, value) : value.size == 0;
}

enum status embedded_log_mark(struct embedded_log *log, struct slice key, struct slice value)
{
	struct embedded_log_file *file = log->file;
	size_t size = log_record_mark_size(key, value);
	struct log_mark *mark;
	enum status status;

	ASSERT(key.size > 0 && key.size <= MARK_SIZE_MAX && value.size <= MARK_SIZE_MAX);
	if (!file || is_marked(&file->marks, key, value))
		return STATUS_OK;
	status = reserve(log, size);
	if (status != STATUS_OK)
		return status;
	mark = log_mark_create(key, value);
	if (!mark)
		return STATUS_NO_MEMORY;
	log_record_write_mark(file->buffer, log_file_place(&file->log), key, value);
	status = log_file_append(&file->log, slice_of(file->buffer, size));
	if (status == STATUS_OK)
		log_marks_put(&file->marks, mark, log_file_newest(&file->log)->number);
	else
		free(mark);
	return status;
}

enum status embedded_log_sync(struct embedded_log *log)
{
	if (!log->file || log->file->fsync != EMBEDDED_LOG_ALWAYS)
		return STATUS_OK;
	return log_file_sync(&log->file->log);
}

void embedded_log_tick(struct embedded_log *log, uint64_t now_ms)
{
	struct embedded_log_file *file = log->file;

	if (!file || file->fsync == EMBEDDED_LOG_NEVER || !file->log.is_unsynced)
		return;
	/* a clock that went back must not put it off */
	if (now_ms >= file->synced_ms && now_ms - file->synced_ms < SYNC_MS)
		return;
	file->synced_ms = now_ms;
	if (log_file_sync(&file->log) != STATUS_OK)
		return; /* the next append says so */
}

/* Copies of the oldest marks, those of segments up to `number`, are built in the buffer. */
static void copy_marks(struct embedded_log_file *file, uint32_t count)
{
	struct log_place place = log_file_place(&file->log);
	const struct log_mark *mark = file->marks.oldest;
	size_t used = 0;

	for (; count > 0; count--, mark = mark->newer) {
		struct log_place here = {place.salt, place.offset + used};

		log_record_write_mark(file->buffer + used, here, mark->key, mark->value);
		used += log_record_mark_size(mark->key, mark->value);
	}
}

/* Writes some of the oldest marks again, as far as they are in segments up to `number`. */
static enum status rewrite_some(struct embedded_log *log, uint64_t number)
{
	struct embedded_log_file *file = log->file;
	const struct log_mark *mark = file->marks.oldest;
	uint32_t count = 0;
	size_t size = 0;
	enum status status;

	for (; mark && mark->segment <= number && mark->value.size > 0; mark = mark->newer) {
		if (size >= REWRITE_SIZE)
			break;
		size += log_record_mark_size(mark->key, mark->value);
		count++;
	}
	status = reserve(log, size);
	if (status != STATUS_OK)
		return status;
	copy_marks(file, count);
	status = log_file_append(&file->log, slice_of(file->buffer, size));
	for (; status == STATUS_OK && count > 0; count--)
		log_marks_move_oldest(&file->marks, log_file_newest(&file->log)->number);
	return status;
}

/* When it returns STATUS_OK no segment up to `number` has the newest value of a key. What was
 * removed there was so for all segments before, too, and is forgotten. */
static enum status rescue_marks(struct embedded_log *log, uint64_t number)
{
	struct log_marks *marks = &log->file->marks;
	enum status status = STATUS_OK;

	while (status == STATUS_OK && marks->oldest && marks->oldest->segment <= number) {
		if (marks->oldest->value.size > 0)
			status = rewrite_some(log, number);
		else
			log_marks_drop_oldest(marks);
	}
	/* by any policy: the old copies may have been on the disk for long */
	return status == STATUS_OK ? log_file_sync(&log->file->log) : status;
}

/* How many of the oldest segments may go. Marks move on into new segments: as long as they might
 * be more than half of what goes, that is put off, or they would be written for ever. */
static size_t count_needless(const struct embedded_log_file *file, struct event_id id)
{
	const struct log_file *log = &file->log;
	uint64_t size = 0;
	size_t count = 0;

	while (count + 1 < log->segments_count && event_id_is_after(id, log->segments[count].last))
		size += log->segments[count++].size;
	return size >= 2 * file->marks.size ? count : 0;
}

void embedded_log_trim(struct embedded_log *log, struct event_id id)
{
	struct log_file *file = log->file ? &log->file->log : NULL;
	size_t count = file ? count_needless(log->file, id) : 0;

	for (; count > 0; count--)
		if (rescue_marks(log, file->segments[0].number) != STATUS_OK ||
		    log_file_drop_oldest(file) != STATUS_OK)
			return; /* it stays; the next call tries again */
}

uint64_t embedded_log_file_size(const struct embedded_log *log)
{
	return log->file ? log->file->log.size : 0;
}
