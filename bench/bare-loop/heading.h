/* Re-heading without options, fragments, ICMP, policy or counters: what docs/wire.md, section 2, asks of
 * every packet. Addresses stay in network byte order. */
#ifndef HEADING_H
#define HEADING_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include "table.h"

#define ETHERNET_BYTES 14
#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define HOP_LIMIT 255
#define COPY_FLAG rte_cpu_to_be_32(0x400)

/* Where this host stands. */
struct place {
    uint32_t network;     /* of its one guest, as a number */
    uint8_t prefix[12];   /* of this host in it */
    uint8_t uplink[12];   /* Ethernet destination and source towards the next hop */
    uint8_t generation;   /* of the guest's address */
};

static inline uint16_t load16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return v; }
static inline uint32_t load32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }
static inline void store16(uint8_t *p, uint16_t v) { memcpy(p, &v, 2); }
static inline void store32(uint8_t *p, uint32_t v) { memcpy(p, &v, 4); }

/* The ones' complement sum of a header of 20 octets, in network byte order. */
static inline uint16_t sum20(const uint8_t *p)
{
    uint64_t sum = (uint64_t)load32(p) + load32(p + 4) + load32(p + 8) + load32(p + 12) + load32(p + 16);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* Any function that is constant per flow will do; this is about the cheapest that uses all of it. */
static inline uint32_t flow_hash(uint32_t source, uint32_t destination, uint32_t ports)
{
    return ((((uint64_t)source << 32 | destination) ^ ports) * 0x9e3779b97f4a7c15ULL) >> 56;
}

static inline void set_front(struct rte_mbuf *mbuf, int moved, uint16_t bytes)
{
    mbuf->data_off += moved;
    mbuf->data_len = bytes;
    mbuf->pkt_len = bytes;
}

/* From the guest. Whether it was re-headed. */
static inline bool encode(struct rte_mbuf *mbuf, const struct entry *owner, const struct place *here)
{
    uint8_t *p = rte_pktmbuf_mtod(mbuf, uint8_t *), *ip = p + ETHERNET_BYTES;
    if (unlikely(!owner || load16(p + 12) != RTE_BE16(0x0800) || ip[0] != 0x45 || sum20(ip) != 0xffff))
        return false;
    uint16_t total = rte_be_to_cpu_16(load16(ip + 2)), fragment = load16(ip + 6);
    uint8_t tos = ip[1], ttl = ip[8], protocol = ip[9];
    uint32_t source = load32(ip + 12), destination = load32(ip + 16);
    if (unlikely(total < IPV4_BYTES || ETHERNET_BYTES + total > mbuf->data_len || ttl == 0 ||
                 fragment & ~RTE_BE16(0x4000)))
        return false;
    uint32_t hash = flow_hash(source, destination, load32(ip + IPV4_BYTES));
    uint32_t label = (uint32_t)ttl << 12 | (fragment != 0) << 11 | (uint32_t)here->generation << 8 | hash;

    uint8_t *q = p - (IPV6_BYTES - IPV4_BYTES), *head = q + ETHERNET_BYTES;
    memcpy(q, here->uplink, 12);
    store16(q + 12, RTE_BE16(0x86dd));
    store32(head, rte_cpu_to_be_32(6U << 28 | (uint32_t)tos << 20 | label));
    store16(head + 4, rte_cpu_to_be_16(total - IPV4_BYTES));
    head[6] = protocol;
    head[7] = HOP_LIMIT;
    memcpy(head + 8, here->prefix, 12);
    store32(head + 20, source);
    memcpy(head + 24, owner->prefix, 12);
    store32(head + 36, destination);
    set_front(mbuf, IPV4_BYTES - IPV6_BYTES, ETHERNET_BYTES + IPV6_BYTES - IPV4_BYTES + total);
    return true;
}

/* From the substrate: `node` is who it is for, `sender` who the inner source belongs to. Whether it was restored. */
static inline bool decode(struct rte_mbuf *mbuf, const struct entry *node, const struct entry *sender,
                          const struct place *here, uint16_t *next_id)
{
    uint8_t *p = rte_pktmbuf_mtod(mbuf, uint8_t *), *head = p + ETHERNET_BYTES;
    uint32_t first = rte_be_to_cpu_32(load32(head));
    uint16_t payload = rte_be_to_cpu_16(load16(head + 4));
    uint8_t protocol = head[6], ttl = first >> 12;
    if (unlikely(!node || !sender || load16(p + 12) != RTE_BE16(0x86dd) || first >> 28 != 6 || ttl == 0 ||
                 ETHERNET_BYTES + IPV6_BYTES + payload > mbuf->data_len || protocol == 44 ||
                 memcmp(head + 24, here->prefix, 12) || memcmp(head + 8, sender->prefix, 12) ||
                 (first >> 8 & 3) != sender->generation))
        return false;
    uint32_t source = load32(head + 20), destination = load32(head + 36);
    bool dont_fragment = first & 0x800;

    uint8_t *q = p + (IPV6_BYTES - IPV4_BYTES), *ip = q + ETHERNET_BYTES;
    memcpy(q, node->mac, 6);
    store16(q + 6, RTE_BE16(0x0255));
    store32(q + 8, source);
    store16(q + 12, RTE_BE16(0x0800));
    ip[0] = 0x45;
    ip[1] = first >> 20;
    store16(ip + 2, rte_cpu_to_be_16(payload + IPV4_BYTES));
    store16(ip + 4, dont_fragment ? 0 : rte_cpu_to_be_16((*next_id)++));
    store16(ip + 6, dont_fragment ? RTE_BE16(0x4000) : 0);
    ip[8] = ttl;
    ip[9] = protocol;
    store16(ip + 10, 0);
    store32(ip + 12, source);
    store32(ip + 16, destination);
    store16(ip + 10, ~sum20(ip));
    set_front(mbuf, IPV6_BYTES - IPV4_BYTES, ETHERNET_BYTES + IPV4_BYTES + payload);
    return true;
}

/* The older line: no checks of header or lengths, no label; a TTL, a length, and a delta on UDP's checksum. */
static inline bool encode_simple(struct rte_mbuf *mbuf, const struct entry *owner, const struct place *here)
{
    uint8_t *p = rte_pktmbuf_mtod(mbuf, uint8_t *), *ip = p + ETHERNET_BYTES;
    if (unlikely(!owner || p[12] != 8 || ip[0] != 0x45 || ip[8] < 2))
        return false;
    uint8_t tos = ip[1], ttl = ip[8], protocol = ip[9];
    uint16_t total = rte_be_to_cpu_16(load16(ip + 2));
    uint32_t source = load32(ip + 12), destination = load32(ip + 16);

    uint8_t *q = (uint8_t *)rte_pktmbuf_prepend(mbuf, IPV6_BYTES - IPV4_BYTES), *head = q + ETHERNET_BYTES;
    memcpy(q, here->uplink, 12);
    store16(q + 12, RTE_BE16(0x86dd));
    store32(head, rte_cpu_to_be_32(6U << 28 | (uint32_t)tos << 20));
    store16(head + 4, rte_cpu_to_be_16(total - IPV4_BYTES));
    head[6] = protocol;
    head[7] = ttl - 1;
    memcpy(head + 8, here->prefix, 12);
    store32(head + 20, source);
    memcpy(head + 24, owner->prefix, 12);
    store32(head + 36, destination);
    if (protocol == 17) {
        uint32_t sum = (uint32_t)load16(head + 46) + owner->generation;
        sum = (sum & 0xffff) + (sum >> 16);
        store16(head + 46, sum);
    }
    return true;
}

#endif
