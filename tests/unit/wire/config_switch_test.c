/* tests/unit/wire/config_switch_test.c - a namespace's own rule, then "*", else off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "wire/config_switch.h"

static void check_switch(const struct config_switch_list *list, const char *namespace,
			 bool expected)
{
	assert_int_equal(config_switch_for(list, slice_of_text(namespace)), expected);
}

static void own_rule_then_star_then_off(void **state)
{
	static char user[] = "user", typing[] = "typing", star[] = "*";
	struct config_switch history[] = {{typing, false}, {star, true}};
	struct config_switch inbox[] = {{star, false}, {user, true}};
	struct config_switch one[] = {{user, true}};
	const struct config_switch_list none = {NULL, 0};

	(void)state;
	check_switch(&(struct config_switch_list){history, 2}, "typing", false);
	check_switch(&(struct config_switch_list){history, 2}, "typin", true);
	check_switch(&(struct config_switch_list){history, 2}, "user", true);
	check_switch(&(struct config_switch_list){history, 2}, "", true);
	check_switch(&(struct config_switch_list){inbox, 2}, "user", true);
	check_switch(&(struct config_switch_list){inbox, 2}, "users", false);
	check_switch(&(struct config_switch_list){inbox, 2}, "*", false);
	check_switch(&(struct config_switch_list){one, 1}, "user", true);
	check_switch(&(struct config_switch_list){one, 1}, "feed", false);
	check_switch(&none, "user", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_rule_then_star_then_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
