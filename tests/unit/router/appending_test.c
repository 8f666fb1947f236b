/* tests/unit/router/appending_test.c - what is acknowledged is on the disk. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../log/scratch.h"
#include "belfry/publication.h"
#include "lane/lane.h"
#include "router/redis_append.h"
#include "router/router_state.h"

#define ITEMS_MAX 4

static unsigned syncs;
static bool sync_fails;

/* Instead of the C library's. */
int fdatasync(int fd)
{
	(void)fd;
	syncs++;
	errno = EIO;
	return sync_fails ? -1 : 0;
}

struct scene {
	struct config config;
	struct router_counters counters;
	struct router router;
	struct lane publications, outcomes;
};

static void open_log(struct router *router)
{
	struct embedded_log_options options = {
		.path = scratch_log,
		.fsync = EMBEDDED_LOG_ALWAYS,
		.now_ms = 1000,
	};
	char reason[200];

	ASSERT(embedded_log_open(&router->embedded, &options, reason, sizeof(reason)) == STATUS_OK);
}

static struct scene *make_scene(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	ASSERT(scene != NULL);
	scene->config.max_message_size = 1000;
	scene->router.config = &scene->config;
	scene->router.counters = &scene->counters;
	scene->router.unix_ms = 2000;
	ASSERT(ring_init(&scene->publications.ring, 16, sizeof(void *)) == STATUS_OK);
	ASSERT(ring_init(&scene->outcomes.ring, 16, sizeof(void *)) == STATUS_OK);
	scene->router.options.publications = &scene->publications;
	scene->router.options.outcomes = &scene->outcomes;
	ASSERT(interests_init(&scene->router.interests, (struct hash_key){1, 2}));
	scene->router.targets = calloc(ITEMS_MAX, sizeof(*scene->router.targets));
	open_log(&scene->router);
	syncs = 0;
	return scene;
}

static void drop_scene(struct scene *scene)
{
	embedded_log_close(&scene->router.embedded);
	interests_deinit(&scene->router.interests);
	ring_deinit(&scene->publications.ring);
	ring_deinit(&scene->outcomes.ring);
	free(scene->router.targets);
	free(scene);
	scratch_empty();
}

static const struct entry_field good[] = {{SLICE("to"), SLICE("a")}, {SLICE("data"), SLICE("1")}};
static const struct entry_field bad[] = {{SLICE("to"), SLICE("a")}, {SLICE("data"), SLICE("{")}};

/* `items`: g a good one, b a bad one, w one that admin has found wrong. `expected`: what becomes
 * of them: t taken, b bad, u unknown. */
static void check_request(const char *items, bool fails, unsigned syncs_expected,
			  const char *expected)
{
	static const char outcomes[] = {
		[PUBLICATION_TAKEN] = 't',
		[PUBLICATION_BAD] = 'b',
		[PUBLICATION_UNKNOWN] = 'u',
	};
	struct scene *scene = make_scene();
	struct publication *publication =
		calloc(1, sizeof(*publication) + ITEMS_MAX * sizeof(publication->items[0]));

	ASSERT(publication != NULL);
	sync_fails = fails;
	for (; items[publication->items_count]; publication->items_count++) {
		char kind = items[publication->items_count];

		publication->items[publication->items_count] = (struct publication_item){
			.publication = publication,
			.fields = kind == 'g' ? good : bad,
			.fields_count = 2,
			.outcome = kind == 'w' ? PUBLICATION_BAD : PUBLICATION_PENDING,
		};
	}
	ASSERT(ring_push(&scene->publications.ring, &publication));
	assert_false(appending_drain(&scene->router));
	assert_int_equal(syncs, syncs_expected);
	struct publication *answered = NULL;

	assert_true(ring_pop(&scene->outcomes.ring, &answered));
	assert_ptr_equal(answered, publication);
	for (uint32_t i = 0; i < publication->items_count; i++)
		if (outcomes[publication->items[i].outcome] != expected[i])
			fail_msg("%s: item %u is '%c', not '%c'", items, i,
				 outcomes[publication->items[i].outcome], expected[i]);
	sync_fails = false;
	free(publication);
	drop_scene(scene);
}

static void a_request_is_synced_once(void **state)
{
	(void)state;
	check_request("g", false, 1, "t");
	check_request("ggg", false, 1, "ttt");
	check_request("bg", false, 1, "bt");
}

static void whatever_its_last_entry_comes_to(void **state)
{
	(void)state;
	check_request("gb", false, 1, "tb");
	check_request("ggw", false, 1, "ttb");
	check_request("b", false, 0, "b");
}

static void a_sync_that_fails_is_told_of_each(void **state)
{
	(void)state;
	check_request("g", true, 1, "u");
	check_request("gg", true, 1, "uu");
	check_request("gbg", true, 1, "ubu");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_synced_once),
		cmocka_unit_test(whatever_its_last_entry_comes_to),
		cmocka_unit_test(a_sync_that_fails_is_told_of_each),
	};

	scratch_make();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	scratch_remove();
	return failed;
}
