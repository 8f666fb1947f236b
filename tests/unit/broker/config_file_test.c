/* tests/unit/broker/config_file_test.c - lines of the file, and what is wrong with them. */
#include "config_given.h"

#include "broker/config_file.h"

#include <errno.h>

#define SECRET_LINE "secret_key = " SECRET_32 "\n"

static void check_lines(const char *file, const char *expected)
{
	check_report(&(struct given){.file = file}, expected);
}

static void check_line(const char *file, const char *expected)
{
	check_printed(&(struct given){.file = file}, expected);
}

static void lines(void **state)
{
	(void)state;
	check_line(SECRET_LINE "shards=2", "shards = 2  # belfry.conf:2\n");
	check_line(SECRET_LINE "\n# a comment\n \t \n\tshards\t=\t2\t\n",
		   "shards = 2  # belfry.conf:5\n");
	check_line(SECRET_LINE "shards = 2 # two\n", "shards = 2  # belfry.conf:2\n");
	check_line(SECRET_LINE "   # shards = many\nshards = 2\t#= two\r\n",
		   "shards = 2  # belfry.conf:3\n");
	check_line(SECRET_LINE "stream = a#b\n", "stream = a#b  # belfry.conf:2\n");
	check_line(SECRET_LINE "redis = # none\n", "redis =  # belfry.conf:2\n");
	check_line("\xef\xbb\xbf" SECRET_LINE, "secret_key = ***  # belfry.conf:1\n");
	check_line(SECRET_LINE "heartbeat_interval = 10m\nheartbeat_timeout = 600001ms",
		   "heartbeat_timeout = 600001ms  # belfry.conf:3\n");
}

static void secrets_keep_their_bytes(void **state)
{
	struct loaded loaded;

	(void)state;
	load_given(&(struct given){.file = "secret_key = #a=b, c#d\"e f 0123456789abcdefgh \n"},
		   &loaded);
	assert_int_equal(loaded.outcome, CONFIG_WRONG);
	loaded_deinit(&loaded);
	load_given(&(struct given){.file = "secret_key = a=b, c#d\"e f 0123456789abcdefgh \n"},
		   &loaded);
	assert_int_equal(loaded.outcome, CONFIG_RUN);
	assert_string_equal(loaded.config.secret_key, "a=b, c#d\"e f 0123456789abcdefgh");
	loaded_deinit(&loaded);
}

static void wrong_lines(void **state)
{
	(void)state;
	check_lines(SECRET_LINE "\nheartbeat_interval = soon\n",
		    "belfry.conf:3: heartbeat_interval: \"soon\" is not a duration; allowed: 0 or "
		    "1s..1h, such as 30, 30s, 500ms, 10m\n");
	check_lines(SECRET_LINE "shards\n",
		    "belfry.conf:2: no = in this line; allowed: key = value, # comment\n");
	check_lines(SECRET_LINE "hart = 3\n",
		    "belfry.conf:2: hart: no such key; did you mean heartbeat_interval?\n");
	check_lines(SECRET_LINE "zzzzzz = 3\n", "belfry.conf:2: zzzzzz: no such key; see --help\n");
	check_lines(SECRET_LINE "= 3\na secret? = 3\n",
		    "belfry.conf:2: the name of a key was expected\n"
		    "belfry.conf:3: the name of a key was expected\n");
	check_lines(SECRET_LINE "shards = 2\nshards = 3\n",
		    "belfry.conf:3: shards: given twice; first on line 2\n");
	check_lines(
		SECRET_LINE "stream = \"in\"\n",
		"belfry.conf:2: stream: the quotes would be part of the value; write it without "
		"them\n");
	check_lines(SECRET_LINE "shards = \nshards2 = 1\ndemo = maybe\n",
		    "belfry.conf:2: shards: \"\" is not a number; allowed: 0..64\n"
		    "belfry.conf:3: shards2: no such key; did you mean shards?\n"
		    "belfry.conf:4: demo: \"maybe\" is neither on nor off; allowed: on or off\n");
}

#define REDIS_ALLOWED                                \
	"redis://[user:password@]host[:port][/db], " \
	"redis+sentinel://[user:password@]host[:port],.../master[/db], or empty"

static void no_secret_is_repeated(void **state)
{
	(void)state;
	check_lines("secret_key = hunter2\n",
		    "warning: belfry.conf:1: secret_key: has 7 bytes; 32 random ones or more "
		    "cannot be guessed\n");
	check_lines("secret_key = '" SECRET_32 "'\n",
		    "belfry.conf:1: secret_key: the quotes would be part of the value; write it "
		    "without them\n");
	check_lines("secret_key = " SECRET_32 " # hunter2\n",
		    "belfry.conf:1: secret_key: a # behind a blank begins a comment; put the "
		    "comment on a line of its own, or a key with # in it into the environment or a "
		    "file of its own\n");
	check_lines(SECRET_LINE "redis = redis://u:hunter2@h:x\n",
		    "belfry.conf:2: redis: \"***\" has no valid port; allowed: " REDIS_ALLOWED
		    "\n");
	check_lines(
		SECRET_LINE "redis = rediss://u:hunter2@h\n",
		"belfry.conf:2: redis: \"***\" asks for TLS to Redis, which is not offered yet; "
		"allowed: " REDIS_ALLOWED "\n");
	check_lines(
		SECRET_LINE "api_key = hunter 2\n",
		"belfry.conf:2: api_key: \"***\" has a blank in it; allowed: 1 to 4096 printable "
		"characters without blanks and commas, better 16 or more; or sha256: and the 64 "
		"hexadecimal digits of a key's SHA-256\n");
}

static void files_that_cannot_be_read(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {"-c", "none.conf", "--auth=none"}},
		     "none.conf: cannot be read: No such file or directory\n");
	check_report(&(struct given){.words = {"-c", ".", "--auth=none"}},
		     ".: cannot be read: Is a directory\n");
}

static void slurp(void **state)
{
	char folder[FRESH_FOLDER_SIZE], name[FRESH_FOLDER_SIZE + 16];
	size_t size = 7;

	(void)state;
	fresh_folder(folder, "slurp");
	snprintf(name, sizeof(name), "%s/value", folder);
	int fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	char *bytes = config_file_slurp(name, &size);
	assert_non_null(bytes);
	assert_int_equal(size, 0);
	assert_string_equal(bytes, "");
	config_file_release(bytes, size);

	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	bytes = config_file_slurp(name, &size);
	assert_non_null(bytes);
	assert_int_equal(size, 1 << 20);
	config_file_release(bytes, size);

	assert_int_equal(ftruncate(fd, (1 << 20) + 1), 0);
	assert_null(config_file_slurp(name, &size));
	assert_int_equal(errno, EFBIG);
	config_file_release(NULL, 0);
	close(fd);
	unlink(name);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(secrets_keep_their_bytes),
		cmocka_unit_test(wrong_lines),
		cmocka_unit_test(no_secret_is_repeated),
		cmocka_unit_test(files_that_cannot_be_read),
		cmocka_unit_test(slurp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
