/* SPDX-License-Identifier: MIT */
/*
 * What is registered. Writers take a lock, build a new snapshot and publish it with one store; readers, which are signal handlers, take
 * no lock. A snapshot that was replaced is freed once a writer sees no reader: one that comes later can only find the new snapshot.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct object_tables *registered;
static size_t registered_count;
static struct snapshot *retired;
static _Atomic(struct snapshot *) published;
static atomic_int readers;

const struct snapshot *mcsafe_snapshot_get(void)
{
	atomic_fetch_add(&readers, 1);
	return atomic_load(&published);
}

void mcsafe_snapshot_put(void)
{
	atomic_fetch_sub(&readers, 1);
}

const struct entry *mcsafe_find_entry(const struct snapshot *snapshot, uintptr_t ip)
{
	size_t low = 0, high = snapshot->entry_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (snapshot->entries[middle].insn < ip)
			low = middle + 1;
		else
			high = middle;
	}
	return low < snapshot->entry_count && snapshot->entries[low].insn == ip ? &snapshot->entries[low] : NULL;
}

const struct range *mcsafe_find_range(const struct snapshot *snapshot, uintptr_t ip)
{
	size_t low = 0, high = snapshot->range_count;
	ptrdiff_t index;

	/* The last that starts at or before ip is inside all that hold ip, or ended before it: then one around it may hold ip. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (snapshot->ranges[middle].start <= ip)
			low = middle + 1;
		else
			high = middle;
	}
	for (index = (ptrdiff_t)low - 1; index >= 0 && ip >= snapshot->ranges[index].end; index = snapshot->ranges[index].outer)
		;
	return index < 0 ? NULL : &snapshot->ranges[index];
}

static void free_snapshots(struct snapshot *first)
{
	while (first != NULL) {
		struct snapshot *next = first->retired;

		free(first);
		first = next;
	}
}

static int compare_objects(const void *a, const void *b)
{
	uintptr_t left = ((const struct object_tables *)a)->object.low, right = ((const struct object_tables *)b)->object.low;

	return left < right ? -1 : left > right;
}

/* One block of memory for everything in `list`, which is sorted by address; the tables of objects do not mix, as their code does not. */
static struct snapshot *build(const struct object_tables *list, size_t count)
{
	size_t entry_count = 0, range_count = 0;
	struct snapshot *snapshot;
	struct entry *entries;
	struct range *ranges;

	for (size_t i = 0; i < count; i++) {
		entry_count += list[i].entry_count;
		range_count += list[i].range_count;
	}
	snapshot = malloc(sizeof *snapshot + entry_count * sizeof *entries + range_count * sizeof *ranges);
	if (snapshot == NULL)
		return NULL;
	entries = (struct entry *)(snapshot + 1);
	ranges = (struct range *)(entries + entry_count);
	*snapshot = (struct snapshot){ entry_count, range_count, entries, ranges, NULL };
	for (size_t i = 0; i < count; i++) {
		ptrdiff_t before = ranges - snapshot->ranges;

		memcpy(entries, list[i].entries, list[i].entry_count * sizeof *entries);
		entries += list[i].entry_count;
		for (size_t j = 0; j < list[i].range_count; j++, ranges++) {
			*ranges = list[i].ranges[j];
			if (ranges->outer >= 0)
				ranges->outer += before;
		}
	}
	return snapshot;
}

/* The lock is held. */
static void publish(struct snapshot *snapshot)
{
	struct snapshot *old = atomic_exchange(&published, snapshot);

	if (old != NULL) {
		old->retired = retired;
		retired = old;
	}
	if (atomic_load(&readers) == 0) {
		free_snapshots(retired);
		retired = NULL;
	}
}

/* Replaces the list without `without` (may be NULL) and with `with` (may be NULL). The lock is held. */
static int replace(const struct object_tables *with, bool (*without)(const struct object_tables *one, const void *data), const void *data)
{
	struct object_tables *list = calloc(registered_count + 1, sizeof *list);
	struct snapshot *snapshot;
	size_t count = 0;

	if (list == NULL)
		return mcsafe_fail(ENOMEM, "no memory for the list of registered objects");
	for (size_t i = 0; i < registered_count; i++)
		if (!without(&registered[i], data))
			list[count++] = registered[i];
	if (with != NULL)
		list[count++] = *with;
	qsort(list, count, sizeof *list, compare_objects);
	if ((snapshot = build(list, count)) == NULL) {
		free(list);
		return mcsafe_fail(ENOMEM, "no memory for the registered tables");
	}
	for (size_t i = 0; i < registered_count; i++)
		if (without(&registered[i], data))
			mcsafe_free_tables(&registered[i]);
	free(registered);
	registered = list;
	registered_count = count;
	publish(snapshot);
	return 0;
}

/* The same object again, or one that was unloaded, since this one lies where it was. */
static bool is_replaced(const struct object_tables *one, const void *data)
{
	const struct loaded_object *with = &((const struct object_tables *)data)->object;

	return with->low < one->object.high && one->object.low < with->high;
}

static int register_tables(const struct loaded_object *object, const struct table_places *places)
{
	struct object_tables tables = { .object = *object };
	int error = mcsafe_read_tables(&tables, places);

	if (error != 0)
		return error;
	pthread_mutex_lock(&lock);
	error = replace(&tables, is_replaced, &tables);
	pthread_mutex_unlock(&lock);
	if (error != 0)
		mcsafe_free_tables(&tables);
	return error;
}

int mcsafe_register_loaded(void)
{
	return mcsafe_for_each_table(register_tables);
}

int mcsafe_register(const void *extable, const void *extable_end, const void *ranges, const void *ranges_end)
{
	struct table_places places = { extable, extable_end, ranges, ranges_end };
	const void *somewhere = extable != extable_end ? extable : ranges;
	struct loaded_object object;

	if ((uintptr_t)extable > (uintptr_t)extable_end || (uintptr_t)ranges > (uintptr_t)ranges_end)
		return mcsafe_fail(EINVAL, "a table ends before it begins: %p to %p, %p to %p", extable, extable_end, ranges, ranges_end);
	if (extable == extable_end && ranges == ranges_end)
		return 0;
	if (!mcsafe_object_at((uintptr_t)somewhere, &object))
		return mcsafe_fail(EINVAL, "the table at %p belongs to no loaded object", somewhere);
	if ((extable != extable_end && !mcsafe_in_segment(&object, (uintptr_t)extable, (size_t)((const char *)extable_end - (const char *)extable), PF_R))
	    || (ranges != ranges_end && !mcsafe_in_segment(&object, (uintptr_t)ranges, (size_t)((const char *)ranges_end - (const char *)ranges), PF_R)))
		return mcsafe_fail(EINVAL, "%s: the tables do not lie in one object", object.name);
	return register_tables(&object, &places);
}

static bool is_named(const struct object_tables *one, const void *data)
{
	const struct table_places *places = data;

	return (places->extable != NULL && one->extable == places->extable) || (places->ranges != NULL && one->ranges_at == places->ranges);
}

int mcsafe_unregister(const void *extable, const void *ranges)
{
	struct table_places places = { .extable = extable, .ranges = ranges };
	size_t before;
	int error;

	pthread_mutex_lock(&lock);
	before = registered_count;
	error = replace(NULL, is_named, &places);
	if (error == 0 && registered_count == before && (extable != NULL || ranges != NULL))
		error = mcsafe_fail(ENOENT, "no table at %p or %p is registered", extable, ranges);
	pthread_mutex_unlock(&lock);
	return error;
}
