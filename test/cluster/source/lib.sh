# shellcheck shell=bash disable=SC2034
# Of the scripts that build and run the cluster from source; sourced, not run.
# shellcheck source=test/cluster/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
SOCKET=$STATE/containerd/containerd.sock
BRIDGE=sandbox0
PATH=$(path_with_programs)
export PATH

packages() { # COMMAND:PACKAGE...: installs the Debian package of each command that is missing
  local pair missing=()
  for pair in "$@"; do command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "not installed: ${missing[*]}"
  say "installing ${missing[*]}"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
    >"$CACHE/apt.log" 2>&1 || die "$(tail -5 "$CACHE/apt.log")"
}

# A pid alone may be another process by now; with its start time it can't.
identity() { awk '$3 != "Z" {print $1, $22}' "/proc/$1/stat" 2>/dev/null; }
pid_of() { cut -d' ' -f1 "$STATE/pid/$1"; }
running() { [ -s "$STATE/pid/$1" ] && [ "$(identity "$(pid_of "$1")")" = "$(cat "$STATE/pid/$1")" ]; }

start() { # NAME COMMAND...: in the background, in a session of its own, unless it runs already
  local name=$1
  shift
  running "$name" && return
  setsid "$@" >"$STATE/log/$name.log" 2>&1 </dev/null 3>&- 9>&- &
  identity $! >"$STATE/pid/$name"
}

stop() { # NAME: asks it to end, and ends it after 10 s
  local pid
  if running "$1"; then
    pid=$(pid_of "$1")
    kill "$pid" 2>/dev/null || true
    for _ in {1..100}; do
      running "$1" || break
      sleep 0.1
    done
    if running "$1"; then kill -KILL "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$STATE/pid/$1"
}

wait_for() { # SECONDS WHAT COMMAND...
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until timeout 5 "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || die "gave up waiting for $what; see the logs in $STATE/log"
    sleep 0.1
  done
}

containerd_runs() { # for this cluster alone
  start containerd containerd --config "$STATE/containerd/config.toml"
  wait_for 30 containerd ctr -a "$SOCKET" version
}
images() { ctr -a "$SOCKET" -n k8s.io images "$@"; }
