/* A burst, stage by stage: headers, slots, work. Each stage is over before the next begins, so that what
 * the next one needs is on its way. */
#ifndef BURST_H
#define BURST_H

#include <rte_prefetch.h>

#include "heading.h"

#define BURST_PACKETS 32
#define COPIES_MAX 2

enum work { IO_ONLY, ENCODE, ENCODE_SIMPLE, DECODE };

struct loop {
    enum work work;
    bool prefetch;
    int copies;                          /* of each packet, besides the original */
    uint8_t replicas[COPIES_MAX][12];    /* the prefixes of their hosts */
    struct table table;
    struct place here;
    struct rte_mempool *pool;            /* for copies */
    uint16_t next_id;
    uint64_t refused;
};

static inline uint64_t key_at(const struct loop *loop, const struct rte_mbuf *mbuf, unsigned int offset)
{
    const uint8_t *p = rte_pktmbuf_mtod(mbuf, const uint8_t *);
    return (uint64_t)loop->here.network << 32 | rte_be_to_cpu_32(load32(p + offset));
}

/* Flat copies of a re-headed packet: another host, and the flag that says so. */
static inline unsigned int copy(struct loop *loop, const struct rte_mbuf *original, struct rte_mbuf **out)
{
    const uint8_t *from = rte_pktmbuf_mtod(original, const uint8_t *);
    unsigned int made = 0;
    for (int i = 0; i < loop->copies; i++) {
        struct rte_mbuf *mbuf = rte_pktmbuf_alloc(loop->pool);
        if (unlikely(!mbuf))
            break;
        uint8_t *to = rte_pktmbuf_mtod(mbuf, uint8_t *);
        rte_memcpy(to, from, original->data_len);
        store32(to + ETHERNET_BYTES, load32(from + ETHERNET_BYTES) | COPY_FLAG);
        memcpy(to + ETHERNET_BYTES + 24, loop->replicas[i], 12);
        mbuf->data_len = original->data_len;
        mbuf->pkt_len = original->data_len;
        out[made++] = mbuf;
    }
    return made;
}

/* The packets to send in place of `burst`; `work` is a constant at each call. */
static inline __attribute__((always_inline)) unsigned int
reheader(struct loop *loop, enum work work, struct rte_mbuf **burst, unsigned int count, struct rte_mbuf **out)
{
    uint64_t keys[2][BURST_PACKETS];
    unsigned int made = 0;
    for (unsigned int i = 0; i < count; i++)
        rte_prefetch0(rte_pktmbuf_mtod(burst[i], void *));
    for (unsigned int i = 0; i < count; i++) {
        /* The destination lies in the last four octets of either head, the IPv6 source 16 before it. */
        keys[0][i] = key_at(loop, burst[i], work == DECODE ? 50 : 30);
        if (work == DECODE)
            keys[1][i] = key_at(loop, burst[i], 34);
        if (loop->prefetch) {
            rte_prefetch0(first_slot(&loop->table, keys[0][i]));
            if (work == DECODE)
                rte_prefetch0(first_slot(&loop->table, keys[1][i]));
        }
    }
    for (unsigned int i = 0; i < count; i++) {
        const struct entry *owner = find(&loop->table, keys[0][i]);
        bool done;
        if (work == ENCODE)
            done = encode(burst[i], owner, &loop->here);
        else if (work == ENCODE_SIMPLE)
            done = encode_simple(burst[i], owner, &loop->here);
        else
            done = decode(burst[i], owner, find(&loop->table, keys[1][i]), &loop->here, &loop->next_id);
        if (unlikely(!done)) {
            rte_pktmbuf_free(burst[i]);
            loop->refused++;
            continue;
        }
        out[made++] = burst[i];
        if (loop->copies)
            made += copy(loop, burst[i], out + made);
    }
    return made;
}

#endif
