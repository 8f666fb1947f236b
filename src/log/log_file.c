/* log/log_file.c - lock, list, read, append, cut, sync. */
#include "log/log_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/random.h"

#define NAME_SIZE 300 /* more than NAME_MAX: the kernel says when it is too long */
#define DIGITS 6      /* at least */

void log_reason_set(struct log_reason reason, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	if (reason.size > 0)
		vsnprintf(reason.text, reason.size, format, values);
	va_end(values);
}

const char *log_file_advice(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return "no space is left there: free some, or put the log elsewhere";
	case EFBIG:
		return "the file may not grow: raise the limit on file sizes (ulimit -f)";
	case EACCES:
	case EPERM:
		return "permission denied: give this user the right to write there";
	case EROFS:
		return "the file system is read-only: put the log elsewhere";
	case ENOENT:
	case ENOTDIR:
		return "its folder does not exist: make it, or put the log elsewhere";
	case EMFILE:
	case ENFILE:
		return "too many files are open: raise the limit (ulimit -n)";
	case EIO:
		return "the disk failed: look at the kernel's messages";
	default:
		return strerror(error);
	}
}

static enum status fail(const struct log_file *file, const char *what, struct log_reason reason)
{
	int error = errno;

	log_reason_set(reason, "%s %s: %s", what, file->path, log_file_advice(error));
	errno = error;
	return error == ENOMEM ? STATUS_NO_MEMORY : STATUS_SYSTEM;
}

static void segment_name(const struct log_file *file, uint64_t number, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%s.%0*" PRIu64, file->name, DIGITS, number);
}

static enum status open_folder(struct log_file *file, const char *path, struct log_reason reason)
{
	const char *slash = strrchr(path, '/');
	char *folder;

	file->path = strdup(path);
	folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	if (!file->path || !folder) {
		free(folder);
		log_reason_set(reason, "out of memory");
		return STATUS_NO_MEMORY;
	}
	file->name = slash ? file->path + (slash - path) + 1 : file->path;
	file->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	return file->folder_fd < 0 ? fail(file, "cannot open the log", reason) : STATUS_OK;
}

static enum status check_name(const struct log_file *file, struct log_reason reason)
{
	struct stat there;

	if (file->name[0] != '\0' &&
	    (fstatat(file->folder_fd, file->name, &there, 0) != 0 || S_ISREG(there.st_mode)))
		return STATUS_OK;
	log_reason_set(reason, "%s is %s: name a plain file for the log", file->path,
		       file->name[0] == '\0' || S_ISDIR(there.st_mode)
			       ? "a folder"
			       : "a device, a pipe or a socket");
	return STATUS_INVALID;
}

