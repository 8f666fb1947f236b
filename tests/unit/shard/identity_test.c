/* tests/unit/shard/identity_test.c - to which channels clients may publish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "shard/identity.h"

static char room[] = "room", club[] = "club", news[] = "news";
static char user[] = "user", all[] = "all", connection[] = "conn";

static struct config_rule rules[] = {
	{room, CONFIG_WHO_ANY}, {club, CONFIG_WHO_CLAIM}, {news, CONFIG_WHO_NONE},
	{user, CONFIG_WHO_ANY}, {all, CONFIG_WHO_ANY},	  {connection, CONFIG_WHO_CLAIM},
};
static const struct config config = {.publish_rules = {rules, ARRAY_SIZE(rules)}};

static void check_publish(const char *channel, bool client, bool claimer, bool admin)
{
	struct identity_asker asker = {.user = SLICE("42")};
	struct slice name = slice_of_text(channel);

	assert_int_equal(identity_may_publish(&config, &asker, name), client);
	asker.claims = "[\"club:*\",\"user:*\",\"all\",\"news:*\"]";
	assert_int_equal(identity_may_publish(&config, &asker, name), claimer);
	asker = (struct identity_asker){.user = SLICE("42"), .is_admin = true};
	assert_int_equal(identity_may_publish(&config, &asker, name), admin);
}

static void publishing_follows_the_rules(void **state)
{
	(void)state;
	check_publish("room:1", true, true, true);
	check_publish("room", true, true, true);
	check_publish("club:1", false, true, true);
	check_publish("news:1", false, false, false);
	check_publish("other:1", false, false, false);
	check_publish("feed:42", false, false, false);
	check_publish("user:42", false, false, true);
	check_publish("user:9", false, false, true);
	check_publish("all", false, false, true);
	check_publish("conn:x", false, false, true);
}

static void without_rules_nobody_publishes(void **state)
{
	static const struct config none;
	struct identity_asker asker = {.user = SLICE("42"), .is_admin = true};

	(void)state;
	assert_false(identity_may_publish(&none, &asker, SLICE("room:1")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publishing_follows_the_rules),
		cmocka_unit_test(without_rules_nobody_publishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
