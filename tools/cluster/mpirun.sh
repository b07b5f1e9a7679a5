#!/usr/bin/env bash
# wordahead under Open MPI's mpirun: each rank takes a shard of the input. MPI itself is not used, only its way to start processes.
#
#   tools/cluster/mpirun.sh [MPIRUN-OPTION ...] -- VERB ...
#
# Behind -- comes a wordahead command as it would be on one machine, whose output has %i and %n in its name. One rank a machine, each
# with all processors, is best; so, from a folder that all machines see:
#
#   mkdir -p shards
#   tools/cluster/mpirun.sh --hostfile hosts --map-by ppr:1:node -- \
#       rank -k 5 --format jsonl --files-from texts.list -o 'shards/%i-of-%n.jsonl' &&
#       wordahead merge -o answers.jsonl shards/*.jsonl
#
# mpirun ends every rank when one is killed. The same command again, with as many ranks, goes on where each of them was.
set -euo pipefail

options=()
while [[ $# -gt 0 && $1 != -- ]]; do
    options+=("$1")
    shift
done
if [[ $# -lt 2 ]]; then
    echo "usage: tools/cluster/mpirun.sh [MPIRUN-OPTION ...] -- VERB ... -o 'SHARDS/%i-of-%n.jsonl'" >&2
    exit 2
fi
shift

# Not bound: a rank that mpirun binds to one core has one thread. A shard that ended with 1 is whole, and its failed lines are named on
# standard error; mpirun would take that for a failure and end the others.
# shellcheck disable=SC2016
exec mpirun --bind-to none "${options[@]}" \
    sh -c 'wordahead "$@"; status=$?; exit $((status == 1 ? 0 : status))' wordahead "$@" --shard mpi --resume
