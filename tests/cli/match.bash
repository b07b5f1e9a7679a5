# shellcheck shell=bash disable=SC2034  # arrays are used through their names
# Comparing output with a pattern, for tests/cli/run and tools/check-readme.
#
# In a pattern * stands for anything within a line, and a line "..." for any number of lines. Everything else is itself: messages are
# full of brackets and question marks, which bash's own patterns would read as something else.

# Whether one line matches.
match_line() { # pattern line
    local glob=${1//\\/\\\\}
    glob=${glob//\?/\\?}
    glob=${glob//\[/\\[}
    # shellcheck disable=SC2053  # the right side is meant as a pattern
    [[ $2 == $glob ]]
}

# Whether the lines of one array match those of another: names of arrays, then where to begin in each. "..." takes as few lines as it
# can, and tries more where the rest does not fit.
match_from() { # patterns lines i j
    local -n match_patterns=$1 match_found=$2
    local i=$3 j=$4
    while ((i < ${#match_patterns[@]})); do
        if [[ ${match_patterns[i]} == ... ]]; then
            ((i + 1 < ${#match_patterns[@]})) || return 0
            for (( ; j <= ${#match_found[@]}; j++)); do
                ! match_from "$1" "$2" $((i + 1)) "$j" || return 0
            done
            return 1
        fi
        ((j < ${#match_found[@]})) && match_line "${match_patterns[i]}" "${match_found[j]}" || return 1
        i=$((i + 1)) j=$((j + 1))
    done
    ((j == ${#match_found[@]}))
}

# Whether the lines of a file match the patterns of another file.
match_lines() { # patterns-file file
    local wanted_lines found_lines
    mapfile -t wanted_lines <"$1"
    mapfile -t found_lines < <(tr -d '\0' <"$2")
    match_from wanted_lines found_lines 0 0
}
