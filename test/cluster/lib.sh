# shellcheck shell=bash disable=SC2034
# Settings and functions of the scripts beside it and in source/; sourced, not run.
set -euo pipefail
CLUSTER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE=$CLUSTER/source
KUBE_VERSION=v1.34.4
CACHE=${SANDBOX_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sandbox-cluster}
STATE=${SANDBOX_CLUSTER_STATE:-${TMPDIR:-/tmp}/sandbox-cluster}
BIN=$CACHE/$KUBE_VERSION/bin
KIND_NAME=sandbox
export KUBECONFIG=$STATE/kubeconfig/admin

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# What cluster-up started last: kind, source or nothing.
kind_of_cluster() { cat "$STATE/kind-of-cluster" 2>/dev/null || true; }

# From source, kubectl comes with the cluster; kind leaves it to the machine.
path_with_programs() { case $PATH in "$BIN":*) printf '%s' "$PATH" ;; *) printf '%s' "$BIN:$PATH" ;; esac; }

lock() { # two runs at once would start, or stop, half of each other
  exec 9>"$STATE.lock"
  flock -w 600 9 || die "another run has held $STATE.lock for 10 minutes"
}
