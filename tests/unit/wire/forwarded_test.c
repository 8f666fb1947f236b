/* tests/unit/wire/forwarded_test.c - who is believed, and what is made of nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "wire/forwarded.h"
#include "wire/ip.h"

#define XFF "X-Forwarded-For: "
#define FWD "Forwarded: "

/* 10.0.0.0/8 and fd00::/8 are trusted. "": not known. */
static void check_as(enum config_forwarded which, const char *headers, const char *expected)
{
	char text[2048], shown[IP_TEXT_MAX + 1] = {0};
	struct ip_network items[2];
	struct ip_network_list trusted = {items, 2};
	struct http_head head;
	struct writer writer;

	assert_true(ip_parse_network(SLICE("10.0.0.0/8"), &items[0]));
	assert_true(ip_parse_network(SLICE("fd00::/8"), &items[1]));
	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", headers);
	assert_int_equal(http_head_parse(slice_of_text(text), 8192, &head), HTTP_HEAD_COMPLETE);
	struct ip ip = forwarded_client(&head, which, &trusted);

	writer_init(&writer, shown, IP_TEXT_MAX);
	if (ip_is_known(&ip))
		ip_write(&writer, &ip);
	assert_string_equal(shown, expected);
}

static void check(const char *headers, const char *expected)
{
	check_as(CONFIG_FORWARDED_ANY, headers, expected);
}

static void the_rightmost_that_is_not_trusted(void **state)
{
	(void)state;
	check("", "");
	check(XFF "192.0.2.1\r\n", "192.0.2.1");
	check(XFF "192.0.2.1, 10.0.0.7\r\n", "192.0.2.1");
	check(XFF "192.0.2.1,10.0.0.7 ,\t10.9.9.9\r\n", "192.0.2.1");
	check(XFF "198.51.100.1, 192.0.2.1\r\n", "192.0.2.1");
	check(XFF "198.51.100.1, 192.0.2.1, 10.0.0.7\r\n", "192.0.2.1");
	check(XFF "10.0.0.1, 192.0.2.1, 10.0.0.7\r\n", "192.0.2.1");
	check("x-forwarded-FOR: 192.0.2.1\r\n", "192.0.2.1");
	check(XFF "2001:db8::5, fd00::1\r\n", "2001:db8::5");
}

static void several_lines_are_one_list(void **state)
{
	(void)state;
	check(XFF "192.0.2.1\r\n" XFF "10.0.0.7\r\n", "192.0.2.1");
	check(XFF "192.0.2.1\r\n" XFF "198.51.100.1\r\n", "198.51.100.1");
	check(FWD "for=192.0.2.1\r\n" FWD "for=10.0.0.7\r\n", "192.0.2.1");
}

static void all_are_trusted(void **state)
{
	(void)state;
	check(XFF "10.0.0.1, 10.0.0.7\r\n", "10.0.0.1");
	check(XFF "192.0.2.1, unknown, 10.0.0.1, 10.0.0.7\r\n", "10.0.0.1");
	check(FWD "for=10.0.0.1, for=10.0.0.7\r\n", "10.0.0.1");
}

static void ports_and_brackets(void **state)
{
	(void)state;
	check(XFF "192.0.2.1:4711\r\n", "192.0.2.1");
	check(XFF "[2001:db8::5]\r\n", "2001:db8::5");
	check(XFF "[2001:db8::5]:4711\r\n", "2001:db8::5");
	check(XFF "::ffff:192.0.2.1\r\n", "192.0.2.1");
	check(XFF "[::ffff:10.0.0.7]:1, [::ffff:10.0.0.8]:1\r\n", "10.0.0.7");
	check(FWD "for=192.0.2.1:_hidden\r\n", "192.0.2.1"); /* it should be in quotes */
}

