/* broker/config_file.c - the configuration file. */
#include "broker/config_file.h"

#include "base/assert.h"
#include "broker/config_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_SIZE_MAX (1u << 20)

struct reading {
	struct config_draft *draft;
	const char *path;
	uint32_t line;                          /* from 1 */
	uint32_t first_lines[CONFIG_KEY_COUNT]; /* where a key stood first; 0: nowhere yet */
};

/* Returns the size, or -1 with errno. */
static ssize_t read_all(int fd, char *bytes, size_t size_max)
{
	size_t size = 0;

	while (size <= size_max) {
		ssize_t got = read(fd, bytes + size, size_max + 1 - size);

		if (got == 0)
			return (ssize_t)size;
		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0)
			size += (size_t)got;
	}
	errno = EFBIG;
	return -1;
}

char *config_file_slurp(const char *path, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	char *bytes = malloc(FILE_SIZE_MAX + 1);
	ASSERT(bytes != NULL);
	ssize_t size = read_all(fd, bytes, FILE_SIZE_MAX);
	int error = errno;

	close(fd);
	if (size < 0) {
		config_file_release(bytes, FILE_SIZE_MAX + 1);
		errno = error;
		return NULL;
	}
	bytes[size] = '\0';
	*ret_size = (size_t)size;
	return bytes;
}

void config_file_release(char *bytes, size_t size)
{
	if (bytes)
		explicit_bzero(bytes, size);
	free(bytes);
}

/* Cuts off a comment: a # with a blank before it. `value` begins right behind the =. */
static struct slice without_comment(struct slice value)
{
	for (size_t i = 1; i < value.size; i++)
		if (value.bytes[i] == '#' &&
		    (value.bytes[i - 1] == ' ' || value.bytes[i - 1] == '\t'))
			return slice_of(value.bytes, i);
	return value;
}

static bool is_quoted(struct slice value)
{
	if (value.size < 2 || value.bytes[0] != value.bytes[value.size - 1])
		return false;
	return value.bytes[0] == '"' || value.bytes[0] == '\'';
}

static bool holds_any_bytes(enum config_key key)
{
	enum config_kind kind = config_rows[key].kind;

	return kind == CONFIG_KIND_SECRET || kind == CONFIG_KIND_KEYS;
}

/* What is wrong with the way the value is written, whatever its key allows. NULL: nothing. */
static const char *doubt(enum config_key key, struct slice raw, struct slice value)
{
	if (is_quoted(value))
		return "the quotes would be part of the value; write it without them";
	/* Half a secret would be a secret as well, and nobody would notice. */
	if (holds_any_bytes(key) && without_comment(raw).size != raw.size)
		return "a # behind a blank begins a comment; put the comment on a line of its "
		       "own, or a key with # in it into the environment or a file of its own";
	return NULL;
}

static void set_key(struct reading *reading, enum config_key key, const char *where,
		    struct slice raw)
{
	struct config_report *report = reading->draft->report;
	struct config_place place = {CONFIG_LEVEL_FILE, where, config_rows[key].key};
	struct slice value = slice_trim(without_comment(raw));
	const char *wrong = doubt(key, raw, value);
	uint32_t first_line = reading->first_lines[key];

	if (first_line == 0)
		reading->first_lines[key] = reading->line;
	if (wrong) {
		config_report_error(report, "%s: %s: %s", where, place.name, wrong);
		reading->draft->origins[key].is_wrong = true;
	} else if (first_line && !(config_rows[key].flags & CONFIG_LIST)) {
		config_report_error(report, "%s: %s: given twice; first on line %u", where,
				    place.name, first_line);
	} else {
		config_draft_set(reading->draft, key, place, value);
	}
}

static void read_line(struct reading *reading, const char *where, struct slice line)
{
	struct slice rest = line;
	struct slice name = slice_trim(slice_cut(&rest, '='));

	if (name.size && name.bytes[0] == '#')
		return;
	if (slice_is_absent(rest)) {
		if (name.size)
			config_report_error(reading->draft->report,
					    "%s: no = in this line; allowed: key = value, "
					    "# comment",
					    where);
		return;
	}
	enum config_key key = config_row_find(name, CONFIG_FORM_FILE);
	if (key == CONFIG_KEY_COUNT)
		config_draft_unknown(reading->draft, where, name, CONFIG_FORM_FILE);
	else
		set_key(reading, key, where, rest);
}

static void read_lines(struct reading *reading, struct slice rest)
{
	while (!slice_is_absent(rest)) {
		struct slice line = slice_cut(&rest, '\n');
		char *where = config_text_format("%s:%u", reading->path, ++reading->line);

		if (line.size && line.bytes[line.size - 1] == '\r')
			line.size--;
		read_line(reading, where, line);
		free(where);
	}
}

void config_file_read(struct config_draft *draft, const char *path)
{
	struct reading reading = {.draft = draft, .path = path};
	size_t size = 0;
	char *bytes = config_file_slurp(path, &size);

	if (!bytes) {
		config_report_error(draft->report, "%s: cannot be read: %s", path, strerror(errno));
		return;
	}
	struct slice text = slice_of(bytes, size);
	if (slice_starts_with(text, SLICE("\xef\xbb\xbf")))
		text = slice_skip(text, 3); /* the mark that some editors write before UTF-8 */
	read_lines(&reading, text);
	config_file_release(bytes, size);
}
