/* tests/fuzz/replay.c - runs a fuzz target on files instead of on a fuzzer's inventions.
 *
 * Each argument is a file or a folder of files. Every input stands in memory of exactly its size,
 * so that the address sanitizer sees the first byte read past its end. A run without any file
 * fails: a corpus that was not found must not look like one that passed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static unsigned inputs;

static bool complain(const char *path)
{
	fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
	return false;
}

static bool read_whole(const char *path, uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		return false;
	bool whole = fread(bytes, 1, size, file) == size;
	fclose(file);
	return whole;
}

static bool replay_file(const char *path, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);

	if (!bytes || !read_whole(path, bytes, size)) {
		free(bytes);
		return complain(path);
	}
	printf("%s (%zu bytes)\n", path, size);
	fflush(stdout); /* the last line names the input that crashed */
	(void)LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	inputs++;
	return true;
}

static bool replay_path(const char *path);

static bool replay_folder(const char *path)
{
	struct dirent *item;
	bool good = true;
	DIR *folder = opendir(path);

	if (!folder)
		return complain(path);
	while ((item = readdir(folder)) != NULL) {
		char inside[4096];

		if (item->d_name[0] == '.')
			continue;
		snprintf(inside, sizeof(inside), "%s/%s", path, item->d_name);
		good = replay_path(inside) && good;
	}
	closedir(folder);
	return good;
}

static bool replay_path(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return complain(path);
	return S_ISDIR(status.st_mode) ? replay_folder(path)
				       : replay_file(path, (size_t)status.st_size);
}

int main(int argc, char **argv)
{
	bool good = true;

	for (int i = 1; i < argc; i++)
		good = replay_path(argv[i]) && good;
	printf("%u inputs\n", inputs);
	return good && inputs > 0 ? 0 : 1;
}
