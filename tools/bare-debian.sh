#!/usr/bin/env bash
# Brings what the test suites need to a bare Debian machine (a fresh container or VM, as root): packages, and a running Docker engine.
# Anywhere else it changes nothing and says what is missing; SANDBOX_NO_SETUP=1 makes it do so everywhere.
# It never fails: a suite whose needs are not met is skipped, loudly.
set -uo pipefail

COMMANDS=(iptables:iptables bwrap:bubblewrap unshare:util-linux python3:python3 debootstrap:debootstrap curl:curl shellcheck:shellcheck mariadbd:mariadb-server)

say() { printf 'setup: %s\n' "$*" >&2; }

missing_packages() {
  local pair
  for pair in "${COMMANDS[@]}"; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"
  done
  # A client alone is no engine, and an engine may well be somewhere else.
  engine_answers || command -v dockerd >/dev/null || echo docker.io
}

is_bare_debian() {
  [ "$(id -u)" = 0 ] && [ -z "${SANDBOX_NO_SETUP:-}" ] && command -v apt-get >/dev/null && grep -qx 'ID=debian' /etc/os-release 2>/dev/null
}

engine_answers() { timeout 10 docker info >/dev/null 2>&1; }

install_packages() {
  local log
  log=$(mktemp)
  say "installing $*"
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
    say "apt-get failed: $(tail -n 3 "$log" | tr '\n' ' ')"
  fi
  rm -f "$log"
}

start_engine() {
  if [ -d /run/systemd/system ]; then
    say 'starting the Docker engine through systemd'
    systemctl start docker >/dev/null 2>&1 || true
  else
    say 'starting the Docker engine by hand; its log is /var/log/dockerd.log'
    rm -f /var/run/docker.pid
    # No descriptor of ours may stay open in it: whoever reads our output would wait for ever.
    setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
  fi
  for _ in $(seq 150); do
    engine_answers && return
    sleep 0.2
  done
  say "no Docker engine answers: $(tail -n 1 /var/log/dockerd.log 2>/dev/null)"
}

mapfile -t missing < <(missing_packages)
if is_bare_debian; then
  if [ ${#missing[@]} -gt 0 ]; then install_packages "${missing[@]}"; fi
  if command -v dockerd >/dev/null && ! engine_answers; then start_engine; fi
else
  if [ ${#missing[@]} -gt 0 ]; then say "not installed here: ${missing[*]}"; fi
  if command -v docker >/dev/null && ! engine_answers; then say 'no Docker engine answers'; fi
fi
exit 0
