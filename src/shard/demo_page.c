/* shard/demo_page.c - the bytes of demo_page.html, put here by the build. */
#include "shard/demo_page.h"

const uint8_t demo_page[] = {
#include "shard/demo_page.inc"
};
const size_t demo_page_size = sizeof(demo_page);
