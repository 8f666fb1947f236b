/* tests/unit/broker/config_draft_test.c - who decides a key, lists, and what is made from them. */
#include "config_given.h"

#include "base/compiler.h"

#define WITH_SECRET "BELFRY_SECRET_KEY=" SECRET_32

static void stronger_decides(void **state)
{
	(void)state;
	check_printed(&(struct given){.variables = {WITH_SECRET}}, "shards = 0  # default\n");
	check_printed(&(struct given){.variables = {WITH_SECRET}, .file = "shards = 3"},
		      "shards = 3  # belfry.conf:1\n");
	check_printed(&(struct given){.variables = {WITH_SECRET, "BELFRY_SHARDS=4"},
				      .file = "shards = 3"},
		      "shards = 4  # environment BELFRY_SHARDS\n");
	check_printed(&(struct given){.words = {"--shards", "5"},
				      .variables = {WITH_SECRET, "BELFRY_SHARDS=4"},
				      .file = "shards = 3"},
		      "shards = 5  # command line\n");
}

static void stronger_list_replaces_whole(void **state)
{
	const char *file = "listen = 127.0.0.1:1\nlisten = 127.0.0.1:2, 127.0.0.1:3\n";

	(void)state;
	check_printed(&(struct given){.variables = {WITH_SECRET}, .file = file},
		      "listen = 127.0.0.1:1  # belfry.conf:1\n"
		      "listen = 127.0.0.1:2  # belfry.conf:2\n"
		      "listen = 127.0.0.1:3  # belfry.conf:2\n"
		      "admin");
	check_printed(&(struct given){.variables = {WITH_SECRET,
						    "BELFRY_LISTEN=127.0.0.1:4, 127.0.0.1:5"},
				      .file = file},
		      "listen = 127.0.0.1:4  # environment BELFRY_LISTEN\n"
		      "listen = 127.0.0.1:5  # environment BELFRY_LISTEN\n"
		      "admin");
	check_printed(&(struct given){.words = {"--listen=:6", "--listen", "[::1]:7"},
				      .variables = {WITH_SECRET, "BELFRY_LISTEN=:4"},
				      .file = file},
		      "listen = :6  # command line\n"
		      "listen = [::1]:7  # command line\n"
		      "admin");
	check_printed(&(struct given){.words = {"--allow-origin", ""},
				      .variables = {WITH_SECRET},
				      .file = "allow_origin = *"},
		      "allow_origin =  # command line\n");
}

static void weaker_is_checked_too(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {"--shards", "5"},
				     .variables = {WITH_SECRET, "BELFRY_SHARDS=many"},
				     .file = "shards = 65"},
		     "environment: BELFRY_SHARDS: \"many\" is not a number; allowed: 0..64\n"
		     "belfry.conf:1: shards: \"65\" is too large; allowed: 0..64\n");
}

static void empty_items(void **state)
{
	(void)state;
	check_report(
		&(struct given){.words = {"--allow-origin=https://a.example,"},
				.variables = {WITH_SECRET}},
		"command line: --allow-origin: \"https://a.example,\" has nothing between two "
		"commas; allowed: scheme://host[:port], scheme://*.host[:port], null, or * for "
		"any; empty: the same host only\n");
}

static void origins_are_folded(void **state)
{
	(void)state;
	check_printed(&(struct given){.words = {"--allow-origin", "HTTPS://App.Example"},
				      .variables = {WITH_SECRET}},
		      "allow_origin = https://app.example  # command line\n");
}

