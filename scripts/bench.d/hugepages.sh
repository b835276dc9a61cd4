# shellcheck shell=bash
# Memory for programs that keep half a million packets each: taken for the run, given back after it.

HUGEPAGES=/sys/kernel/mm/hugepages/hugepages-2048kB
HUGETLBFS=/dev/hugepages
pages_before='' hugetlbfs_mounted=''

# take_hugepages WANTED: so many free pages of 2 MiB, or a sentence.
take_hugepages() {
    local wanted=$1 total free
    total=$(<$HUGEPAGES/nr_hugepages) free=$(<$HUGEPAGES/free_hugepages)
    if ((free < wanted)); then
        pages_before=$total
        echo 1 >/proc/sys/vm/compact_memory
        echo $((total + wanted - free)) >$HUGEPAGES/nr_hugepages
        free=$(<$HUGEPAGES/free_hugepages)
        ((free >= wanted)) ||
            fail "$wanted free pages of 2 MiB are needed, the kernel found only $free: free some memory, or measure a part (scripts/bench help)"
    fi
    if ! grep -q ' hugetlbfs ' /proc/mounts; then
        mkdir -p $HUGETLBFS
        mount -t hugetlbfs none $HUGETLBFS
        hugetlbfs_mounted=yes
    fi
}

return_hugepages() {
    rm -f $HUGETLBFS/bed-* $HUGETLBFS/understudy-rmap_*
    [[ -z $pages_before ]] || echo "$pages_before" >$HUGEPAGES/nr_hugepages
    [[ -z $hugetlbfs_mounted ]] || umount $HUGETLBFS
    pages_before='' hugetlbfs_mounted=''
}
