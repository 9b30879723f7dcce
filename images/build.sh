#!/usr/bin/env bash
# Builds the images of the sandboxes and of the control plane; says nothing and changes nothing where they are built already. `--help` tells the rest.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$HERE")
# shellcheck source=images/base-images.sh
. "$HERE/base-images.sh"

BASE_NAME=${BASE_IMAGE_NAME:-sandbox-executor-base}
TEMPLATES=(python-basic nodejs-basic)
COMPONENTS=(operator api-shim)
CONTENT_LABEL=ai.sandbox.content

usage() {
  cat <<USAGE
usage: images/build.sh [options]

Builds $BASE_NAME, the template images ${TEMPLATES[*]/#/sandbox-template-},
and those of the control plane: ${COMPONENTS[*]/#/sandbox-}.

  --push              push the images to the registry as well            (PUSH=true)
  --registry HOST     registry that --push pushes to                     (REGISTRY, localhost:5000)
  --base-tag TAG      tag of the images besides "latest"                 (BASE_IMAGE_TAG, latest)
  --use-mirror        take packages from the mirrors below               (USE_MIRROR=true)
  --apt-mirror URL    root of a mirror with /debian and /debian-security (APT_MIRROR)
  --npm-mirror URL    npm registry                                       (NPM_MIRROR)
  --pip-mirror URL    Python package index                               (PIP_MIRROR)
  --force             build although nothing changed                     (FORCE=true)
  --sandboxes-only    leave out the images of the control plane, which a local run does not need
  -h, --help          this text

Where no registry can be reached, root gets the two base images, $DEBIAN_IMAGE and $NODE_IMAGE,
made from Debian packages and npm instead (DEBIAN_IMAGE and NODE_IMAGE name others).

Exit codes: 0 built or up to date; 1 a build failed; 64 bad usage; 69 no Docker engine answers;
77 the base images can be neither pulled nor made (making them needs root and Debian).
USAGE
}

value() { [ -n "${2:-}" ] || die 64 "$1 needs a value; see images/build.sh --help"; printf '%s' "$2"; }

options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --push) PUSH=true ;;
      --use-mirror) USE_MIRROR=true ;;
      --force) FORCE=true ;;
      --sandboxes-only) COMPONENTS=() ;;
      --registry) REGISTRY=$(value "$@"); shift ;;
      --base-tag) BASE_IMAGE_TAG=$(value "$@"); shift ;;
      --apt-mirror) APT_MIRROR=$(value "$@"); shift ;;
      --npm-mirror) NPM_MIRROR=$(value "$@"); shift ;;
      --pip-mirror) PIP_MIRROR=$(value "$@"); shift ;;
      -h | --help) usage; exit 0 ;;
      *) die 64 "unknown option $1; see images/build.sh --help" ;;
    esac
    shift
  done
  PUSH=${PUSH:-false} FORCE=${FORCE:-false} REGISTRY=${REGISTRY:-localhost:5000} TAG=${BASE_IMAGE_TAG:-latest}
  if [ "${USE_MIRROR:-false}" = true ]; then
    [ -n "${APT_MIRROR:-}${NPM_MIRROR:-}${PIP_MIRROR:-}" ] || die 64 '--use-mirror needs a mirror: --apt-mirror, --npm-mirror or --pip-mirror'
  else
    APT_MIRROR='' NPM_MIRROR='' PIP_MIRROR=''
  fi
}

# The executor's bundle, world-readable and writable by its owner alone: Docker keeps modes and gives the files to root.
bundle_executor() {
  "$ROOT/node_modules/.bin/node" "$ROOT/executor/build.ts" "$1"
  [ -f "$1/executor.mjs" ] || die 1 'executor/build.ts made no executor.mjs'
  chmod -R u=rwX,go=rX "$1"
}

