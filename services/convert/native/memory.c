/* Bytes that grow, memory that is freed all at once, and a map. */
#include "core.h"
#include <stdio.h>

struct Block {
    Block *next;
    size_t used, room;
    _Alignas(16) char data[];
};

#define BLOCK (64u << 10)

void *must(void *memory) {
    if (memory == NULL) {
        fputs("the conversion core is out of memory\n", stderr);
        abort();
    }
    return memory;
}

void bytes_reserve(Bytes *bytes, size_t more) {
    size_t wanted = bytes->size + more;
    if (wanted <= bytes->room) return;
    size_t room = bytes->room ? bytes->room * 2 : 256;
    while (room < wanted) room *= 2;
    bytes->data = must(realloc(bytes->data, room));
    bytes->room = room;
}

void bytes_free(Bytes *bytes) {
    free(bytes->data);
    *bytes = (Bytes){0};
}

void *arena_take(Arena *arena, size_t size) {
    size = (size + 15) & ~(size_t)15;
    Block *block = arena->first;
    if (block == NULL || block->used + size > block->room) {
        size_t room = size > BLOCK ? size : BLOCK;
        block = must(malloc(sizeof(Block) + room));
        block->next = arena->first;
        block->used = 0;
        block->room = room;
        arena->first = block;
    }
    void *found = block->data + block->used;
    block->used += size;
    return memset(found, 0, size);
}

char *arena_copy(Arena *arena, const char *text, size_t size) {
    char *copy = arena_take(arena, size + 1);
    memcpy(copy, text, size);
    return copy;
}

void arena_free(Arena *arena) {
    while (arena->first) {
        Block *next = arena->first->next;
        free(arena->first);
        arena->first = next;
    }
}

static uint64_t hash_of(const void *owner, uint64_t number, const char *name, size_t size) {
    uint64_t hash = 0xcbf29ce484222325u ^ ((uint64_t)(uintptr_t)owner >> 4) * 0x9e3779b97f4a7c15u ^ number * 0xff51afd7ed558ccdu;
    for (size_t at = 0; at < size; at++) hash = (hash ^ (unsigned char)name[at]) * 0x100000001b3u;
    hash ^= hash >> 32;
    return hash | 1; /* 0 is an empty place */
}

static Entry *place_of(const Map *map, uint64_t hash, const void *owner, uint64_t number, const char *name, size_t size) {
    size_t at = hash & (map->room - 1);
    for (;; at = (at + 1) & (map->room - 1)) {
        Entry *entry = &map->entries[at];
        if (entry->hash == 0) return entry;
        if (entry->hash == hash && entry->owner == owner && entry->number == number && entry->size == size &&
            memcmp(entry->name, name, size) == 0)
            return entry;
    }
}

void *map_find(const Map *map, const void *owner, uint64_t number, const char *name, size_t size) {
    if (map->room == 0) return NULL;
    return place_of(map, hash_of(owner, number, name, size), owner, number, name, size)->value;
}

void map_put(Map *map, const void *owner, uint64_t number, const char *name, size_t size, void *value) {
    if (map->used * 2 >= map->room) {
        Map larger = {must(calloc(map->room ? map->room * 2 : 64, sizeof(Entry))), map->room ? map->room * 2 : 64, map->used};
        for (size_t at = 0; at < map->room; at++) {
            Entry *old = &map->entries[at];
            if (old->hash) *place_of(&larger, old->hash, old->owner, old->number, old->name, old->size) = *old;
        }
        free(map->entries);
        *map = larger;
    }
    uint64_t hash = hash_of(owner, number, name, size);
    Entry *entry = place_of(map, hash, owner, number, name, size);
    if (entry->hash == 0) map->used++;
    *entry = (Entry){hash, owner, number, name, size, value};
}

void map_free(Map *map) {
    free(map->entries);
    *map = (Map){0};
}
