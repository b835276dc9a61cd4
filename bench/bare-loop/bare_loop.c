/* The limit line: what a plain C loop over DPDK costs for re-heading on the same bed. Not a product.
 *
 * It receives at one device and sends at another, or at the same:
 *
 *   bare-loop -l 1 --vdev=... -- --rx net_pcap0 --tx net_pcap1 --work encode --table FILE ...
 *
 * It has no counters of its own: what it did is read from the devices, over DPDK's telemetry socket. In C
 * because a limit should not be open to the doubt that a better compiled language would have done better. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include "burst.h"

#define DESCRIPTORS 1024
#define CACHE_MBUFS 256

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

struct options {
    const char *rx, *tx, *table;
    uint32_t mbufs;
    uint16_t frame_bytes_max;
};

static void parse_octets(const char *option, const char *text, uint8_t *octets, size_t count)
{
    for (size_t i = 0; i < count; i++, text += 2)
        if (sscanf(text, "%2hhx", &octets[i]) != 1)
            rte_exit(EXIT_FAILURE, "--%s wants %zu octets in hexadecimal, without separators\n", option, count);
}

static enum work work_of(const char *name)
{
    static const char *const names[] = { "io", "encode", "encode-simple", "decode" };
    for (size_t i = 0; i < RTE_DIM(names); i++)
        if (!strcmp(name, names[i]))
            return i;
    rte_exit(EXIT_FAILURE, "--work is io, encode, encode-simple or decode, not '%s'\n", name);
}

static void parse(int argc, char **argv, struct options *options, struct loop *loop)
{
    static const struct option known[] = {
        { "rx", required_argument, NULL, 'r' },         /* the device to receive at */
        { "tx", required_argument, NULL, 't' },         /* the device to send at */
        { "work", required_argument, NULL, 'w' },       /* io, encode, encode-simple, decode */
        { "table", required_argument, NULL, 'f' },      /* mappings, see table.h */
        { "network", required_argument, NULL, 'n' },    /* of the guest, a number */
        { "prefix", required_argument, NULL, 'p' },     /* of this host in it, 12 octets */
        { "uplink", required_argument, NULL, 'u' },     /* Ethernet destination and source, 12 octets */
        { "replica", required_argument, NULL, 'c' },    /* the prefix of a host that gets a copy; repeatable */
        { "prefetch", required_argument, NULL, 'a' },   /* 0 or 1, of table slots */
        { "mbufs", required_argument, NULL, 'm' },
        { "frame", required_argument, NULL, 's' },      /* octets of the longest frame */
        { NULL, 0, NULL, 0 },
    };
    int option, index;
    while ((option = getopt_long(argc, argv, "", known, &index)) != -1) {
        switch (option) {
        case 'r': options->rx = optarg; break;
        case 't': options->tx = optarg; break;
        case 'w': loop->work = work_of(optarg); break;
        case 'f': options->table = optarg; break;
        case 'n': loop->here.network = strtoul(optarg, NULL, 0); break;
        case 'p': parse_octets("prefix", optarg, loop->here.prefix, sizeof(loop->here.prefix)); break;
        case 'u': parse_octets("uplink", optarg, loop->here.uplink, sizeof(loop->here.uplink)); break;
        case 'c':
            if (loop->copies == COPIES_MAX)
                rte_exit(EXIT_FAILURE, "at most %d --replica\n", COPIES_MAX);
            parse_octets("replica", optarg, loop->replicas[loop->copies++], 12);
            break;
        case 'a': loop->prefetch = atoi(optarg); break;
        case 'm': options->mbufs = strtoul(optarg, NULL, 0); break;
        case 's': options->frame_bytes_max = strtoul(optarg, NULL, 0); break;
        default: rte_exit(EXIT_FAILURE, "bare_loop.c says what it takes\n");
        }
    }
    if (!options->rx || !options->tx)
        rte_exit(EXIT_FAILURE, "--rx and --tx name the devices\n");
    if (!options->table && loop->work != IO_ONLY)
        rte_exit(EXIT_FAILURE, "--table is missing\n");
}

