/* SPDX-License-Identifier: MIT */
/* Decodes the tables of one object, and refuses what could send a fault astray. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

struct raw_entry {
	int32_t insn;
	uint32_t where;
};

struct raw_range {
	int32_t start;
	uint32_t length;
	int32_t descriptor;
	uint32_t flags;
};

int mcsafe_compare_entries(const void *a, const void *b)
{
	uintptr_t left = ((const struct entry *)a)->insn, right = ((const struct entry *)b)->insn;

	return left < right ? -1 : left > right;
}

int mcsafe_compare_ranges(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return left->end > right->end ? -1 : left->end < right->end;
}

void mcsafe_free_tables(struct object_tables *tables)
{
	free(tables->entries);
	free(tables->ranges);
	tables->entries = NULL;
	tables->ranges = NULL;
}

/* A descriptor lies in the object's memory, and its function is code. */
static int check_descriptor(const struct loaded_object *object, uintptr_t address, const char *of, size_t index)
{
	const struct extable_handler *descriptor = (const struct extable_handler *)address;

	if (address % _Alignof(struct extable_handler) != 0 || !mcsafe_in_segment(object, address, sizeof *descriptor, PF_R))
		return mcsafe_fail(EINVAL, "%s: %s %zu names a descriptor at %#zx, which is no aligned data of this object; a target must lie within 512 MiB in the same object",
				   object->name, of, index, (size_t)address);
	if (!mcsafe_is_code_anywhere((uintptr_t)descriptor->handler))
		return mcsafe_fail(EINVAL, "%s: the descriptor of %s %zu at %#zx names a handler at %#zx, which is no code",
				   object->name, of, index, (size_t)address, (size_t)(uintptr_t)descriptor->handler);
	return 0;
}

static int read_entries(struct object_tables *tables, const struct table_places *places)
{
	const struct loaded_object *object = &tables->object;
	const struct raw_entry *raw = places->extable;
	size_t size = (size_t)((const char *)places->extable_end - (const char *)places->extable);
	int error;

	if (size % sizeof *raw != 0 || (uintptr_t)raw % 4 != 0)
		return mcsafe_fail(EINVAL, "%s: __ex_table at %p has %zu bytes, no multiple of 8: not written with <mcsafe/extable.h>?", object->name, places->extable, size);
	tables->entry_count = size / sizeof *raw;
	tables->entries = calloc(tables->entry_count + 1, sizeof *tables->entries);
	if (tables->entries == NULL)
		return mcsafe_fail(ENOMEM, "%s: no memory for %zu entries", object->name, tables->entry_count);
	for (size_t i = 0; i < tables->entry_count; i++) {
		struct entry *entry = &tables->entries[i];

		/* Distances wrap in 32 bits; the two class bits were set by adding a bias. */
		entry->insn = (uintptr_t)&raw[i].insn + (uintptr_t)(intptr_t)raw[i].insn;
		entry->class = (enum entry_class)(raw[i].where >> 30);
		entry->target = (uintptr_t)&raw[i].where + (uintptr_t)((intptr_t)(raw[i].where & 0x3fffffff) - 0x20000000);
		if (!mcsafe_in_segment(object, entry->insn, 1, PF_X))
			return mcsafe_fail(EINVAL, "%s: entry %zu is for an instruction at %#zx, which is no code of this object", object->name, i, (size_t)entry->insn);
		if (entry->class == CLASS_HANDLER) {
			if ((error = check_descriptor(object, entry->target, "entry", i)) != 0)
				return error;
		} else if (!mcsafe_in_segment(object, entry->target, 1, PF_X)) {
			return mcsafe_fail(EINVAL, "%s: entry %zu goes to %#zx, which is no code of this object", object->name, i, (size_t)entry->target);
		}
	}
	qsort(tables->entries, tables->entry_count, sizeof *tables->entries, mcsafe_compare_entries);
	for (size_t i = 1; i < tables->entry_count; i++)
		if (tables->entries[i].insn == tables->entries[i - 1].insn)
			return mcsafe_fail(EINVAL, "%s: two entries for the instruction at %#zx", object->name, (size_t)tables->entries[i].insn);
	return 0;
}

/* Ranges nest or are disjoint; finds for each the next one around it. */
static int nest_ranges(struct object_tables *tables)
{
	for (size_t i = 0; i < tables->range_count; i++) {
		struct range *range = &tables->ranges[i];
		ptrdiff_t outer = (ptrdiff_t)i - 1;

		while (outer >= 0 && tables->ranges[outer].end <= range->start)
			outer = tables->ranges[outer].outer;
		range->outer = outer;
		if (outer < 0)
			continue;
		if (tables->ranges[outer].start == range->start && tables->ranges[outer].end == range->end)
			return mcsafe_fail(EINVAL, "%s: two ranges are the same: [%#zx, %#zx)", tables->object.name, (size_t)range->start, (size_t)range->end);
		if (range->end > tables->ranges[outer].end)
			return mcsafe_fail(EINVAL, "%s: range [%#zx, %#zx) overlaps [%#zx, %#zx) only in part; ranges nest or are disjoint", tables->object.name,
					   (size_t)range->start, (size_t)range->end, (size_t)tables->ranges[outer].start, (size_t)tables->ranges[outer].end);
	}
	return 0;
}

static int read_ranges(struct object_tables *tables, const struct table_places *places)
{
	const struct loaded_object *object = &tables->object;
	const struct raw_range *raw = places->ranges;
	size_t size = (size_t)((const char *)places->ranges_end - (const char *)places->ranges);
	int error;

	if (size % sizeof *raw != 0 || (uintptr_t)raw % 4 != 0)
		return mcsafe_fail(EINVAL, "%s: __ex_range at %p has %zu bytes, no multiple of 16", object->name, places->ranges, size);
	tables->range_count = size / sizeof *raw;
	tables->ranges = calloc(tables->range_count + 1, sizeof *tables->ranges);
	if (tables->ranges == NULL)
		return mcsafe_fail(ENOMEM, "%s: no memory for %zu ranges", object->name, tables->range_count);
	for (size_t i = 0; i < tables->range_count; i++) {
		struct range *range = &tables->ranges[i];
		uintptr_t descriptor = (uintptr_t)&raw[i].descriptor + (uintptr_t)(intptr_t)raw[i].descriptor;

		range->start = (uintptr_t)&raw[i].start + (uintptr_t)(intptr_t)raw[i].start;
		range->end = range->start + raw[i].length;
		range->descriptor = (const struct extable_handler *)descriptor;
		if (raw[i].length == 0)
			return mcsafe_fail(EINVAL, "%s: range %zu at %#zx has length 0; \"mcsafe table --fix\" fills in the size of the function there", object->name, i, (size_t)range->start);
		if (!mcsafe_in_segment(object, range->start, raw[i].length, PF_X))
			return mcsafe_fail(EINVAL, "%s: range %zu, [%#zx, %#zx), is no code of this object", object->name, i, (size_t)range->start, (size_t)range->end);
		if ((error = check_descriptor(object, descriptor, "range", i)) != 0)
			return error;
	}
	qsort(tables->ranges, tables->range_count, sizeof *tables->ranges, mcsafe_compare_ranges);
	return nest_ranges(tables);
}

int mcsafe_read_tables(struct object_tables *tables, const struct table_places *places)
{
	int error;

	tables->extable = places->extable;
	tables->ranges_at = places->ranges;
	if ((error = read_entries(tables, places)) == 0)
		error = read_ranges(tables, places);
	if (error != 0)
		mcsafe_free_tables(tables);
	return error;
}
