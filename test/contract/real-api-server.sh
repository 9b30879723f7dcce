#!/usr/bin/env bash
# Runs the contract suite's other half: a real etcd, kube-apiserver and kube-controller-manager on loopback, in a folder that goes with them.
#   test/contract/real-api-server.sh command...
# runs the command with CONTRACT_KUBECONFIG set and ends with its exit code; without a command it serves until it is told to stop.
set -euo pipefail

bin=$("$(dirname "${BASH_SOURCE[0]}")/../cluster/programs")
export KUBECTL=${KUBECTL:-$bin/kubectl}
port=${CONTRACT_PORT:-16443} etcd_port=${CONTRACT_ETCD_PORT:-12379} etcd_peer_port=${CONTRACT_ETCD_PEER_PORT:-12380}
state=$(mktemp -d "${TMPDIR:-/tmp}/contract-XXXXXX")
token=$(openssl rand -hex 16)
started=()
finish() { # nothing is worth an orderly end, and an API server without its etcd takes a minute for one
  for process in "${started[@]}"; do kill -KILL "$process" 2>/dev/null || true; done
  wait "${started[@]}" 2>/dev/null || true
  rm -rf "$state"
}
trap finish EXIT
trap 'exit 130' INT TERM

start() { # NAME ARGUMENTS...
  "$bin/$1" "${@:2}" >"$state/$1.log" 2>&1 &
  started+=($!)
}
kubeconfig() { # the server signs its own certificate and keeps it with the signer in one file
  cat <<YAML
apiVersion: v1
kind: Config
clusters: [{name: contract, cluster: {server: "https://127.0.0.1:$port", certificate-authority: "$state/tls/apiserver.crt"}}]
users: [{name: contract, user: {token: "$token"}}]
contexts: [{name: contract, context: {cluster: contract, user: contract}}]
current-context: contract
YAML
}
answers() { curl -sf --cacert "$state/tls/apiserver.crt" -H "Authorization: Bearer $token" "https://127.0.0.1:$port$1" -o /dev/null; }
wait_for() { # PATH
  for _ in $(seq 300); do
    answers "$1" && return
    kill -0 "${started[@]}" 2>/dev/null || break
    sleep 0.2
  done
  echo "real-api-server: $1 never came" >&2
  tail -n 5 "$state"/*.log >&2
  exit 1
}

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$state/sa.key" 2>/dev/null
openssl pkey -in "$state/sa.key" -pubout -out "$state/sa.pub"
echo "$token,contract,contract,system:masters" >"$state/tokens.csv"
kubeconfig >"$state/kubeconfig"

# No fsync: the data is thrown away.
start etcd --data-dir "$state/etcd" --unsafe-no-fsync --listen-client-urls "http://127.0.0.1:$etcd_port" \
  --advertise-client-urls "http://127.0.0.1:$etcd_port" --listen-peer-urls "http://127.0.0.1:$etcd_peer_port"
start kube-apiserver --etcd-servers="http://127.0.0.1:$etcd_port" --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --secure-port="$port" \
  --cert-dir="$state/tls" --token-auth-file="$state/tokens.csv" --authorization-mode=RBAC --service-cluster-ip-range=10.96.0.0/16 \
  --service-account-key-file="$state/sa.pub" --service-account-signing-key-file="$state/sa.key" --service-account-issuer=https://kubernetes.default.svc
wait_for /readyz
# Its garbage collector rediscovers custom kinds every 30 s only: there, a kind's first deletion may take that long.
start kube-controller-manager --kubeconfig="$state/kubeconfig" --leader-elect=false --secure-port=0 \
  --service-account-private-key-file="$state/sa.key" --controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller
wait_for /api/v1/namespaces/default/serviceaccounts/default

export CONTRACT_KUBECONFIG=$state/kubeconfig
if [ $# -gt 0 ]; then
  "$@"
else
  echo "export CONTRACT_KUBECONFIG=$CONTRACT_KUBECONFIG"
  wait "${started[@]}"
fi
