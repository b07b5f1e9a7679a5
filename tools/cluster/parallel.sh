#!/usr/bin/env bash
# wordahead under GNU parallel, on this machine or over ssh: each job takes a shard of the input.
#
#   tools/cluster/parallel.sh N [PARALLEL-OPTION ...] -- VERB ...
#
# N is the number of shards. Behind -- comes a wordahead command as it would be on one machine, whose output has %i and %n in its name.
# A machine has one shard in hand at a time, on all its processors; `:` is this machine. From a folder that all machines see:
#
#   mkdir -p shards
#   tools/cluster/parallel.sh 64 --sshlogin :,ada,grace --workdir . -- \
#       rank -k 5 --format jsonl --files-from texts.list -o 'shards/%i-of-%n.jsonl' &&
#       wordahead merge -o answers.jsonl shards/*.jsonl
#
# A job that fails is tried twice more. The same command again does what is missing. wordahead.joblog says which job ran where, how long,
# and how it ended; what is done is known to the shards themselves.
set -euo pipefail

n=${1-}
options=()
while shift && [[ $# -gt 0 && $1 != -- ]]; do
    options+=("$1")
done
if [[ ! $n =~ ^[1-9][0-9]*$ || $# -lt 2 ]]; then
    echo "usage: tools/cluster/parallel.sh N [PARALLEL-OPTION ...] -- VERB ... -o 'SHARDS/%i-of-%n.jsonl'" >&2
    exit 2
fi
shift

# A shard that ended with 1 is whole, and its failed lines are named on standard error; parallel would try it again.
# shellcheck disable=SC2016
seq "$n" | parallel --quote --jobs 1 --retries 3 --joblog wordahead.joblog --line-buffer --tag "${options[@]}" \
    sh -c 'wordahead "$@"; status=$?; exit $((status == 1 ? 0 : status))' wordahead "$@" --shard "{}/$n" --resume
