# Draws up the balance between two snapshots ($before, $after) of all hosts.
#
#   sent       frames that guests and the router handed to the host, but for those meant for the
#              host itself (neighbour discovery, ping), and what it made beside them: copies,
#              ICMP errors, fragments
#   delivered  frames that guests and the router got from it, but for those that it made itself
#              (an ARP reply is its request, turned round: one frame in, one out), and copies that a
#              replica keeps, or kept until a checkpoint covered them
#   dropped    the host's reasons, and the two that only the kernel sees
#   unexplained = sent - delivered - dropped, plus what the host's own books leave open

def change($a; $b): reduce ($b | keys_unsorted[]) as $k ({}; .[$k] = $b[$k] - ($a[$k] // 0));

def host($a; $b):
    change($a.kernel; $b.kernel) as $kernel
    | change($a.daemon.balance; $b.daemon.balance) as $daemon
    | (change($a.daemon.drops; $b.daemon.drops) + {
        kernel_to_host: $kernel.kernel_to_host, kernel_from_host: $kernel.kernel_from_host
      } | with_entries(select(.value != 0))) as $dropped
    | ($kernel.offered - $daemon.punted + ($daemon.copied // 0) + ($daemon.generated // 0)) as $sent
    | ($kernel.emitted - $daemon.injected + ($daemon.kept // 0)) as $delivered
    | {
        sent: $sent, delivered: $delivered, dropped: $dropped,
        unexplained: ($sent - $delivered - ([$dropped[]] | add // 0)),
        unexplained_by_itself: $daemon.unexplained,
        punted: $daemon.punted, injected: $daemon.injected
      };

(reduce ($after[0] | keys_unsorted[]) as $h ({}; .[$h] = host($before[0][$h]; $after[0][$h]))) as $hosts
| {
    sent: ([$hosts[].sent] | add),
    delivered: ([$hosts[].delivered] | add),
    dropped: (reduce ($hosts[].dropped | to_entries[]) as $e ({}; .[$e.key] += $e.value)),
    # Absolute values: one host's surplus must not hide another's loss.
    unexplained: ([$hosts[] | .unexplained, .unexplained_by_itself | fabs] | add),
    hosts: $hosts
  }
