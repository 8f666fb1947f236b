/* tests/model/log_kill_model.c - a process that appends is killed; what it had said is there.
 *
 * Each round: a child opens the log, appends entries and marks, trims, and tells each success
 * over a pipe; after a random time it is killed with SIGKILL. The parent opens the log then: all
 * that was told is there, in order, the entries are whole, and ids go on. The same log is killed
 * several times over.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit/fresh_folder.h"
#include "base/compiler.h"
#include "log/embedded_log.h"
#include "model.h"

#define LIVES 5           /* of one log */
#define LIFE_MAX_US 12000 /* of one child */
#define MARKS 8
#define FILLING_MAX 400000
#define KEPT 200 /* entries that are not trimmed */

/* What the child says; smaller than PIPE_BUF, so it is whole or not there. */
struct said {
	struct event_id id; /* of an entry; 0-0: a mark */
	uint64_t number;    /* of the entry, counted from 1; or the mark's value */
	uint32_t mark;
};

static char folder[FRESH_FOLDER_SIZE], path[FRESH_FOLDER_SIZE + 16];
static char reason[512];
static unsigned lives, repairs, entries; /* of all rounds */

/* What must be there, by the parent. */
static struct {
	uint64_t acknowledged; /* number of the newest entry that was told */
	struct event_id acknowledged_id;
	uint64_t marks[MARKS]; /* values that were told */
} must;

/* What is there, by the listener. */
static struct {
	uint64_t first, last; /* numbers; 0: none */
	struct event_id last_id;
	struct event_id acknowledged_id; /* of the entry that was told last */
	uint64_t marks[MARKS];
} is;

static uint8_t filling_byte(uint64_t number, size_t index)
{
	return (uint8_t)(number * 7 + index);
}

static void on_entry(void *owner, struct event_id id, const struct entry_field *fields,
		     uint32_t fields_count)
{
	uint64_t number;

	(void)owner;
	CHECK(fields_count == 2 && fields[0].value.size == sizeof(number));
	memcpy(&number, fields[0].value.bytes, sizeof(number));
	CHECK(is.last == 0 || number == is.last + 1);
	CHECK(event_id_is_after(id, is.last_id));
	for (size_t i = 0; i < fields[1].value.size; i++)
		CHECK(fields[1].value.bytes[i] == filling_byte(number, i));
	is.first = is.first ? is.first : number;
	is.last = number;
	is.last_id = id;
	if (number == must.acknowledged)
		is.acknowledged_id = id;
}

static void on_mark(void *owner, struct slice key, struct slice value)
{
	uint32_t mark;
	uint64_t number;

	(void)owner;
	CHECK(key.size == sizeof(mark) && value.size == sizeof(number));
	memcpy(&mark, key.bytes, sizeof(mark));
	memcpy(&number, value.bytes, sizeof(number));
	CHECK(mark < MARKS && number >= is.marks[mark]);
	is.marks[mark] = number;
}

static struct embedded_log open_log(void)
{
	struct embedded_log_options options = {
		.path = path,
		.fsync = pick(8) ? EMBEDDED_LOG_NEVER : EMBEDDED_LOG_ALWAYS,
		.segment_size = 1000 + pick(200000),
		.now_ms = 1000000 + pick(1000), /* the clock goes back now and then */
		.listener = {on_entry, on_mark, NULL},
	};
	struct embedded_log log;

	memset(&is, 0, sizeof(is));
	if (embedded_log_open(&log, &options, reason, sizeof(reason)) != STATUS_OK) {
		fprintf(stderr, "model: %s\n", reason);
		CHECK(false);
	}
	return log;
}

static void say(int fd, struct said said)
{
	CHECK(write(fd, &said, sizeof(said)) == sizeof(said));
}