static uint16_t start_port(const char *name, struct rte_mempool *pool)
{
    uint16_t port;
    struct rte_eth_conf conf = { 0 };
    if (rte_eth_dev_get_port_by_name(name, &port))
        rte_exit(EXIT_FAILURE, "there is no device %s\n", name);
    if (rte_eth_dev_configure(port, 1, 1, &conf) || rte_eth_rx_queue_setup(port, 0, DESCRIPTORS, 0, NULL, pool) ||
        rte_eth_tx_queue_setup(port, 0, DESCRIPTORS, 0, NULL) || rte_eth_dev_start(port))
        rte_exit(EXIT_FAILURE, "device %s does not start\n", name);
    return port;
}

static void transmit(uint16_t port, struct rte_mbuf **out, unsigned int count)
{
    unsigned int sent = rte_eth_tx_burst(port, 0, out, count);
    if (unlikely(sent < count))
        rte_pktmbuf_free_bulk(out + sent, count - sent);
}

/* One instance for each kind of work, so that none pays for another's branches. */
static __attribute__((always_inline)) inline void
run_as(struct loop *loop, enum work work, uint16_t rx, uint16_t tx)
{
    struct rte_mbuf *burst[BURST_PACKETS], *out[BURST_PACKETS * (1 + COPIES_MAX)];
    while (likely(!stop)) {
        unsigned int count = rte_eth_rx_burst(rx, 0, burst, BURST_PACKETS);
        if (unlikely(count == 0))
            continue;
        if (work == IO_ONLY)
            transmit(tx, burst, count);
        else
            transmit(tx, out, reheader(loop, work, burst, count, out));
    }
}

static void run(struct loop *loop, uint16_t rx, uint16_t tx)
{
    switch (loop->work) {
    case IO_ONLY: run_as(loop, IO_ONLY, rx, tx); break;
    case ENCODE: run_as(loop, ENCODE, rx, tx); break;
    case ENCODE_SIMPLE: run_as(loop, ENCODE_SIMPLE, rx, tx); break;
    case DECODE: run_as(loop, DECODE, rx, tx); break;
    }
}

int main(int argc, char **argv)
{
    struct options options = { .mbufs = 16383, .frame_bytes_max = 1514 };
    struct loop loop = { .work = IO_ONLY, .prefetch = true, .here.generation = 1, .next_id = 1 };
    int used = rte_eal_init(argc, argv);
    if (used < 0)
        rte_exit(EXIT_FAILURE, "DPDK does not start: %s\n", rte_strerror(rte_errno));
    parse(argc - used, argv + used, &options, &loop);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);

    uint16_t room = RTE_MAX(RTE_MBUF_DEFAULT_BUF_SIZE, options.frame_bytes_max + 2 * RTE_PKTMBUF_HEADROOM);
    loop.pool = rte_pktmbuf_pool_create("pool", options.mbufs, CACHE_MBUFS, 0, room, SOCKET_ID_ANY);
    if (!loop.pool)
        rte_exit(EXIT_FAILURE, "no pool of %u buffers: %s\n", options.mbufs, rte_strerror(rte_errno));
    if (options.table)
        loop.table = read_table(options.table);
    uint16_t rx = start_port(options.rx, loop.pool);
    uint16_t tx = strcmp(options.rx, options.tx) ? start_port(options.tx, loop.pool) : rx;

    printf("ready, tsc_hz %" PRIu64 "\n", rte_get_tsc_hz());
    fflush(stdout);
    run(&loop, rx, tx);
    printf("refused %" PRIu64 "\n", loop.refused);
    rte_eth_dev_stop(rx);
    if (tx != rx)
        rte_eth_dev_stop(tx);
    rte_eal_cleanup();
    return 0;
}