static enum status lock(struct log_file *file, struct log_reason reason)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "%s.lock", file->name);
	file->lock_fd = openat(file->folder_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file->lock_fd < 0)
		return fail(file, "cannot make the lock of the log", reason);
	if (flock(file->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return STATUS_OK;
	if (errno != EWOULDBLOCK)
		return fail(file, "cannot lock the log", reason);
	log_reason_set(reason,
		       "the log %s is open in another process (it holds %s.lock): stop that one, "
		       "or name another file",
		       file->path, file->path);
	return STATUS_UNAVAILABLE;
}

static bool make_room(struct log_file *file)
{
	size_t capacity = file->segments_capacity ? file->segments_capacity * 2 : 16;
	struct log_segment *segments;

	if (file->segments_count < file->segments_capacity)
		return true;
	segments = realloc(file->segments, capacity * sizeof(*segments));
	if (!segments)
		return false;
	file->segments = segments;
	file->segments_capacity = capacity;
	return true;
}

/* The number in "NAME.000123", written as segment_name does; 0: it is another file. */
static uint64_t number_of(const struct log_file *file, const char *name)
{
	size_t name_size = strlen(file->name);
	char again[NAME_SIZE];
	uint64_t number;

	if (strncmp(name, file->name, name_size) != 0 || name[name_size] != '.' ||
	    !slice_to_u64(slice_of_text(name + name_size + 1), &number))
		return 0;
	segment_name(file, number, again);
	return strcmp(name, again) == 0 ? number : 0;
}

static enum status add_found(struct log_file *file, const char *name, uint64_t number)
{
	struct stat there;

	if (fstatat(file->folder_fd, name, &there, 0) != 0)
		return STATUS_SYSTEM;
	if (!make_room(file)) {
		errno = ENOMEM;
		return STATUS_NO_MEMORY;
	}
	file->segments[file->segments_count++] = (struct log_segment){
		.number = number,
		.size = (uint64_t)there.st_size,
	};
	file->size += (uint64_t)there.st_size;
	return STATUS_OK;
}

static enum status find_segments(struct log_file *file, DIR *folder)
{
	enum status status = STATUS_OK;
	struct dirent *item;

	while (status == STATUS_OK) {
		errno = 0;
		item = readdir(folder);
		if (!item)
			return errno ? STATUS_SYSTEM : STATUS_OK;
		uint64_t number = number_of(file, item->d_name);

		if (number > 0)
			status = add_found(file, item->d_name, number);
	}
	return status;
}

static int by_number(const void *a, const void *b)
{
	uint64_t one = ((const struct log_segment *)a)->number;
	uint64_t other = ((const struct log_segment *)b)->number;

	return (one > other) - (one < other);
}

static enum status check_gaps(const struct log_file *file, struct log_reason reason)
{
	for (size_t i = 1; i < file->segments_count; i++) {
		uint64_t expected = file->segments[i - 1].number + 1;

		if (file->segments[i].number == expected)
			continue;
		log_reason_set(reason,
			       "%s.%0*" PRIu64 " is missing: put it back, or move the segments "
			       "before it away to go on without them",
			       file->path, DIGITS, expected);
		return STATUS_INVALID;
	}
	return STATUS_OK;
}

static enum status list_segments(struct log_file *file, struct log_reason reason)
{
	int fd = openat(file->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	enum status status = STATUS_SYSTEM;

	if (folder)
		status = find_segments(file, folder);
	if (status != STATUS_OK)
		fail(file, "cannot list the segments of the log", reason);
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
	if (status != STATUS_OK)
		return status;
	if (file->segments_count > 0)
		qsort(file->segments, file->segments_count, sizeof(*file->segments), by_number);
	return check_gaps(file, reason);
}

enum status log_file_open(struct log_file *file, const char *path, struct log_reason reason)
{
	enum status status;

	*file = (struct log_file){.folder_fd = -1, .lock_fd = -1, .fd = -1};
	status = open_folder(file, path, reason);
	if (status == STATUS_OK)
		status = check_name(file, reason);
	if (status == STATUS_OK)
		status = lock(file, reason);
	if (status == STATUS_OK)
		status = list_segments(file, reason);
	return status;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void log_file_close(struct log_file *file)
{
	close_fd(&file->fd);
	close_fd(&file->lock_fd);
	close_fd(&file->folder_fd);
	free(file->segments);
	free(file->path);
	*file = (struct log_file){.folder_fd = -1, .lock_fd = -1, .fd = -1};
}

static bool read_all(int fd, uint8_t *bytes, uint64_t size)
{
	uint64_t done = 0;

	while (done < size) {
		ssize_t got = pread(fd, bytes + done, size - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			errno = got == 0 ? EIO : errno;
			return false;
		}
		done += (uint64_t)got;
	}
	return true;
}

enum status log_file_read(const struct log_file *file, size_t index, uint8_t **ret_bytes,
			  struct log_reason reason)
{
	const struct log_segment *segment = &file->segments[index];
	uint8_t *bytes = malloc(segment->size ? segment->size : 1);
	char name[NAME_SIZE];

	ASSERT(index < file->segments_count);
	if (!bytes) {
		log_reason_set(reason, "not enough memory to read a segment of %" PRIu64 " bytes",
			       segment->size);
		return STATUS_NO_MEMORY;
	}
	segment_name(file, segment->number, name);
	int fd = openat(file->folder_fd, name, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && read_all(fd, bytes, segment->size);

	if (!good)
		fail(file, "cannot read the log", reason);
	close_fd(&fd);
	if (!good) {
		free(bytes);
		return STATUS_SYSTEM;
	}
	*ret_bytes = bytes;
	return STATUS_OK;
}

struct log_segment *log_file_newest(const struct log_file *file)
{
	ASSERT(file->segments_count > 0);
	return &file->segments[file->segments_count - 1];
}

struct log_place log_file_place(const struct log_file *file)
{
	return (struct log_place){.salt = file->salt, .offset = log_file_newest(file)->size};
}

/* Cuts off what is behind the end of the newest segment. */
static bool cut(struct log_file *file)
{
	int error = errno;

	file->has_half = ftruncate(file->fd, (off_t)log_file_newest(file)->size) != 0;
	if (!file->has_half)
		errno = error;
	return !file->has_half;
}

enum status log_file_continue(struct log_file *file, uint64_t size, uint64_t salt,
			      struct log_reason reason)
{
	struct log_segment *newest = log_file_newest(file);
	char name[NAME_SIZE];

	ASSERT(file->fd < 0 && size <= newest->size);
	segment_name(file, newest->number, name);
	file->fd = openat(file->folder_fd, name, O_RDWR | O_CLOEXEC);
	if (file->fd < 0)
		return fail(file, "cannot write the log", reason);
	bool must_cut = size < newest->size;

	file->size -= newest->size - size;
	newest->size = size;
	file->salt = salt;
	/* what a killed process appended may be on its way to the disk still; soon it is told */
	if ((must_cut && !cut(file)) || fdatasync(file->fd) != 0)
		return fail(file, "cannot write the log", reason);
	return STATUS_OK;
}

static bool write_all(int fd, struct slice bytes, uint64_t offset)
{
	while (bytes.size > 0) {
		ssize_t done = pwrite(fd, bytes.bytes, bytes.size, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			errno = done == 0 ? EIO : errno;
			return false;
		}
		bytes = slice_skip(bytes, (size_t)done);
		offset += (uint64_t)done;
	}
	return true;
}

static bool sync_folder(const struct log_file *file)
{
	return fsync(file->folder_fd) == 0 || errno == EINVAL; /* not every file system can */
}

/* Makes the file with its head; both are on the disk then. */
static bool make_segment(const struct log_file *file, const char *name,
			 const struct log_segment_head *head, int *ret_fd)
{
	int fd = openat(file->folder_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint8_t bytes[LOG_SEGMENT_HEAD_SIZE];

	if (fd < 0)
		return false;
	log_record_write_segment(head, bytes);
	if (write_all(fd, slice_of(bytes, sizeof(bytes)), 0) && fsync(fd) == 0 &&
	    sync_folder(file)) {
		*ret_fd = fd;
		return true;
	}
	int error = errno;

	close(fd);
	unlinkat(file->folder_fd, name, 0);
	errno = error;
	return false;
}

/* False, errno is set: the file is in no state to be written. */
static bool is_sound(struct log_file *file)
{
	if (file->has_failed)
		errno = EIO;
	return !file->has_failed && (!file->has_half || cut(file));
}

enum status log_file_begin(struct log_file *file, struct event_id last)
{
	bool is_first = file->segments_count == 0;
	struct log_segment_head head = {
		.number = is_first ? 1 : log_file_newest(file)->number + 1,
		.previous_size = is_first ? 0 : log_file_newest(file)->size,
		.last = last,
	};
	char name[NAME_SIZE];
	int fd;

	if (!is_first && (!is_sound(file) || log_file_sync(file) != STATUS_OK))
		return STATUS_SYSTEM;
	if (!make_room(file)) {
		errno = ENOMEM;
		return STATUS_NO_MEMORY;
	}
	random_secret(&head.salt, sizeof(head.salt));
	segment_name(file, head.number, name);
	if (!make_segment(file, name, &head, &fd))
		return STATUS_SYSTEM;
	close_fd(&file->fd);
	file->fd = fd;
	file->salt = head.salt;
	file->segments[file->segments_count++] = (struct log_segment){
		.number = head.number,
		.size = LOG_SEGMENT_HEAD_SIZE,
		.last = last,
	};
	file->size += LOG_SEGMENT_HEAD_SIZE;
	return STATUS_OK;
}

enum status log_file_append(struct log_file *file, struct slice bytes)
{
	struct log_segment *newest = log_file_newest(file);

	if (!is_sound(file))
		return STATUS_SYSTEM;
	if (!write_all(file->fd, bytes, newest->size)) {
		int error = errno;

		cut(file);
		errno = error;
		return STATUS_SYSTEM;
	}
	newest->size += bytes.size;
	file->size += bytes.size;
	file->is_unsynced = true;
	return STATUS_OK;
}

enum status log_file_sync(struct log_file *file)
{
	if (file->has_failed) {
		errno = EIO;
		return STATUS_SYSTEM;
	}
	if (file->is_unsynced && fdatasync(file->fd) != 0) {
		/* the kernel may have thrown the pages away: another try would lie */
		file->has_failed = true;
		return STATUS_SYSTEM;
	}
	file->is_unsynced = false;
	return STATUS_OK;
}

static enum status drop(struct log_file *file, size_t index)
{
	char name[NAME_SIZE];

	segment_name(file, file->segments[index].number, name);
	if (unlinkat(file->folder_fd, name, 0) != 0 && errno != ENOENT)
		return STATUS_SYSTEM;
	file->size -= file->segments[index].size;
	file->segments_count--;
	memmove(file->segments + index, file->segments + index + 1,
		(file->segments_count - index) * sizeof(*file->segments));
	/* the next one must not go before this one: that would be a gap */
	return sync_folder(file) ? STATUS_OK : STATUS_SYSTEM;
}

enum status log_file_drop_oldest(struct log_file *file)
{
	ASSERT(file->segments_count > 1);
	return drop(file, 0);
}

enum status log_file_drop_newest(struct log_file *file)
{
	ASSERT(file->segments_count > 0 && file->fd < 0);
	return drop(file, file->segments_count - 1);
}