static void append_one(struct embedded_log *log, int fd, uint64_t number)
{
	static uint8_t filling[FILLING_MAX];
	size_t size = pick(4) ? pick(200) : pick(FILLING_MAX); /* large ones are torn more often */
	struct entry_field fields[] = {
		{SLICE("number"), slice_of(&number, sizeof(number))},
		{SLICE("filling"), slice_of(filling, size)},
	};
	struct said said = {.number = number};

	for (size_t i = 0; i < size; i++)
		filling[i] = filling_byte(number, i);
	CHECK(embedded_log_append(log, 1000000 + pick(1000), fields, 2, &said.id) == STATUS_OK);
	CHECK(embedded_log_sync(log) == STATUS_OK);
	say(fd, said);
}

static void mark_one(struct embedded_log *log, int fd, uint64_t value)
{
	struct said said = {.mark = pick(MARKS), .number = value};

	CHECK(embedded_log_mark(log, slice_of(&said.mark, sizeof(said.mark)),
				slice_of(&value, sizeof(value))) == STATUS_OK);
	say(fd, said);
}

/* Until somebody kills it. */
static void live(int fd)
{
	struct embedded_log log = open_log();
	struct event_id ids[KEPT] = {0};
	uint64_t number = is.last ? is.last : must.acknowledged;
	uint64_t mark = 0;

	for (uint32_t i = 0; i < MARKS; i++)
		mark = is.marks[i] > mark ? is.marks[i] : mark;
	for (;;) {
		append_one(&log, fd, ++number);
		ids[number % KEPT] = log.last;
		if (pick(3) == 0)
			mark_one(&log, fd, ++mark);
		if (pick(10) == 0) /* ids that this child has not given are 0-0 */
			embedded_log_trim(&log, ids[(number + 1) % KEPT]);
	}
}

static void hear(int fd)
{
	struct said said;
	ssize_t size;

	while ((size = read(fd, &said, sizeof(said))) > 0) {
		CHECK(size == sizeof(said));
		if (said.id.ms == 0) {
			must.marks[said.mark] = said.number;
			continue;
		}
		CHECK(said.number == must.acknowledged + 1);
		must.acknowledged = said.number;
		must.acknowledged_id = said.id;
	}
}

/* One entry may be there that was not told: its teller was killed in between. */
static void check_log(void)
{
	struct embedded_log log = open_log();

	lives++;
	repairs += reason[0] != '\0';
	entries += (unsigned)(is.last - is.first);
	CHECK(is.last == must.acknowledged || is.last == must.acknowledged + 1);
	if (must.acknowledged > 0) {
		CHECK(event_id_equal(is.acknowledged_id, must.acknowledged_id));
		CHECK(is.first == 1 || is.first + KEPT <= is.last + 2);
		CHECK(event_id_equal(log.last, is.last_id));
	}
	for (uint32_t i = 0; i < MARKS; i++)
		CHECK(is.marks[i] >= must.marks[i]);
	/* it was there when the log was opened: that counts as told */
	must.acknowledged = is.last;
	must.acknowledged_id = is.last_id;
	embedded_log_close(&log);
}

static void one_life(void)
{
	struct timespec life = {.tv_nsec = 1000L * pick(LIFE_MAX_US)};
	int ends[2], status;

	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	CHECK(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) > 0); /* the parent listens afterwards */
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0)
		live(ends[1]);
	close(ends[1]);
	nanosleep(&life, NULL);
	CHECK(kill(child, SIGKILL) == 0);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	hear(ends[0]);
	close(ends[0]);
	check_log();
}

static void remove_folder(void)
{
	DIR *open_folder = opendir(folder);
	struct dirent *item;

	CHECK(open_folder != NULL);
	while ((item = readdir(open_folder)) != NULL)
		if (item->d_name[0] != '.')
			CHECK(unlinkat(dirfd(open_folder), item->d_name, 0) == 0);
	closedir(open_folder);
	CHECK(rmdir(folder) == 0);
}

static void round_of_kills(void)
{
	fresh_folder(folder, "kill");
	snprintf(path, sizeof(path), "%s/log", folder);
	memset(&must, 0, sizeof(must));
	for (int i = 0; i < LIVES; i++)
		one_life();
	remove_folder();
}

int main(int argc, char **argv)
{
	int result = model_run(argc > 1 ? argv[1] : NULL, 60, round_of_kills);

	printf("%u lives, %u torn ends, %u entries\n", lives, repairs, entries);
	return result;
}
