# What a trace of lcov says about the lines of dataplane/wire. Tests are no part of it: neither files of
# their own, nor what begins with `mod tests {` at the end of a file, as everywhere in this tree.

# The number of the first line of a file's own tests; 0 if it has none.
function first_test_line(path,    line, number, found) {
    while ((getline line < path) > 0) {
        number++
        if (line ~ /^mod tests \{/) { found = number; break }
    }
    close(path)
    return found
}

/^SF:/ {
    path = substr($0, 4)
    name = path
    sub(root, "", name)
    counted = name ~ /^dataplane\/wire\/src\// && name !~ /(tests|samples)(\.rs|\/)/
    if (counted) end = first_test_line(path)
}

counted && /^DA:/ {
    split(substr($0, 4), record, ",")
    if (end && record[1] >= end) next
    lines[name]++
    if (record[2] > 0) run[name]++
    else print name ":" record[1] ": not run"
}

END {
    for (name in lines) {
        all += lines[name]
        all_run += run[name]
        printf "%6.2f %%  %4d of %4d lines  %s\n", 100 * run[name] / lines[name], run[name], lines[name], name | "sort -k6"
    }
    close("sort -k6")
    if (!all) { print "coverage: the trace has no line of dataplane/wire"; exit 1 }
    share = 100 * all_run / all
    printf "%6.2f %%  %4d of %4d lines of dataplane/wire\n", share, all_run, all
    if (share < lines_min) { print "coverage: less than " lines_min " %"; exit 1 }
}
