/* wsbench/options_help.c - the help page. */
#include <stdio.h>
#include <string.h>

#include "wsbench/option_table.h"
#include "wsbench/options.h"

#define INDENT 26

static const char introduction[] =
	"wsbench - load tester for Belfry and other WebSocket servers\n"
	"\n"
	"  wsbench MODE [--option value ...]\n"
	"\n"
	"Holds up to 300,000 connections in one process, publishes to them and checks that every\n"
	"connection gets every message once and in order. Each message carries its number and the\n"
	"time of publishing by the clock of this machine: the publisher is this process, too.\n"
	"\n"
	"Modes\n";

static const char closing[] =
	"\n"
	"Examples\n"
	"  wsbench hold --conns 50000 --baseline 1000 --secret S --api-key K\n"
	"      memory per idle connection; the broker listens on 0.0.0.0:8080\n"
	"  wsbench broadcast --conns 10000 --secret S --redis redis://127.0.0.1:6379/0\n"
	"  wsbench broadcast --conns 10000 --window 16 --count 200 --secret S --api-key K\n"
	"  wsbench compare --conns 50000 --count 20 --secret S --api-key K\n"
	"      broker CPU per delivery as a multiple of the bare send loop\n"
	"  wsbench unicast --conns 50000 --rate 1000 --seconds 20 --secret S --api-key K\n"
	"  wsbench storm --conns 50000 --secret S --api-key K --json storm.json\n"
	"  wsbench resume --conns 20000 --missed 10 --secret S --redis redis://127.0.0.1:6379/0\n"
	"  wsbench floor --conns 50000\n"
	"  wsbench broadcast --against ws://127.0.0.1:9001/topic/all --publish-path /topic/all \\\n"
	"      --publish-frame '{data}'\n"
	"      any server that passes on what one client sends to all\n"
	"  wsbench broadcast --against ws://127.0.0.1:9001/ --publish-command 'my-publisher -' \\\n"
	"      --first-frame '{\"join\":\"{user}\"}'\n"
	"\n"
	"What is measured\n"
	"  latency       from just before publishing to the receiving thread having the bytes.\n"
	"                In broadcasts readers sleep until --reap sockets are readable or\n"
	"                --reap-us have passed, as a reader that wakes for every frame makes\n"
	"                the server dearer; unicast and churn wake for each.\n"
	"  CPU           user and system time of the broker's threads; on loopback with the\n"
	"                receiver's TCP input in it, for broker and floor alike.\n"
	"  kernel memory both ends of a connection are on this machine: the pair, and its half.\n"
	"  {user}        in --publish-frame: the addressed user, empty for a broadcast.\n"
	"\n"
	"Exit code: 0 all arrived; 1 a message lost, double, reordered or misrouted, a connection\n"
	"failed or was closed, a publication refused; 2 wrong usage; 3 no run could be made.\n";

static void print_name(const char *name, const char *placeholder)
{
	char left[64];

	snprintf(left, sizeof(left), "  --%s %s", name, placeholder);
	printf("%-*s", INDENT, left);
	if (strlen(left) >= INDENT)
		printf("\n%*s", INDENT, "");
}

/* `text` may have several lines; `suffix` goes behind the last. */
static void print_text(const char *text, const char *suffix)
{
	for (const char *line = text; line;) {
		const char *end = strchr(line, '\n');

		printf("%.*s", end ? (int)(end - line) : (int)strlen(line), line);
		line = end ? end + 1 : NULL;
		if (line)
			printf("\n%*s", INDENT, "");
	}
	printf("%s\n", suffix);
}

static void print_number(const char *name, uint64_t value, const char *text)
{
	char suffix[48];

	snprintf(suffix, sizeof(suffix), " [%llu]", (unsigned long long)value);
	print_name(name, "N");
	print_text(text, suffix);
}

static void print_text_option(const char *name, const char *value, const char *placeholder,
			      const char *text)
{
	char suffix[96] = "";

	if (value)
		snprintf(suffix, sizeof(suffix), " [%s]", value);
	print_name(name, placeholder);
	print_text(text, suffix);
}

static void print_flag(const char *name, const char *text)
{
	print_name(name, "");
	print_text(text, "");
}

void options_print_help(void)
{
	printf("%s", introduction);
#define X(name, field, text) printf("  %-10s %s\n", #name, text);
	MODE_TABLE(X)
#undef X
#define GROUP(title) printf("\n%s\n", title);
#define NUMBER(field, name, value, least, most, text) print_number(name, value, text);
#define TEXT(field, name, value, placeholder, text) \
	print_text_option(name, value, placeholder, text);
#define FLAG(field, name, text) print_flag(name, text);
	OPTION_TABLE(GROUP, NUMBER, TEXT, FLAG)
	printf("%s", closing);
}
