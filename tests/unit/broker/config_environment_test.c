/* tests/unit/broker/config_environment_test.c - variables, files that they name, strangers. */
#include "config_given.h"

#define WITH_SECRET "BELFRY_SECRET_KEY=" SECRET_32

static void own_variables(void **state)
{
	(void)state;
	check_printed(&(struct given){.variables = {WITH_SECRET}},
		      "secret_key = ***  # environment BELFRY_SECRET_KEY\n");
	check_printed(&(struct given){.variables = {WITH_SECRET, "BELFRY_DEMO=yes"}},
		      "demo = on  # environment BELFRY_DEMO\n");
	check_printed(&(struct given){.variables = {WITH_SECRET, "BELFRY_STREAM=a=b"}},
		      "stream = a=b  # environment BELFRY_STREAM\n");
	check_printed(&(struct given){.variables = {WITH_SECRET, "PATH=/bin", "BELFR", "BELFRY",
						    "OTHER_BELFRY_X=1"}},
		      "demo = off  # default\n");
}

static void common_variables(void **state)
{
	(void)state;
	check_printed(&(struct given){.variables = {"SECRET_KEY=" SECRET_32}},
		      "secret_key = ***  # environment SECRET_KEY\n");
	check_printed(&(struct given){.variables = {WITH_SECRET, "REDIS_URL=redis://u:p@h/1"},
				      .file = "redis = redis://other"},
		      "redis = redis://***@h:6379/1  # environment REDIS_URL\n");
	check_printed(&(struct given){.variables = {WITH_SECRET, "ALGORITHM=HS384"}},
		      "algorithm = HS384  # environment ALGORITHM\n");
	check_report(&(struct given){.variables = {WITH_SECRET, "ALGORITHM=PS256"}},
		     "environment: ALGORITHM: \"PS256\" is not known; allowed: HS256, HS384, "
		     "HS512, RS256, RS384, RS512, ES256 or ES384\n");
}

static void own_beats_common(void **state)
{
	(void)state;
	check_printed(&(struct given){.variables = {"REDIS_URL=redis://a", "BELFRY_REDIS=redis://b",
						    WITH_SECRET}},
		      "redis = redis://b:6379/0  # environment BELFRY_REDIS\n");
	check_printed(&(struct given){.variables = {"ALGORITHM=PS256", "BELFRY_ALGORITHM=HS512",
						    "SECRET_KEY_FILE=/nowhere", WITH_SECRET}},
		      "algorithm = HS512  # environment BELFRY_ALGORITHM\n");
	check_printed(&(struct given){.words = {"--algorithm=HS256"},
				      .variables = {"ALGORITHM=PS256", WITH_SECRET}},
		      "algorithm = HS256  # command line\n");
	check_printed(&(struct given){.variables = {"REDIS_URL=", "ALGORITHM=", WITH_SECRET},
				      .file = "redis = redis://a"},
		      "redis = redis://a:6379/0  # belfry.conf:1\n");
	check_printed(&(struct given){.variables = {"BELFRY_REDIS=", WITH_SECRET},
				      .file = "redis = redis://a"},
		      "redis =  # environment BELFRY_REDIS\n");
}

/* The secret that a file with these bytes gives; NULL expects errors. */
static void check_secret_file(const char *value, const char *expected)
{
	static const char *const variables[] = {"BELFRY_SECRET_KEY_FILE=value.txt",
						"SECRET_KEY_FILE=value.txt"};
	struct loaded loaded;

	for (size_t i = 0; i < 2; i++) {
		load_given(&(struct given){.variables = {variables[i]}, .value = value}, &loaded);
		assert_int_equal(loaded.outcome, expected ? CONFIG_RUN : CONFIG_WRONG);
		if (expected)
			assert_string_equal(loaded.config.secret_key, expected);
		loaded_deinit(&loaded);
	}
}

static void secret_files(void **state)
{
	(void)state;
	check_secret_file(SECRET_32, SECRET_32);
	check_secret_file(SECRET_32 "\n", SECRET_32);
	check_secret_file(SECRET_32 "\r\n", SECRET_32);
	check_secret_file(SECRET_32 "\n\n", SECRET_32 "\n");
	check_secret_file(" " SECRET_32 " #x", " " SECRET_32 " #x");
	check_secret_file("short\n", "short");
	check_secret_file("\n", NULL);
	check_secret_file("", NULL);
	check_secret_file(NULL, NULL);
}