# A digest of all that goes into the images; the same digest on an image means that it is up to date.
content_digest() {
  {
    printf '%s\n' "$VERSION" "${APT_MIRROR:-}" "${NPM_MIRROR:-}" "${PIP_MIRROR:-}"
    docker image inspect --format '{{.Id}}' "$DEBIAN_IMAGE" "$NODE_IMAGE"
    (cd "$HERE" && sha256sum build.sh executor-base/Dockerfile templates/*/Dockerfile ../executor/fetch-uv.ts)
    (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
  } | sha256sum | cut -d' ' -f1
}

up_to_date() { # IMAGE...
  [ "$FORCE" != true ] || return 1
  local found
  found=$(docker image inspect --format "{{index .Config.Labels \"$CONTENT_LABEL\"}}" "$@" 2>/dev/null) || return 1
  [ "$(sort -u <<<"$found")" = "$DIGEST" ]
}

build() { # NAME TITLE CONTEXT DOCKER-OPTIONS...
  local name=$1 title=$2 context=$3; shift 3
  say "building $name"
  docker build --quiet --tag "$name:latest" --tag "$name:$TAG" \
    --label "org.opencontainers.image.title=$title" \
    --label "org.opencontainers.image.version=$VERSION" \
    --label "org.opencontainers.image.licenses=Apache-2.0" \
    --label "$CONTENT_LABEL=$DIGEST" \
    "$@" "$context" >"$WORK/build.log" 2>&1 || { tail -20 "$WORK/build.log" >&2; die 1 "$name could not be built"; }
}

# Of a fixed version and digest, so it need not be part of the content's digest; kept for the next build.
provide_uv() { # FILE
  local fetched
  fetched=$("$ROOT/node_modules/.bin/node" "$ROOT/executor/fetch-uv.ts" "$CACHE" ${PIP_MIRROR:+"$PIP_MIRROR"} 2>"$WORK/uv.log") ||
    { tail -3 "$WORK/uv.log" >&2; die 1 'uv could not be fetched; --pip-mirror names another Python package index'; }
  install -m 0755 "$fetched" "$1"
}

mirror_argument() { [ -z "$2" ] || printf '%s\n' --build-arg "$1=$2"; }

build_all() {
  local template arguments
  mapfile -t arguments < <(mirror_argument APT_MIRROR "${APT_MIRROR:-}")
  build "$BASE_NAME" 'Sandbox executor base' "$WORK/context" --file "$HERE/executor-base/Dockerfile" \
    --build-arg "DEBIAN_IMAGE=$DEBIAN_IMAGE" --build-arg "NODE_IMAGE=$NODE_IMAGE" "${arguments[@]}"
  for template in "${TEMPLATES[@]}"; do
    mkdir -p "$WORK/$template"
    case $template in
      python-*) provide_uv "$WORK/$template/uv"; mapfile -t arguments < <(mirror_argument PIP_MIRROR "${PIP_MIRROR:-}") ;;
      nodejs-*) mapfile -t arguments < <(printf '%s\n' --build-arg "NODE_IMAGE=$NODE_IMAGE"; mirror_argument NPM_MIRROR "${NPM_MIRROR:-}") ;;
    esac
    build "sandbox-template-$template" "Sandbox template $template" "$WORK/$template" --file "$HERE/templates/$template/Dockerfile" \
      --build-arg "BASE_IMAGE=$BASE_NAME:$TAG" "${arguments[@]}"
  done
}

# One program of the control plane, under a digest of its own: a change of it leaves the sandboxes' images as they are.
build_component() { # COMPONENT
  local context=$WORK/$1 name=sandbox-$1 DIGEST
  "$ROOT/node_modules/.bin/node" "$HERE/bundle.ts" "$1" "$context/bundle" || die 1 "images/bundle.ts could not bundle $1"
  chmod -R u=rwX,go=rX "$context"
  DIGEST=$({
    printf '%s\n' "$VERSION"
    docker image inspect --format '{{.Id}}' "$NODE_IMAGE"
    (cd "$HERE" && sha256sum build.sh "$1/Dockerfile")
    (cd "$context" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
  } | sha256sum | cut -d' ' -f1)
  ! up_to_date "$name:latest" "$name:$TAG" || return 0
  build "$name" "$name" "$context" --file "$HERE/$1/Dockerfile" --build-arg "NODE_IMAGE=$NODE_IMAGE"
  HAS_BUILT=true
}

push_all() { # NAME...
  local name tag
  for name in "$@"; do
    for tag in $(printf '%s\n' "$TAG" latest | sort -u); do
      docker tag "$name:$tag" "$REGISTRY/$name:$tag"
      docker push --quiet "$REGISTRY/$name:$tag" >&2 || die 1 "$REGISTRY/$name:$tag could not be pushed"
    done
  done
}

options "$@"
docker version >/dev/null 2>&1 || die 69 'no Docker engine answers; start it, or join the group that may use it'
# Of two builds at once, one would prune the layers that the other is about to build on.
exec 9>"${TMPDIR:-/tmp}/sandbox-images-$(id -u).lock"
flock 9
WORK=$(mktemp -d); trap 'rm -rf "$WORK"' EXIT
VERSION=$(sed -n 's/^ *"version": *"\(.*\)",*$/\1/p' "$ROOT/package.json")
HAS_BUILT=false
NAMES=("$BASE_NAME" "${TEMPLATES[@]/#/sandbox-template-}")
provide_base_images
bundle_executor "$WORK/context/executor"
DIGEST=$(content_digest "$WORK/context/executor")
if ! up_to_date "${NAMES[@]/%/:latest}" "${NAMES[@]/%/:$TAG}"; then
  build_all
  HAS_BUILT=true
fi
for component in "${COMPONENTS[@]}"; do build_component "$component"; done
# What these replace; an image that a container still uses stays.
[ "$HAS_BUILT" != true ] || docker image prune --force --filter "label=$CONTENT_LABEL" >/dev/null
[ "$PUSH" != true ] || push_all "${NAMES[@]}" "${COMPONENTS[@]/#/sandbox-}"
