/* SPDX-License-Identifier: MIT */
/* The objects of this process: where they lie in memory, and, by the section headers of their files, where their tables are. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include "internal.h"

/* Bytes of section names; a file that claims more is not believed. */
#define MAX_NAMES (16u << 20)

static void describe(const struct dl_phdr_info *info, struct loaded_object *object)
{
	const char *name = info->dlpi_name != NULL && info->dlpi_name[0] != '\0' ? info->dlpi_name : "/proc/self/exe";

	object->base = info->dlpi_addr;
	object->headers = info->dlpi_phdr;
	object->header_count = info->dlpi_phnum;
	strncpy(object->name, name, sizeof object->name - 1);
	object->name[sizeof object->name - 1] = '\0';
	object->low = UINTPTR_MAX;
	object->high = 0;
	for (size_t i = 0; i < object->header_count; i++) {
		const ElfW(Phdr) *header = &object->headers[i];
		uintptr_t start = object->base + header->p_vaddr;

		if (header->p_type != PT_LOAD)
			continue;
		object->low = start < object->low ? start : object->low;
		object->high = start + header->p_memsz > object->high ? start + header->p_memsz : object->high;
	}
}

bool mcsafe_in_segment(const struct loaded_object *object, uintptr_t address, size_t size, unsigned int flags)
{
	for (size_t i = 0; i < object->header_count; i++) {
		const ElfW(Phdr) *header = &object->headers[i];
		uintptr_t start = object->base + header->p_vaddr;

		if (header->p_type == PT_LOAD && (header->p_flags & flags) == flags && address >= start && size <= header->p_memsz && address - start <= header->p_memsz - size)
			return true;
	}
	return false;
}

struct search {
	uintptr_t address;
	unsigned int flags;
	struct loaded_object object;
};

static int holds_address(struct dl_phdr_info *info, size_t size, void *data)
{
	struct search *search = data;

	(void)size;
	describe(info, &search->object);
	return mcsafe_in_segment(&search->object, search->address, 1, search->flags);
}

bool mcsafe_object_at(uintptr_t address, struct loaded_object *object)
{
	struct search search = { .address = address, .flags = 0 };

	if (dl_iterate_phdr(holds_address, &search) == 0)
		return false;
	*object = search.object;
	return true;
}

bool mcsafe_is_code_anywhere(uintptr_t address)
{
	struct search search = { .address = address, .flags = PF_X };

	return dl_iterate_phdr(holds_address, &search) != 0;
}

static bool read_at(int file, void *to, size_t size, uint64_t offset)
{
	char *next = to;

	while (size > 0) {
		ssize_t got = pread(file, next, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		next += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return true;
}

/* Whether the file still is what was loaded: its program headers are those in memory. */
static bool is_same_file(int file, const ElfW(Ehdr) *elf, const struct loaded_object *object)
{
	size_t size = object->header_count * sizeof(ElfW(Phdr));
	ElfW(Phdr) *headers;
	bool same;

	if (elf->e_phnum != object->header_count || elf->e_phentsize != sizeof(ElfW(Phdr)) || (headers = malloc(size)) == NULL)
		return false;
	same = read_at(file, headers, size, elf->e_phoff) && memcmp(headers, object->headers, size) == 0;
	free(headers);
	return same;
}

static void note_section(const struct loaded_object *object, const ElfW(Shdr) *section, const char *name, struct table_places *places)
{
	const char *start = (const char *)(object->base + section->sh_addr);

	if ((section->sh_flags & SHF_ALLOC) == 0 || section->sh_type == SHT_NOBITS || section->sh_size == 0 || !mcsafe_in_segment(object, (uintptr_t)start, section->sh_size, PF_R))
		return;
	if (strcmp(name, "__ex_table") == 0) {
		places->extable = start;
		places->extable_end = start + section->sh_size;
	} else if (strcmp(name, "__ex_range") == 0) {
		places->ranges = start;
		places->ranges_end = start + section->sh_size;
	}
}

/* An unreadable or stripped file has no tables that anybody could name. */
static void find_sections(int file, const struct loaded_object *object, struct table_places *places)
{
	ElfW(Ehdr) elf;
	ElfW(Shdr) *sections = NULL;
	char *names = NULL;

	if (!read_at(file, &elf, sizeof elf, 0) || memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_ident[EI_CLASS] != ELFCLASS64 || !is_same_file(file, &elf, object))
		return;
	if (elf.e_shentsize != sizeof *sections || elf.e_shnum == 0 || elf.e_shstrndx >= elf.e_shnum)
		return;
	sections = calloc(elf.e_shnum, sizeof *sections);
	if (sections != NULL && read_at(file, sections, elf.e_shnum * sizeof *sections, elf.e_shoff)) {
		size_t size = sections[elf.e_shstrndx].sh_size;

		if (size > 0 && size <= MAX_NAMES && (names = malloc(size + 1)) != NULL && read_at(file, names, size, sections[elf.e_shstrndx].sh_offset)) {
			names[size] = '\0';
			for (size_t i = 0; i < elf.e_shnum; i++)
				if (sections[i].sh_name < size)
					note_section(object, &sections[i], names + sections[i].sh_name, places);
		}
	}
	free(names);
	free(sections);
}

struct objects {
	struct loaded_object *list;
	size_t count, room;
};

static int collect(struct dl_phdr_info *info, size_t size, void *data)
{
	struct objects *objects = data;

	(void)size;
	if (objects->count == objects->room) {
		size_t room = objects->room * 2 + 16;
		struct loaded_object *list = realloc(objects->list, room * sizeof *list);

		if (list == NULL)
			return -ENOMEM;
		objects->list = list;
		objects->room = room;
	}
	describe(info, &objects->list[objects->count++]);
	return 0;
}

int mcsafe_for_each_table(int (*found)(const struct loaded_object *object, const struct table_places *places))
{
	/* The vDSO has a table too, in a format of its own, and no file. */
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
	struct objects objects = { NULL, 0, 0 };
	int error = dl_iterate_phdr(collect, &objects);

	if (error != 0)
		mcsafe_fail(-error, "no memory for the list of loaded objects");
	for (size_t i = 0; i < objects.count && error == 0; i++) {
		struct table_places places = { NULL, NULL, NULL, NULL };
		int file;

		if (vdso != 0 && mcsafe_in_segment(&objects.list[i], vdso, 1, PF_R))
			continue;
		file = open(objects.list[i].name, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			continue;
		find_sections(file, &objects.list[i], &places);
		close(file);
		if (places.extable != NULL || places.ranges != NULL)
			error = found(&objects.list[i], &places);
	}
	free(objects.list);
	return error;
}
