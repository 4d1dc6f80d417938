/* SPDX-License-Identifier: MIT */
/* What the parts of the runtime know of each other. */
#ifndef MCSAFE_INTERNAL_H
#define MCSAFE_INTERNAL_H

#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <mcsafe/runtime.h>

/* Thread-local variables are read in signal handlers: this model needs no allocation there. */
#define THREAD_LOCAL static _Thread_local __attribute__((tls_model("initial-exec")))

enum entry_class { CLASS_PLAIN, CLASS_TRAPNR, CLASS_USER, CLASS_HANDLER };

struct entry {
	uintptr_t insn, target;
	enum entry_class class;
};

struct range {
	uintptr_t start, end;
	const struct extable_handler *descriptor;
	ptrdiff_t outer;	/* index of the next range around this one, or -1 */
};

/* Everything registered at one moment. Never changed once published. */
struct snapshot {
	size_t entry_count, range_count;
	const struct entry *entries;	/* by insn */
	const struct range *ranges;	/* by start, outer ones first */
	struct snapshot *retired;	/* the next that waits to be freed */
};

/* An object as the dynamic linker has it. */
struct loaded_object {
	uintptr_t base;
	const ElfW(Phdr) *headers;
	size_t header_count;
	uintptr_t low, high;	/* the addresses it takes */
	char name[256];
};

/* The tables of one object, decoded and checked. */
struct object_tables {
	struct loaded_object object;
	const void *extable, *ranges_at;
	struct entry *entries;
	struct range *ranges;
	size_t entry_count, range_count;
};

/* Sections as they lie in memory. */
struct table_places {
	const void *extable, *extable_end, *ranges, *ranges_end;
};

/* registry.c: the snapshot stays valid until mcsafe_snapshot_put. Async-signal-safe. */
const struct snapshot *mcsafe_snapshot_get(void);
void mcsafe_snapshot_put(void);
const struct entry *mcsafe_find_entry(const struct snapshot *snapshot, uintptr_t ip);
/* The innermost range around ip, or NULL. */
const struct range *mcsafe_find_range(const struct snapshot *snapshot, uintptr_t ip);

/* tables.c */
int mcsafe_read_tables(struct object_tables *tables, const struct table_places *places);
void mcsafe_free_tables(struct object_tables *tables);
int mcsafe_compare_entries(const void *a, const void *b);
int mcsafe_compare_ranges(const void *a, const void *b);

/* objects.c */
bool mcsafe_object_at(uintptr_t address, struct loaded_object *object);
bool mcsafe_in_segment(const struct loaded_object *object, uintptr_t address, size_t size, unsigned int flags);
bool mcsafe_is_code_anywhere(uintptr_t address);
/* Calls back for each loaded object that has tables, by its file. Stops at the first result that is not 0. */
int mcsafe_for_each_table(int (*found)(const struct loaded_object *object, const struct table_places *places));

/* errors.c */
int mcsafe_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* signals.c */
void mcsafe_on_signal(int signal, siginfo_t *info, void *context) __attribute__((visibility("hidden")));
/* entry.S */
void mcsafe_signal_entry(int signal, siginfo_t *info, void *context) __attribute__((visibility("hidden")));

#endif
