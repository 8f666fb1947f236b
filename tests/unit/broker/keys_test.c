/* tests/unit/broker/keys_test.c - keys from files: what is taken, and what is said of mistakes. */
#include "config_given.h"

#include "../wire/token_vectors.h"
#include "base/compiler.h"
#include "broker/keys.h"
#include "lane/keyring.h"

#define WITH_SECRET "BELFRY_SECRET_KEY=" SECRET_32
#define RSA "\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""
#define EC256 "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\""
#define OCT "\"kty\":\"oct\",\"k\":\"c2VjcmV0\""
#define SET(keys) "{\"keys\":[" keys "]}"

static void on_problem(void *owner, enum config_key key, bool is_wrong, const char *text)
{
	(void)owner;
	(void)key;
	if (is_wrong)
		fail_msg("%s", text);
}

/* What the keys of a configuration with these words, and this text in value.txt, are for, in order;
 * 0 ends the list. The files are gone when they are read again, so they are left in place here. */
static void check_keys(const struct given *given, const unsigned *algorithms)
{
	char folder_name[FRESH_FOLDER_SIZE];
	char program[] = "belfry";
	char *argv[GIVEN_MAX + 2] = {program};
	char *variables[GIVEN_MAX + 1];
	struct config_report report = {0};
	struct config config;
	uint32_t count = 0;
	int argc;

	fresh_folder(folder_name, "keys");
	assert_int_equal(chdir(folder_name), 0);
	if (given->value)
		given_write("value.txt", given->value);
	argc = 1 + given_list(given->words, argv + 1);
	given_list(given->variables, variables);
	enum config_outcome outcome = config_load(&config, argc, argv, variables, &report);

	config_report_print(&report, stderr);
	assert_int_equal(outcome, CONFIG_RUN);
	struct keyring *keyring = keys_read(&config, 9, on_problem, NULL);
	assert_non_null(keyring);
	assert_int_equal(keyring->serial, 9);
	while (algorithms[count])
		count++;
	assert_int_equal(keyring->rules.keys_count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(keyring->rules.keys[i].algorithms, algorithms[i]);
	keyring_unref(keyring);
	config_report_deinit(&report);
	config_deinit(&config);
	unlink("value.txt");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(folder_name), 0);
}

#define FOR(...) ((const unsigned[]){__VA_ARGS__, 0})

static void keys_are_for_what_they_are_made_for(void **state)
{
	(void)state;
	check_keys(&(struct given){.variables = {WITH_SECRET}}, FOR(JWT_HS256));
	check_keys(&(struct given){.words = {"--public-key=value.txt"}, .value = RSA_PEM},
		   FOR(JWT_ALGORITHMS_RS));
	check_keys(&(struct given){.words = {"--public-key=k=value.txt"}, .value = P256_PEM},
		   FOR(JWT_ES256));
	check_keys(&(struct given){.words = {"--public-key=a=value.txt,./value.txt"},
				   .variables = {WITH_SECRET},
				   .value = P384_PEM},
		   FOR(JWT_HS256, JWT_ES384, JWT_ES384));
	check_keys(&(struct given){.words = {"--jwks-file=value.txt"},
				   .value = SET("{" RSA "},{" RSA ",\"use\":\"enc\"},{" EC256
						"},{" OCT "}")},
		   FOR(JWT_ALGORITHMS_RS, JWT_ES256, JWT_ALGORITHMS_HS));
}

static void algorithm_limits_them(void **state)
{
	(void)state;
	check_keys(
		&(struct given){.words = {"--algorithm=HS384,HS512"}, .variables = {WITH_SECRET}},
		FOR(JWT_HS384 | JWT_HS512));
	check_keys(&(struct given){.words = {"--algorithm=RS512,HS256", "--public-key=value.txt"},
				   .variables = {WITH_SECRET},
				   .value = RSA_PEM},
		   FOR(JWT_HS256, JWT_RS512));
	check_keys(&(struct given){.words = {"--algorithm=RS256", "--public-key=value.txt"},
				   .variables = {WITH_SECRET},
				   .value = RSA_PEM},
		   FOR(JWT_RS256));
	check_keys(&(struct given){.words = {"--algorithm=ES256", "--jwks-file=value.txt"},
				   .value = SET("{" RSA "},{" EC256 "},{" OCT "}")},
		   FOR(JWT_ES256));
}

static void check_wrong(const char *word, const char *value, const char *expected)
{
	check_report(&(struct given){.words = {word}, .value = value}, expected);
}

static void mistakes_name_file_key_and_reason(void **state)
{
	(void)state;
	check_wrong("--public-key=nowhere.pem", NULL,
		    "command line: --public-key: nowhere.pem: cannot be read: "
		    "No such file or directory\n");
	check_wrong("--public-key=kid=value.txt", "hello",
		    "command line: --public-key: value.txt: holds no key: there is no line with "
		    "BEGIN PUBLIC KEY\n");
	check_wrong("--public-key=value.txt", RSA_1024_PEM,
		    "command line: --public-key: value.txt: is an RSA key of fewer than 2048 "
		    "bits\n");
	check_wrong("--jwks-file=nowhere.json", NULL,
		    "command line: --jwks-file: nowhere.json: cannot be read: "
		    "No such file or directory\n");
	check_wrong("--jwks-file=value.txt", "{",
		    "command line: --jwks-file: value.txt: is not JSON\n");
	check_wrong("--jwks-file=value.txt", SET("{" EC256 "},{\"kty\":\"oct\"},{}"),
		    "command line: --jwks-file: value.txt: key 2 has no k in base64url\n"
		    "command line: --jwks-file: value.txt: key 3 has no kty\n");
	check_wrong(
		"--jwks-file=value.txt", SET(""),
		"command line: --jwks-file: value.txt: no key in it can be used: it is empty\n");
	check_wrong("--jwks-file=value.txt", SET("{\"kty\":\"OKP\"}"),
		    "command line: --jwks-file: value.txt: no key in it can be used: is of a type "
		    "that is not verified here\n");
}

static void keys_and_algorithm_must_agree(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {"--algorithm=ES256"}, .variables = {WITH_SECRET}},
		     "environment: BELFRY_SECRET_KEY: is not used: it is for HS256, HS384 and "
		     "HS512, and algorithm names none of them\n");
	check_report(&(struct given){.words = {"--algorithm=HS256", "--public-key=value.txt"},
				     .value = RSA_PEM},
		     "command line: --public-key: value.txt: is a key for RS256, RS384 and RS512, "
		     "which algorithm does not name\n");
	check_report(&(struct given){.words = {"--algorithm=HS256", "--jwks-file=value.txt"},
				     .value = SET("{" EC256 "}")},
		     "command line: --jwks-file: value.txt: no key in it can be used: is for an "
		     "algorithm that algorithm does not name\n");
}

static void short_secrets_are_doubted(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {"--jwks-file=value.txt"}, .value = SET("{" OCT "}")},
		     "warning: command line: --jwks-file: value.txt: key 1 has 6 bytes; 32 random "
		     "ones or more cannot be guessed\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_for_what_they_are_made_for),
		cmocka_unit_test(algorithm_limits_them),
		cmocka_unit_test(mistakes_name_file_key_and_reason),
		cmocka_unit_test(keys_and_algorithm_must_agree),
		cmocka_unit_test(short_secrets_are_doubted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
