/* tests/unit/broker/config_check_test.c - keys that must fit each other. */
#include "config_given.h"

#define WITH_SECRET "BELFRY_SECRET_KEY=" SECRET_32
#define MISSING                                                                             \
	"configuration: secret_key: missing: auth = jwt checks tokens with it; give it as " \
	"BELFRY_SECRET_KEY, SECRET_KEY or --secret-key, as secret_key in the file, or the " \
	"path of a file with it as BELFRY_SECRET_KEY_FILE; or give public keys with "       \
	"public_key or jwks_file; for development alone: auth = none\n"

static void secret_key(void **state)
{
	(void)state;
	check_report(&(struct given){.file = NULL}, MISSING);
	check_report(&(struct given){.words = {"--auth", "jwt"}}, MISSING);
	check_report(&(struct given){.variables = {"SECRET_KEY="}}, MISSING);
	check_report(&(struct given){.words = {"--auth", "none"}}, "");
	check_report(&(struct given){.variables = {WITH_SECRET}}, "");
	check_report(&(struct given){.variables = {"BELFRY_SECRET_KEY="}},
		     "environment: BELFRY_SECRET_KEY: \"\" is empty; allowed: 1 to 4096 bytes, "
		     "better 32 or more\n");
	check_report(&(struct given){.words = {"--secret-key", "your-secret-key-here"}},
		     "warning: command line: --secret-key: has 20 bytes; 32 random ones or more "
		     "cannot be guessed\n");
	check_report(&(struct given){.variables = {WITH_SECRET " "}},
		     "warning: environment: BELFRY_SECRET_KEY: ends with a blank or a line break, "
		     "which is part of the key\n");
}

static void api_keys(void **state)
{
	(void)state;
	check_report(&(struct given){.variables = {WITH_SECRET, "BELFRY_API_KEY=" SECRET_32}}, "");
	check_report(
		&(struct given){.variables = {WITH_SECRET, "BELFRY_API_KEY=k," SECRET_32}},
		"warning: environment: BELFRY_API_KEY: 1 of 2 with fewer than 16 characters can "
		"be guessed\n");
}

static void auth_none(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {"--auth=none", "--listen=127.0.0.1:1,[::1]:2"}}, "");
	check_report(
		&(struct given){.words = {"--auth=none", "--listen=127.0.0.1:1,:2"}},
		"command line: --auth: none is refused while listen has *:2, which other "
		"machines can reach; listen on 127.0.0.1 or [::1], use auth = jwt, or force it "
		"with auth_none_anywhere = on\n");
	check_report(
		&(struct given){.words = {"--listen=[2001:db8::1]:2"},
				.file = "auth = none\nauth_none_anywhere = on\n"},
		"warning: belfry.conf:1: auth: none: whoever reaches [2001:db8::1]:2 may claim "
		"to be any user\n");
	check_report(&(struct given){.words = {"--listen=:2"}, .variables = {WITH_SECRET}}, "");
}

static void heartbeat(void **state)
{
	(void)state;
	check_report(
		&(struct given){.words = {"--heartbeat-interval=60"}, .variables = {WITH_SECRET}},
		"command line: --heartbeat-interval: heartbeat_timeout (1m) must be longer than "
		"heartbeat_interval (1m), or every connection is closed before its next ping\n");
	check_report(
		&(struct given){.words = {"--heartbeat-timeout=10s"}, .variables = {WITH_SECRET}},
		"command line: --heartbeat-timeout: heartbeat_timeout (10s) must be longer than "
		"heartbeat_interval (30s), or every connection is closed before its next "
		"ping\n");
	check_report(&(struct given){.words = {"--heartbeat-interval=59999ms"},
				     .variables = {WITH_SECRET}},
		     "");
	check_report(&(struct given){.words = {"--heartbeat-interval=0", "--heartbeat-timeout=1s"},
				     .variables = {WITH_SECRET}},
		     "");
}

static void addresses(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {"--listen=127.0.0.1:1,localhost:1"},
				     .variables = {WITH_SECRET}},
		     "command line: --listen: 127.0.0.1:1 is given twice\n");
	check_report(&(struct given){.words = {"--listen=:8081"}, .variables = {WITH_SECRET}},
		     "command line: --listen: *:8081 and 127.0.0.1:8081 cannot both be listened "
		     "on\n");
	check_report(
		&(struct given){.words = {"--admin=127.0.0.1:8080"}, .variables = {WITH_SECRET}},
		"command line: --admin: 127.0.0.1:8080 is given twice\n");
	check_report(&(struct given){.words = {"--listen=:8081", "--admin=off"},
				     .variables = {WITH_SECRET}},
		     "");
	check_report(&(struct given){.words = {"--listen=127.0.0.1:0,127.0.0.1:0",
					       "--admin=127.0.0.1:0"},
				     .variables = {WITH_SECRET}},
		     "");
}

static void proxies(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {"--listen-proxy=:9000"}, .variables = {WITH_SECRET}},
		     "warning: command line: --listen-proxy: is open to whoever can reach it, and "
		     "believes the header of each; name the proxies in trusted_proxy\n");
	check_report(
		&(struct given){.words = {"--listen-proxy=:9000", "--trusted-proxy=10.0.0.0/8"},
				.variables = {WITH_SECRET}},
		"");
	check_report(
		&(struct given){.words = {"--listen-proxy=127.0.0.1:8080", "--trusted-proxy=::1"},
				.variables = {WITH_SECRET}},
		"command line: --listen-proxy: 127.0.0.1:8080 is given twice\n");
	check_report(&(struct given){.words = {"--listen=", "--listen-proxy=127.0.0.1:9000",
					       "--trusted-proxy=::1"},
				     .variables = {WITH_SECRET}},
		     "");
	check_report(&(struct given){.words = {"--listen-proxy=:9000", "--auth=none",
					       "--trusted-proxy=::1"}},
		     "command line: --auth: none is refused while listen has *:9000, which other "
		     "machines can reach; listen on 127.0.0.1 or [::1], use auth = jwt, or force "
		     "it with auth_none_anywhere = on\n");
}

static void log_file(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {"--log-file=log"}, .variables = {WITH_SECRET}}, "");
	check_report(&(struct given){.words = {"--log-file=", "--redis=redis://h"},
				     .variables = {WITH_SECRET}},
		     "");
	check_report(&(struct given){.words = {"--redis=redis://h"},
				     .variables = {WITH_SECRET},
				     .file = "log_file = log\n"},
		     "belfry.conf:1: log_file: log_file is refused together with redis: the log is "
		     "in Redis, which keeps it; leave one of the two empty\n");
}

static void a_wrong_key_has_one_line(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {"--auth=maybe"}},
		     "command line: --auth: \"maybe\" is not known; allowed: jwt or none\n");
	check_report(
		&(struct given){.words = {"--secret-key=", "--heartbeat-timeout=x", "--listen=x"}},
		"command line: --secret-key: \"\" is empty; allowed: 1 to 4096 bytes, "
		"better 32 or more\n"
		"command line: --heartbeat-timeout: \"x\" is not a duration; allowed: 1s..24h, "
		"such as 30, 30s, 500ms, 10m\n"
		"command line: --listen: \"x\" has no port; allowed: IPV4:PORT, [IPV6]:PORT or "
		":PORT for all; port 0 picks one\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_key), cmocka_unit_test(api_keys),
		cmocka_unit_test(auth_none),  cmocka_unit_test(heartbeat),
		cmocka_unit_test(addresses),  cmocka_unit_test(proxies),
		cmocka_unit_test(log_file),   cmocka_unit_test(a_wrong_key_has_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
