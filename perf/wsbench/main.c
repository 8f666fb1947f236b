/* wsbench/main.c - the load tester's start: options, then one mode. */
#include <signal.h>

#include "wsbench/modes.h"

int main(int argc, char **argv)
{
	static int (*const modes[])(const struct options *) = {
#define X(name, field, text) [MODE_##field] = mode_##name,
		MODE_TABLE(X)
#undef X
	};
	struct options options;

	if (!options_parse(&options, argc, argv))
		return EXIT_USAGE;
	if (options.help) {
		options_print_help();
		return 0;
	}
	signal(SIGPIPE, SIG_IGN);
	return modes[options.mode](&options);
}
