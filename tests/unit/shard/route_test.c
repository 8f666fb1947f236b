/* tests/unit/shard/route_test.c - paths, and the channels that they give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shard/route.h"

/* NULL: no such channel. */
static void check_channel(const struct route_match *match, uint32_t index, const char *user,
			  const char *expected)
{
	uint8_t name[CHANNEL_SIZE_MAX];
	struct slice channel = route_channel(match, index, slice_of_text(user), name);

	assert_int_equal(slice_is_absent(channel), expected == NULL);
	if (expected && !slice_equal_text(channel, expected))
		fail_msg("got \"%.*s\", expected \"%s\"", (int)channel.size,
			 (const char *)channel.bytes, expected);
}

/* For the user alice. */
static void check_route(const char *path, enum route_owner owner, const char *first,
			const char *second)
{
	struct route_match match;

	if (!route_find(slice_of_text(path), &match))
		fail_msg("no route %s", path);
	assert_int_equal(match.route->owner, owner);
	check_channel(&match, 0, "alice", first);
	check_channel(&match, 1, "alice", second);
	check_channel(&match, ROUTE_CHANNELS_MAX, "alice", NULL);
}

static void routes_without_a_parameter(void **state)
{
	(void)state;
	check_route("/ws", ROUTE_NO_PARAMETER, "user:alice", "announcements");
	check_route("/ws/notifications", ROUTE_NO_PARAMETER, "user:alice", "announcements");
	check_route("/ws/trending", ROUTE_NO_PARAMETER, "trending", NULL);
}

static void routes_with_a_parameter(void **state)
{
	(void)state;
	check_route("/ws/notifications/bob", ROUTE_OF_USER, "user:bob", NULL);
	check_route("/ws/feed/bob", ROUTE_OF_USER, "feed:bob", NULL);
	check_route("/ws/engagement/post:7", ROUTE_OF_ANYBODY, "engagement:post:7", NULL);
	check_route("/ws/typing/bob", ROUTE_OF_USER, "typing:bob", NULL);
	check_route("/ws/feed/b%6Fb%3A1", ROUTE_OF_USER, "feed:bob:1", NULL);
	check_route("/ws/feed/%C3%A9", ROUTE_OF_USER, "feed:\xC3\xA9", NULL);
	check_route("/ws/engagement/a%2Fb", ROUTE_OF_ANYBODY, "engagement:a/b", NULL);
	check_route("/ws/engagement/%25s", ROUTE_OF_ANYBODY, "engagement:%s", NULL);
	check_route("/ws/feed/a+b", ROUTE_OF_USER, "feed:a+b", NULL);
	check_route("/ws/feed/a%2Bb", ROUTE_OF_USER, "feed:a+b", NULL);
}

static void check_tree(const char *path, enum route_tree tree, const char *first)
{
	struct route_match match;

	if (!route_find(slice_of_text(path), &match))
		fail_msg("no route %s", path);
	assert_int_equal(match.tree, tree);
	check_channel(&match, 0, "alice", first);
}

static void the_same_routes_below_each_tree(void **state)
{
	(void)state;
	check_tree("/ws", ROUTE_WS, "user:alice");
	check_tree("/sse", ROUTE_SSE, "user:alice");
	check_tree("/poll", ROUTE_POLL, "user:alice");
	check_tree("/sse/notifications", ROUTE_SSE, "user:alice");
	check_tree("/sse/notifications/bob", ROUTE_SSE, "user:bob");
	check_tree("/sse/trending", ROUTE_SSE, "trending");
	check_tree("/poll/feed/bob", ROUTE_POLL, "feed:bob");
	check_tree("/poll/engagement/7", ROUTE_POLL, "engagement:7");
	check_tree("/ws/typing/bob", ROUTE_WS, "typing:bob");
}

static void no_such_route(void **state)
{
	static const char *const paths[] = {
		"",
		"/",
		"ws",
		"/w",
		"/wss",
		"/WS",
		"/ws/",
		"/ws/trending/",
		"/ws/trending/x",
		"/ws/notifications/",
		"/ws/notifications/a/b",
		"/ws/feed",
		"/ws/feed/",
		"/ws/feed/a/",
		"/ws/feed//",
		"/ws/feed/a%20b",
		"/ws/feed/a,b",
		"/ws/feed/a%0Ab",
		"/ws/feed/a%00b",
		"/ws/feed/a%7F",
		"/ws/feed/%FF",
		"/ws/feed/%C2%80",
		"/ws/feed/%",
		"/ws/feed/%4",
		"/ws/feed/%zz",
		"/ss",
		"/sse/",
		"/sses",
		"/sse/feed/",
		"/sse/ws",
		"/sse/stats",
		"/polls",
		"/poll/",
		"/pol",
		"/ws/sse",
	};
	struct route_match match;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (route_find(slice_of_text(paths[i]), &match))
			fail_msg("%s was found", paths[i]);
}

/* "engagement:" and 244 bytes make the longest name; one more is none. */
static void names_too_long(void **state)
{
	char path[400], name[400];
	struct route_match match;

	(void)state;
	for (int size = 243; size <= 255; size++) {
		snprintf(path, sizeof(path), "/ws/engagement/%0*d", size, 0);
		snprintf(name, sizeof(name), "engagement:%0*d", size, 0);
		assert_true(route_find(slice_of_text(path), &match));
		check_channel(&match, 0, "alice", size <= 244 ? name : NULL);
	}
	snprintf(path, sizeof(path), "/ws/engagement/%0*d", 256, 0);
	assert_false(route_find(slice_of_text(path), &match));
}

static void users_that_are_no_name(void **state)
{
	struct route_match match;
	char user[300];

	(void)state;
	assert_true(route_find(SLICE("/ws"), &match));
	check_channel(&match, 0, "a b", NULL);
	check_channel(&match, 0, "a,b", NULL);
	check_channel(&match, 0, "%s", "user:%s");
	memset(user, 'u', sizeof(user));
	user[250] = '\0';
	assert_false(slice_is_absent(
		route_channel(&match, 0, slice_of_text(user), (uint8_t[CHANNEL_SIZE_MAX]){0})));
	user[250] = 'u';
	user[251] = '\0';
	check_channel(&match, 0, user, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_without_a_parameter),
		cmocka_unit_test(routes_with_a_parameter),
		cmocka_unit_test(the_same_routes_below_each_tree),
		cmocka_unit_test(no_such_route),
		cmocka_unit_test(names_too_long),
		cmocka_unit_test(users_that_are_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