static void other_files(void **state)
{
	(void)state;
	check_printed(&(struct given){.variables = {WITH_SECRET, "BELFRY_SHARDS_FILE=value.txt"},
				      .value = "7\n"},
		      "shards = 7  # environment BELFRY_SHARDS_FILE\n");
	check_printed(&(struct given){.variables = {WITH_SECRET, "REDIS_URL_FILE=value.txt"},
				      .value = "redis://:p@h\n"},
		      "redis = redis://***@h:6379/0  # environment REDIS_URL_FILE\n");
	check_printed(&(struct given){.variables = {WITH_SECRET, "BELFRY_LISTEN_FILE=value.txt"},
				      .value = "127.0.0.1:1\r\n127.0.0.1:2,:3\n"},
		      "listen = 127.0.0.1:1  # environment BELFRY_LISTEN_FILE\n"
		      "listen = 127.0.0.1:2  # environment BELFRY_LISTEN_FILE\n"
		      "listen = :3  # environment BELFRY_LISTEN_FILE\n"
		      "admin");
}

static void wrong_files(void **state)
{
	(void)state;
	check_report(&(struct given){.variables = {"BELFRY_SECRET_KEY_FILE=" SECRET_32}},
		     "environment: BELFRY_SECRET_KEY_FILE: the file that it names cannot be read: "
		     "No such file or directory\n");
	check_report(&(struct given){.variables = {"BELFRY_SECRET_KEY_FILE=value.txt", WITH_SECRET},
				     .value = SECRET_32},
		     "environment: secret_key: given twice, as a value and as a file "
		     "(BELFRY_SECRET_KEY is one of them); leave one out\n");
	check_report(&(struct given){.variables = {WITH_SECRET, "BELFRY_SHARDS_FILE=value.txt"},
				     .value = "a\nb\n"},
		     "environment: BELFRY_SHARDS_FILE: \"a?b\" is not a number; allowed: 0..64\n");
}

static void unknown_variables(void **state)
{
	(void)state;
	check_report(&(struct given){.variables = {WITH_SECRET, "BELFRY_LISTN=:80"}},
		     "environment: BELFRY_LISTN: no such key; did you mean BELFRY_LISTEN?\n");
	check_report(&(struct given){.variables = {WITH_SECRET, "BELFRY_X=hunter2"}},
		     "environment: BELFRY_X: no such key; see --help\n");
	check_report(&(struct given){.variables = {WITH_SECRET, "BELFRY_ZZZZZZ_FILE=/x"}},
		     "environment: BELFRY_ZZZZZZ_FILE: no such key; see --help\n");
	check_report(&(struct given){.variables = {WITH_SECRET, "BELFRY_=1"}},
		     "environment: BELFRY_: no such key; see --help\n");
	check_report(&(struct given){.variables = {WITH_SECRET, "BELFRY_EXPORTS=1"}},
		     "environment: BELFRY_EXPORTS: no such key; see --help\n");
}

static void variables_of_kubernetes(void **state)
{
	(void)state;
	check_report(&(struct given){.variables = {WITH_SECRET, "BELFRY_PORT=tcp://10.0.0.1:8080",
						   "BELFRY_SERVICE_HOST=10.0.0.1",
						   "BELFRY_SERVICE_PORT=8080",
						   "BELFRY_SERVICE_PORT_WS=8080",
						   "BELFRY_PORT_8080_TCP=tcp://10.0.0.1:8080",
						   "BELFRY_PORT_8080_TCP_ADDR=10.0.0.1",
						   "BELFRY_ADMIN_SERVICE_HOST=10.0.0.1",
						   "BELFRY_ADMIN_PORT=tcp://10.0.0.1:8081"}},
		     "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_variables),     cmocka_unit_test(common_variables),
		cmocka_unit_test(own_beats_common),  cmocka_unit_test(secret_files),
		cmocka_unit_test(other_files),       cmocka_unit_test(wrong_files),
		cmocka_unit_test(unknown_variables), cmocka_unit_test(variables_of_kubernetes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
