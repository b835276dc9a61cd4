/* What the bare loop knows: one cache line a mapping, open addressing, at most half full. */
#ifndef TABLE_H
#define TABLE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_debug.h>
#include <rte_malloc.h>

#define NO_KEY UINT64_MAX

struct entry {
    uint64_t key;          /* network << 32 | address, both as numbers */
    uint8_t prefix[12];    /* of the owner's host in this network, docs/wire.md section 1 */
    uint8_t mac[6];        /* of the guest; used of the one that lives here */
    uint8_t generation;    /* of the owner, two bits */
} __rte_cache_aligned;

struct table {
    struct entry *entries;
    uint64_t mask;
};

/* A record of the file that `--table` names: addresses in network byte order. */
struct record {
    uint32_t network;
    uint32_t address;
    uint8_t prefix[12];
    uint8_t mac[6];
    uint8_t generation;
    uint8_t unused;
};
_Static_assert(sizeof(struct record) == 28, "as bench/bed writes it");

static inline uint64_t slot_of(uint64_t key)
{
    return ((key ^ (key >> 29)) * 0x9e3779b97f4a7c15ULL) >> 20;
}

static inline const struct entry *first_slot(const struct table *table, uint64_t key)
{
    return &table->entries[slot_of(key) & table->mask];
}

static inline const struct entry *find(const struct table *table, uint64_t key)
{
    for (uint64_t i = slot_of(key) & table->mask;; i = (i + 1) & table->mask) {
        const struct entry *entry = &table->entries[i];
        if (likely(entry->key == key))
            return entry;
        if (entry->key == NO_KEY)
            return NULL;
    }
}

static void insert(struct table *table, const struct record *record)
{
    uint64_t key = (uint64_t)rte_be_to_cpu_32(record->network) << 32 | rte_be_to_cpu_32(record->address);
    uint64_t i = slot_of(key) & table->mask;
    while (table->entries[i].key != NO_KEY && table->entries[i].key != key)
        i = (i + 1) & table->mask;
    struct entry *entry = &table->entries[i];
    entry->key = key;
    memcpy(entry->prefix, record->prefix, sizeof(entry->prefix));
    memcpy(entry->mac, record->mac, sizeof(entry->mac));
    entry->generation = record->generation & 3;
}

static struct table read_table(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        rte_exit(EXIT_FAILURE, "cannot read table %s\n", path);
    uint64_t records = ftell(file) / sizeof(struct record);
    rewind(file);
    uint64_t slots = 64;
    while (slots < 2 * records)
        slots *= 2;
    struct table table = { rte_zmalloc("table", slots * sizeof(struct entry), RTE_CACHE_LINE_SIZE), slots - 1 };
    if (!table.entries)
        rte_exit(EXIT_FAILURE, "no memory for %" PRIu64 " mappings: more hugepages, or -m\n", records);
    for (uint64_t i = 0; i < slots; i++)
        table.entries[i].key = NO_KEY;
    struct record record;
    while (fread(&record, sizeof(record), 1, file) == 1)
        insert(&table, &record);
    fclose(file);
    return table;
}

#endif
