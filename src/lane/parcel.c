/* lane/parcel.c - one flag, stored last and read first. */
#include "lane/parcel.h"

#include "base/assert.h"

void parcel_seal(struct parcel *parcel)
{
	/* release: pairs with the load in parcel_open */
	atomic_store_explicit(&parcel->sealed, 1, memory_order_release);
}

void parcel_open(struct parcel *parcel)
{
	/* acquire: pairs with the store in parcel_seal */
	ASSERT(atomic_load_explicit(&parcel->sealed, memory_order_acquire) == 1);
}
