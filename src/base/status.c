/* base/status.c - texts of the statuses. */
#include "base/status.h"

static const char *const texts[] = {
#define X(name, text) [STATUS_##name] = text,
	STATUS_TABLE(X)
#undef X
};

const char *status_text(enum status status)
{
	unsigned index = (unsigned)status;

	return index < ARRAY_SIZE(texts) ? texts[index] : "unknown status";
}
