/* wsbench/template.c - replacing of {names}. */
#include "wsbench/template.h"

/* The length of "{name}" when `text` starts with it, else 0. */
static size_t match(const char *text, const char *name)
{
	size_t size = strlen(name);

	if (text[0] != '{' || strncmp(text + 1, name, size) != 0 || text[1 + size] != '}')
		return 0;
	return size + 2;
}

void template_write(struct writer *writer, const char *text, const struct template_value *values,
		    size_t values_count)
{
	while (*text) {
		size_t matched = 0;

		for (size_t i = 0; i < values_count && matched == 0; i++) {
			matched = match(text, values[i].name);
			if (matched > 0)
				writer_slice(writer, values[i].value);
		}
		if (matched == 0)
			writer_bytes(writer, text, matched = 1);
		text += matched;
	}
}

bool template_has(const char *text, const char *name)
{
	for (; *text; text++)
		if (match(text, name) > 0)
			return true;
	return false;
}
