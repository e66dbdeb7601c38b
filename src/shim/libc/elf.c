/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/libc/elf.h"

#include <link.h>
#include <stdbool.h>

#define VERSION_HIDDEN 0x8000u /* not the default one of its name */

static bool table_of(const struct link_map *map, struct elf_table *table)
{
	*table = (struct elf_table){ .base = map->l_addr };
	for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++) {
		/* the loader adds its address to some of them, and not to those that cannot be written */
		ElfW(Addr) at = d->d_un.d_ptr < map->l_addr ? d->d_un.d_ptr + map->l_addr :
							      d->d_un.d_ptr;

		if (d->d_tag == DT_SYMTAB)
			table->symbols = (const void *)at;
		else if (d->d_tag == DT_STRTAB)
			table->strings = (const char *)at;
		else if (d->d_tag == DT_VERSYM)
			table->versions = (const uint16_t *)at;
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

/*
 * Layout: header (buckets, first symbol, words of the filter, shift); filter; buckets; hashes of the
 * symbols.
 */
static const ElfW(Sym) * symbol_find(const struct elf_table *table, const char *name, uint32_t hash)
{
	const uint32_t *buckets = table->hash + 4 + table->hash[2] * (sizeof(ElfW(Addr)) / 4);
	const uint32_t *hashes = buckets + table->hash[0];
	uint32_t first = table->hash[1];
	uint32_t i = table->hash[0] ? buckets[hash % table->hash[0]] : 0;

	if (i < first)
		return NULL;
	for (;; i++) {
		const ElfW(Sym) *symbol = (const ElfW(Sym) *)table->symbols + i;
		uint32_t h = hashes[i - first];

		if (!((h ^ hash) >> 1) && symbol->st_shndx &&
		    !(table->versions && table->versions[i] & VERSION_HIDDEN) &&
		    elf_same(table->strings + symbol->st_name, name))
			return symbol;
		if (h & 1)
			return NULL;
	}
}

static void *function_of(const struct elf_table *table, const ElfW(Sym) * symbol)
{
	return symbol && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC ?
		       (void *)(table->base + symbol->st_value) :
		       NULL;
}

at_start void elf_behind(struct elf_objects *behind)
{
	const struct link_map *map = _r_debug.r_map;

	while (map && map->l_ld != _DYNAMIC)
		map = map->l_next;
	behind->first = map ? map->l_next : NULL;
	for (map = behind->first; map; map = map->l_next)
		behind->last = map;
}

void *elf_find(const struct elf_objects *behind, const char *name, bool *odd)
{
	uint32_t hash = hash_of(name);

	*odd = false;
	for (const struct link_map *map = behind->first;; map = map->l_next) {
		const ElfW(Sym) *symbol = NULL;
		struct elf_table table;
		void *found = NULL;

		*odd = !table_of(map, &table);
		if (!*odd) {
			symbol = symbol_find(&table, name, hash);
			found = function_of(&table, symbol);
			*odd = symbol && !found;
		}
		if (symbol || *odd || map == behind->last)
			return found;
	}
}

void *elf_own(const char *name)
{
	const struct link_map *map = _r_debug.r_map;
	struct elf_table table;

	while (map && map->l_ld != _DYNAMIC)
		map = map->l_next;
	return map && table_of(map, &table) ?
		       function_of(&table, symbol_find(&table, name, hash_of(name))) :
		       NULL;
}

void *elf_next(const char *name)
{
	uint32_t hash = hash_of(name);
	bool behind = false;

	for (const struct link_map *map = _r_debug.r_map; map; map = map->l_next) {
		struct elf_table table;
		void *found;

		if (map->l_ld == _DYNAMIC)
			behind = true;
		else if (behind && table_of(map, &table) &&
			 (found = function_of(&table, symbol_find(&table, name, hash))))
			return found;
	}
	return NULL;
}