static void nonsense_ends_the_list(void **state)
{
	(void)state;
	check(XFF "\r\n", "");
	check(XFF "unknown\r\n", "");
	check(XFF "192.0.2.1, unknown\r\n", "");
	check(XFF "192.0.2.1, _hidden, 10.0.0.7\r\n", "10.0.0.7");
	check(XFF "192.0.2.1, 300.1.1.1\r\n", "");
	check(XFF "[192.0.2.1]\r\n", "");
	check(XFF "[2001:db8::5\r\n", "");
	check(XFF "[]\r\n", "");
	check(XFF "[2001:db8::5]x\r\n", "");
	check(XFF "[2001:db8::5]:\r\n", "");
	check(XFF "192.0.2.1:\r\n", "");
	check(XFF "192.0.2.1:8 0\r\n", "");
	check(XFF "192.0.2.1 198.51.100.1\r\n", "");
	check(XFF "::, 192.0.2.1\r\n", "192.0.2.1");
	check(XFF "192.0.2.1, ::\r\n", "");
	check(XFF "unknown, 192.0.2.1,\r\n", "192.0.2.1");
	check(XFF ",, 192.0.2.1 ,,\r\n", "192.0.2.1");
}

static void rfc_7239(void **state)
{
	(void)state;
	check(FWD "for=192.0.2.60;proto=http;by=203.0.113.43\r\n", "192.0.2.60");
	check(FWD "For=\"[2001:db8:cafe::17]:4711\"\r\n", "2001:db8:cafe::17");
	check(FWD "for=192.0.2.43, for=198.51.100.17\r\n", "198.51.100.17");
	check(FWD "for=\"192.0.2.43:47011\";host=h, for=10.0.0.7\r\n", "192.0.2.43");
	check(FWD "proto=https;for=192.0.2.1;by=\"_a;b,c\\\"\"\r\n", "192.0.2.1");
	check(FWD "for=\"192.0.2\\.1\"\r\n", "192.0.2.1");
	check(FWD " ; for=192.0.2.1 ; proto=http ;\r\n", "192.0.2.1");
}

static void rfc_7239_wrong(void **state)
{
	(void)state;
	check(FWD "for=unknown\r\n", "");
	check(FWD "for=\"_gazonk\"\r\n", "");
	check(FWD "proto=https\r\n", "");
	check(FWD "for=192.0.2.1;for=198.51.100.1\r\n", "");
	check(FWD "for=192.0.2.1, for=\"198.51.100.1\r\n", "");
	check(FWD "for=192.0.2.1, for=\"198.51.100.1\\\r\n", "");
	check(FWD "for=192.0.2.1, for\r\n", "");
	check(FWD "for=192.0.2.1, =x\r\n", "");
	check(FWD "for =192.0.2.1\r\n", "");
	check(FWD "for=\"1111111111111111111111111111111111111111111111111111111111111111111\"\r\n",
	      "");
	check(FWD "for=192.0.2.1, for=unknown, for=10.0.0.7\r\n", "10.0.0.7");
}

static void one_header_or_the_other(void **state)
{
	static const char both[] = FWD "for=192.0.2.1\r\n" XFF "198.51.100.1\r\n";

	(void)state;
	check(both, "198.51.100.1");
	check(FWD "for=192.0.2.1\r\n", "192.0.2.1");
	check(FWD "for=192.0.2.1\r\n" XFF "unknown\r\n", "");
	check_as(CONFIG_FORWARDED_X_FOR, both, "198.51.100.1");
	check_as(CONFIG_FORWARDED_X_FOR, FWD "for=192.0.2.1\r\n", "");
	check_as(CONFIG_FORWARDED_RFC7239, both, "192.0.2.1");
	check_as(CONFIG_FORWARDED_RFC7239, XFF "192.0.2.1\r\n", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rightmost_that_is_not_trusted),
		cmocka_unit_test(several_lines_are_one_list),
		cmocka_unit_test(all_are_trusted),
		cmocka_unit_test(ports_and_brackets),
		cmocka_unit_test(nonsense_ends_the_list),
		cmocka_unit_test(rfc_7239),
		cmocka_unit_test(rfc_7239_wrong),
		cmocka_unit_test(one_header_or_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