static void derived_from_defaults(void **state)
{
	struct loaded loaded;
	const struct config *config = &loaded.config;

	(void)state;
	load_given(&(struct given){.variables = {WITH_SECRET}}, &loaded);
	assert_int_equal(loaded.outcome, CONFIG_RUN);
	assert_int_equal(config->listen_addresses.count, 1);
	assert_string_equal(config->listen_addresses.items[0].host, "127.0.0.1");
	assert_int_equal(config->listen_addresses.items[0].port, 8080);
	assert_true(config->admin_on);
	assert_int_equal(config->admin_address.port, 8081);
	assert_false(config->redis_server.on);
	assert_int_equal(config->algorithms, 0); /* what the keys are for */
	assert_int_equal(config->auth, CONFIG_AUTH_JWT);
	assert_int_equal(config->log_level, CONFIG_LOG_INFO);
	assert_int_equal(config->max_header_bytes, 8192);
	assert_int_equal(config->max_message_size, 65536);
	assert_int_equal(config->max_outbox_bytes, 262144);
	assert_int_equal(config->handshake_timeout_ms, 10000);
	assert_int_equal(config->heartbeat_interval_ms, 30000);
	assert_int_equal(config->heartbeat_timeout_ms, 60000);
	assert_int_equal(config->drain_window_ms, 0);
	assert_string_equal(config->stream, "belfry:in");
	assert_string_equal(config->token_cookie, "");
	assert_int_equal(config->subscribe_rules.count, 6);
	assert_int_equal(config->publish_rules.count, 1);
	assert_int_equal(config->publish_rules.items[0].who, CONFIG_WHO_NONE);
	assert_int_equal(config->history_rules.count, 2);
	assert_string_equal(config->history_rules.items[0].pattern, "typing");
	assert_false(config->history_rules.items[0].on);
	assert_string_equal(config->history_rules.items[1].pattern, "*");
	assert_true(config->history_rules.items[1].on);
	assert_int_equal(config->inbox_rules.count, 2);
	assert_string_equal(config->inbox_rules.items[0].pattern, "user");
	assert_true(config->inbox_rules.items[0].on);
	assert_true(config->pubsub);
	assert_string_equal(config->log_file, "");
	assert_string_equal(config->node, "");
	assert_string_not_equal(config->node_name, "");
	loaded_deinit(&loaded);
}

static void derived_from_given(void **state)
{
	struct loaded loaded;
	const struct config *config = &loaded.config;

	(void)state;
	load_given(&(struct given){.words = {"--admin=off", "--algorithm", "HS512,HS256",
					     "--redis=redis://:p%40@cache/2", "--node=n1"},
				   .variables = {WITH_SECRET}},
		   &loaded);
	assert_int_equal(loaded.outcome, CONFIG_RUN);
	assert_false(config->admin_on);
	assert_int_equal(config->algorithms, CONFIG_ALGORITHM_HS256 | CONFIG_ALGORITHM_HS512);
	assert_true(config->redis_server.on);
	assert_string_equal(config->redis_server.host, "cache");
	assert_int_equal(config->redis_server.db, 2);
	assert_null(config->redis_server.user);
	assert_string_equal(config->redis_server.password, "p@");
	assert_string_equal(config->node_name, "n1");
	loaded_deinit(&loaded);
}

static void addresses_of_both_kinds(void **state)
{
	struct loaded loaded;
	const struct config *config = &loaded.config;

	(void)state;
	load_given(&(struct given){.words = {"--listen=:1,:2", "--listen-proxy=:3",
					     "--trusted-proxy=10.0.0.0/8,::1"},
				   .variables = {WITH_SECRET}},
		   &loaded);
	assert_int_equal(loaded.outcome, CONFIG_RUN);
	assert_int_equal(config->listen_addresses.count, 3);
	assert_int_equal(config->listen_proxy_first, 2);
	assert_int_equal(config->listen_addresses.items[2].port, 3);
	assert_int_equal(config->trusted_networks.count, 2);
	assert_int_equal(config->trusted_networks.items[0].bits, 104);
	loaded_deinit(&loaded);
}

static const struct config_rule_list *subscribe_rules(const struct config *config)
{
	return &config->subscribe_rules;
}

static const struct config_rule_list *publish_rules(const struct config *config)
{
	return &config->publish_rules;
}

