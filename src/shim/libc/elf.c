/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/libc/elf.h"

#include <link.h>
#include <stdbool.h>
#include <string.h>

/* Of an object, where the loader has put it. */
struct table {
	const ElfW(Sym) *symbols;
	const char *strings;
	const uint32_t *hash; /* DT_GNU_HASH */
};

static bool table_of(const struct link_map *map, struct table *table)
{
	*table = (struct table){ 0 };
	for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++) {
		/* the loader adds its address to some of them, and not to those that cannot be written */
		ElfW(Addr) at = d->d_un.d_ptr < map->l_addr ? d->d_un.d_ptr + map->l_addr : d->d_un.d_ptr;

		if (d->d_tag == DT_SYMTAB)
			table->symbols = (const ElfW(Sym) *)at;
		else if (d->d_tag == DT_STRTAB)
			table->strings = (const char *)at;
		else if (d->d_tag == DT_GNU_HASH)
			table->hash = (const uint32_t *)at;
	}
	return table->symbols && table->strings && table->hash;
}

static uint32_t hash_of(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

/* The header: buckets, first symbol, words of the filter, shift; filter, buckets, hashes of the symbols. */
static void *symbol_find(const struct link_map *map, const struct table *table, const char *name)
{
	const uint32_t *buckets = table->hash + 4 + table->hash[2] * (sizeof(ElfW(Addr)) / 4);
	const uint32_t *hashes = buckets + table->hash[0];
	uint32_t first = table->hash[1];
	uint32_t hash = hash_of(name);
	uint32_t i = table->hash[0] ? buckets[hash % table->hash[0]] : 0;

	if (i < first)
		return NULL;
	for (;; i++) {
		const ElfW(Sym) *symbol = &table->symbols[i];
		uint32_t h = hashes[i - first];

		if (!((h ^ hash) >> 1) && symbol->st_shndx && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
		    !strcmp(table->strings + symbol->st_name, name))
			return (void *)(map->l_addr + symbol->st_value);
		if (h & 1)
			return NULL;
	}
}

void *elf_own(const char *name)
{
	const struct link_map *map = _r_debug.r_map;
	struct table table;

	while (map && map->l_ld != _DYNAMIC)
		map = map->l_next;
	return map && table_of(map, &table) ? symbol_find(map, &table, name) : NULL;
}

void *elf_next(const char *name)
{
	bool behind = false;

	for (const struct link_map *map = _r_debug.r_map; map; map = map->l_next) {
		struct table table;
		void *found;

		if (map->l_ld == _DYNAMIC)
			behind = true;
		else if (behind && table_of(map, &table) && (found = symbol_find(map, &table, name)))
			return found;
	}
	return NULL;
}
