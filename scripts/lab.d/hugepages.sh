# shellcheck shell=bash
# Memory for DPDK: takes what the hosts need, gives back what it took.

# Pages of 2 MiB: 256 MiB for each of three hosts, and a few for the EAL itself.
HUGEPAGES_NEEDED=400
HUGEPAGES=/sys/kernel/mm/hugepages/hugepages-2048kB
HUGETLBFS=/dev/hugepages

take_hugepages() {
    local total free wanted
    [[ -d $HUGEPAGES ]] || fail "this kernel has no 2 MiB pages ($HUGEPAGES is missing)"
    total=$(<$HUGEPAGES/nr_hugepages) free=$(<$HUGEPAGES/free_hugepages)
    if ((free < HUGEPAGES_NEEDED)); then
        wanted=$((total + HUGEPAGES_NEEDED - free))
        echo "$total $wanted" >"$LAB_STATE/hugepages"
        echo "$wanted" >$HUGEPAGES/nr_hugepages
        free=$(<$HUGEPAGES/free_hugepages)
        ((free >= HUGEPAGES_NEEDED)) ||
            fail "the lab needs $HUGEPAGES_NEEDED free pages of 2 MiB, the kernel found only $free: free some memory"
    fi
    if ! grep -q ' hugetlbfs ' /proc/mounts; then
        mkdir -p $HUGETLBFS
        mount -t hugetlbfs none $HUGETLBFS
        touch "$LAB_STATE/hugetlbfs"
    fi
}

# Gives back only what take_hugepages changed, and not if somebody changed it since.
return_hugepages() {
    local before ours
    remove_hugepage_files
    if [[ -e $LAB_STATE/hugetlbfs ]]; then
        umount $HUGETLBFS 2>/dev/null || true
        rm -f "$LAB_STATE/hugetlbfs"
    fi
    if [[ -e $LAB_STATE/hugepages ]]; then
        read -r before ours <"$LAB_STATE/hugepages"
        if [[ $(<$HUGEPAGES/nr_hugepages) == "$ours" ]]; then
            echo "$before" >$HUGEPAGES/nr_hugepages
        fi
        rm -f "$LAB_STATE/hugepages"
    fi
}

# A daemon that was killed leaves its files behind.
remove_hugepage_files() {
    local host mount
    for host in "${HOSTS[@]}"; do
        while read -r mount; do
            rm -f "$mount/understudy-$host"map_*
        done < <(awk '$3 == "hugetlbfs" { print $2 }' /proc/mounts)
        rm -rf "/var/run/dpdk/understudy-$host"
    done
}