/* The rules of a configuration with that value of the key, as text. */
static void check_rules(const char *option, const char *value,
			const struct config_rule_list *(*rules_of)(const struct config *config),
			const char *expected)
{
	static const char *const who[] = {"any", "claim", "none"};
	struct loaded loaded;
	char said[512] = "";

	load_given(&(struct given){.words = {option, value}, .variables = {WITH_SECRET}}, &loaded);
	assert_int_equal(loaded.outcome, CONFIG_RUN);
	const struct config_rule_list *list = rules_of(&loaded.config);
	for (uint32_t i = 0; i < list->count; i++) {
		const struct config_rule *rule = &list->items[i];
		size_t used = strlen(said);

		snprintf(said + used, sizeof(said) - used, "%s=%s ", rule->pattern, who[rule->who]);
	}
	assert_string_equal(said, expected);
	loaded_deinit(&loaded);
}

static void rules(void **state)
{
	(void)state;
	check_rules("--subscribe", "", subscribe_rules, "");
	check_rules("--subscribe", "feed=none, *=claim", subscribe_rules, "feed=none *=claim ");
	check_rules("--subscribe", "*=any", subscribe_rules, "*=any user=claim conn=claim ");
	check_rules("--subscribe", "user=none, *=any", subscribe_rules,
		    "user=none *=any conn=claim ");
	check_rules("--publish", "typing=any", publish_rules, "typing=any ");
	check_rules("--publish", "*=any", publish_rules, "*=any user=claim conn=claim ");
	check_rules("--publish", "typing=any", subscribe_rules,
		    "trending=any feed=claim engagement=any typing=claim announcements=any "
		    "*=claim ");
	check_report(&(struct given){.words = {"--subscribe", "a=any,b=any,a=none"},
				     .variables = {WITH_SECRET}},
		     "command line: --subscribe: two rules for the namespace \"a\"\n");
	check_report(&(struct given){.words = {"--publish", "a = any,a=none"},
				     .variables = {WITH_SECRET}},
		     "command line: --publish: two rules for the namespace \"a\"\n");
}

static void namespace_switches(void **state)
{
	struct loaded loaded;
	const struct config *config = &loaded.config;

	(void)state;
	load_given(&(struct given){.words = {"--inbox", "user=off,chat = on"},
				   .variables = {WITH_SECRET, "BELFRY_HISTORY="}},
		   &loaded);
	assert_int_equal(loaded.outcome, CONFIG_RUN);
	assert_int_equal(config->history_rules.count, 0);
	assert_int_equal(config->inbox_rules.count, 2);
	assert_false(config->inbox_rules.items[0].on);
	assert_string_equal(config->inbox_rules.items[1].pattern, "chat");
	assert_true(config->inbox_rules.items[1].on);
	loaded_deinit(&loaded);
	check_report(&(struct given){.words = {"--history", "*=on,a=on,*=off"},
				     .variables = {WITH_SECRET}},
		     "command line: --history: two rules for the namespace \"*\"\n");
	check_report(&(struct given){.words = {"--inbox", "user"}, .variables = {WITH_SECRET}},
		     "command line: --inbox: \"user\" is not a rule; allowed: NAMESPACE=on or "
		     "NAMESPACE=off, with * for all other namespaces\n");
}

static void lists_that_must_not_be_empty(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {"--listen="}, .variables = {WITH_SECRET}},
		     "command line: --listen: 0 addresses; allowed: 1..16\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stronger_decides),
		cmocka_unit_test(stronger_list_replaces_whole),
		cmocka_unit_test(weaker_is_checked_too),
		cmocka_unit_test(empty_items),
		cmocka_unit_test(origins_are_folded),
		cmocka_unit_test(derived_from_defaults),
		cmocka_unit_test(derived_from_given),
		cmocka_unit_test(addresses_of_both_kinds),
		cmocka_unit_test(rules),
		cmocka_unit_test(namespace_switches),
		cmocka_unit_test(lists_that_must_not_be_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
