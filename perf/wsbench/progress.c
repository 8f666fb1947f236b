/* wsbench/progress.c - the live line. */
#include "wsbench/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "wsbench/stopwatch.h"

#define PERIOD_NS (250 * NS_PER_MS)

void progress_init(struct progress *progress, bool is_forced)
{
	*progress = (struct progress){.is_shown = is_forced || isatty(STDERR_FILENO)};
}

bool progress_is_due(struct progress *progress, uint64_t now_ns)
{
	if (!progress->is_shown || now_ns < progress->next_ns)
		return false;
	progress->next_ns = now_ns + PERIOD_NS;
	return true;
}

void progress_show(struct progress *progress, const char *format, ...)
{
	va_list values;

	if (!progress->is_shown)
		return;
	va_start(values, format);
	fputc('\r', stderr);
	vfprintf(stderr, format, values);
	fputs("\x1b[K", stderr);
	fflush(stderr);
	va_end(values);
}

void progress_end(struct progress *progress)
{
	if (progress->is_shown)
		fputs("\r\x1b[K", stderr);
}
