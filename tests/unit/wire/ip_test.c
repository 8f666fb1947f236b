/* tests/unit/wire/ip_test.c - addresses and networks, right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "wire/ip.h"

static void check_ip(const char *text, const char *expected)
{
	char bytes[IP_TEXT_MAX + 1] = {0};
	struct writer writer;
	struct ip ip;

	writer_init(&writer, bytes, IP_TEXT_MAX);
	assert_true(ip_parse(slice_of_text(text), &ip));
	ip_write(&writer, &ip);
	assert_false(writer.overflow);
	assert_string_equal(bytes, expected);
}

static void check_no_ip(const char *text)
{
	struct ip ip = {{1}};

	assert_false(ip_parse(slice_of_text(text), &ip));
	assert_int_equal(ip.bytes[0], 1);
}

static void addresses(void **state)
{
	struct ip ip;

	(void)state;
	check_ip("192.0.2.1", "192.0.2.1");
	check_ip("0.0.0.0", "0.0.0.0");
	check_ip("255.255.255.255", "255.255.255.255");
	check_ip("2001:DB8:0:0:0:0:0:1", "2001:db8::1");
	check_ip("::ffff:192.0.2.1", "192.0.2.1");
	check_ip("::ffff:c000:0201", "192.0.2.1");
	check_ip("::1", "::1");
	check_ip("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	check_no_ip("");
	check_no_ip("192.0.2");
	check_no_ip("192.0.2.01");
	check_no_ip("192.0.2.256");
	check_no_ip("192.0.2.1 ");
	check_no_ip(" 192.0.2.1");
	check_no_ip("192.0.2.1:80");
	check_no_ip("[::1]");
	check_no_ip("fe80::1%eth0");
	check_no_ip("1:2:3:4:5:6:7:8:9");
	check_no_ip("unknown");
	check_no_ip("0000000000000000000000000000000000000000000001");
	assert_false(ip_parse(slice_of("192.0.2.1\0", 10), &ip));
	assert_false(ip_parse((struct slice){NULL, 0}, &ip));
}

static void check_network(const char *text, unsigned bits)
{
	struct ip_network network;

	assert_true(ip_parse_network(slice_of_text(text), &network));
	assert_int_equal(network.bits, bits);
}

static void check_no_network(const char *text)
{
	struct ip_network network = {.bits = 7};

	assert_false(ip_parse_network(slice_of_text(text), &network));
	assert_int_equal(network.bits, 7);
}

static void networks(void **state)
{
	(void)state;
	check_network("10.0.0.0/8", 104);
	check_network("192.0.2.1", 128);
	check_network("192.0.2.1/32", 128);
	check_network("0.0.0.0/0", 96);
	check_network("192.0.2.128/25", 121);
	check_network("::/0", 0);
	check_network("2001:db8::/32", 32);
	check_network("::1", 128);
	check_no_network("10.0.0.1/8");
	check_no_network("192.0.2.128/24");
	check_no_network("10.0.0.0/33");
	check_no_network("10.0.0.0/");
	check_no_network("10.0.0.0/-1");
	check_no_network("10.0.0.0/8/8");
	check_no_network("10.0.0.0/0008");
	check_no_network("::/129");
	check_no_network("/8");
	check_no_network("");
	check_no_network("example.com/8");
}

static void check_member(const char *text, const char *network, bool expected)
{
	struct ip_network items[2];
	struct ip_network_list list = {items, 2};
	struct ip ip;

	assert_true(ip_parse(slice_of_text(text), &ip));
	assert_true(ip_parse_network(SLICE("203.0.113.0/24"), &items[0]));
	assert_true(ip_parse_network(slice_of_text(network), &items[1]));
	assert_int_equal(ip_is_in(&ip, &list), expected);
}

static void membership(void **state)
{
	const struct ip_network all = {{{0}}, 0};
	struct ip_network_list list = {(struct ip_network *)(uintptr_t)&all, 1};
	struct ip none = {{0}};

	(void)state;
	check_member("10.1.2.3", "10.0.0.0/8", true);
	check_member("11.1.2.3", "10.0.0.0/8", false);
	check_member("203.0.113.9", "10.0.0.0/8", true);
	check_member("192.0.2.127", "192.0.2.0/25", true);
	check_member("192.0.2.128", "192.0.2.0/25", false);
	check_member("192.0.2.1", "192.0.2.1", true);
	check_member("192.0.2.2", "192.0.2.1", false);
	check_member("192.0.2.2", "0.0.0.0/0", true);
	check_member("2001:db8::5", "0.0.0.0/0", false);
	check_member("2001:db8::5", "2001:db8::/32", true);
	check_member("2001:db9::5", "2001:db8::/32", false);
	check_member("192.0.2.2", "::ffff:0:0/96", true);
	check_member("192.0.2.2", "::/0", true);
	assert_false(ip_is_in(&none, &list));
	list.count = 0;
	none.bytes[15] = 1;
	assert_false(ip_is_in(&none, &list));
}

static void check_counted(const char *text, const char *expected)
{
	char bytes[IP_TEXT_MAX + 1] = {0};
	struct writer writer;
	struct ip ip;

	writer_init(&writer, bytes, IP_TEXT_MAX);
	assert_true(ip_parse(slice_of_text(text), &ip));
	ip = ip_counted(&ip);
	ip_write(&writer, &ip);
	assert_string_equal(bytes, expected);
}

static void one_client(void **state)
{
	const struct ip none = {{0}};

	(void)state;
	check_counted("192.0.2.1", "192.0.2.1");
	check_counted("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
	assert_false(ip_is_known(&none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(networks),
		cmocka_unit_test(membership),
		cmocka_unit_test(one_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
