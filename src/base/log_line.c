/* base/log_line.c - one line, one write. */
#include "base/log_line.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum log_level lowest_level = LOG_INFO;
static bool as_json;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_line_init(enum log_level lowest, bool json)
{
	lowest_level = lowest;
	as_json = json;
}

static size_t write_time(char *text, size_t capacity)
{
	struct timespec now;
	struct tm parts;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	size_t size = strftime(text, capacity, "%Y-%m-%dT%H:%M:%S", &parts);
	return size +
	       (size_t)snprintf(text + size, capacity - size, ".%03ldZ", now.tv_nsec / 1000000);
}

/* Words of strangers may be in a message: they make no second line and no terminal colours. */
static void flatten(char *message)
{
	for (; *message; message++)
		if ((unsigned char)*message < 0x20 || *message == 0x7F)
			*message = ' ';
}

/* The message as the inside of a JSON string; cut at `capacity`. */
static void escape(const char *message, char *text, size_t capacity)
{
	size_t size = 0;

	for (; *message && size + 7 < capacity; message++) {
		unsigned char byte = (unsigned char)*message;

		if (byte == '"' || byte == '\\')
			text[size++] = '\\';
		if (byte < 0x20)
			size += (size_t)snprintf(text + size, 7, "\\u%04x", byte);
		else
			text[size++] = (char)byte;
	}
	text[size] = '\0';
}

static int write_line(char *line, size_t capacity, const char *level, const char *source,
		      char *message)
{
	char now[40];
	char escaped[1600];

	write_time(now, sizeof(now));
	if (!as_json) {
		flatten(message);
		return snprintf(line, capacity, "%s %-5s %s: %s\n", now, level, source, message);
	}
	escape(message, escaped, sizeof(escaped));
	return snprintf(line, capacity,
			"{\"time\":\"%s\",\"level\":\"%s\",\"source\":\"%s\",\"message\":\"%s\"}\n",
			now, level, source, escaped);
}

void log_line(enum log_level level, const char *source, const char *format, ...)
{
	char message[1024];
	char line[2048];
	va_list values;

	if (level < lowest_level)
		return;
	va_start(values, format);
	vsnprintf(message, sizeof(message), format, values);
	va_end(values);
	int size = write_line(line, sizeof(line), level_names[level], source, message);
	if (size <= 0)
		return;
	size_t length = (size_t)size < sizeof(line) ? (size_t)size : sizeof(line) - 1;
	if (write(STDERR_FILENO, line, length) < 0)
		return; /* nowhere left to complain */
}
