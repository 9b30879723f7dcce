# shellcheck shell=bash
# Sees to it that the engine has the two base images: pulled, or, where no registry can be reached, made under the same names.
# Sourced by build.sh. An image that is there is never replaced.
DEBIAN_IMAGE=${DEBIAN_IMAGE:-debian:bookworm-slim}
NODE_IMAGE=${NODE_IMAGE:-node:24-bookworm-slim}
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/sandbox-control-plane/images

say() { printf '%s\n' "$*" >&2; }
die() { local code=$1; shift; say "images/build.sh: $*"; exit "$code"; }
have_image() { docker image inspect "$1" >/dev/null 2>&1; }

provide_base_images() {
  have_image "$DEBIAN_IMAGE" && have_image "$NODE_IMAGE" && return
  provide "$DEBIAN_IMAGE" make_debian
  provide "$NODE_IMAGE" make_node
}

provide() { # IMAGE MAKER
  local image=$1 maker=$2 kept=$CACHE/${1//[:\/]/-}.tar
  have_image "$image" && return
  if [ -s "$kept" ] && docker load --quiet --input "$kept" >/dev/null; then return; fi
  say "pulling $image"
  # The engine itself gives up on an unreachable registry after 15 s.
  timeout 600 docker pull --quiet "$image" >/dev/null 2>"$WORK/pull.log" && return
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
    die 77 "$image can neither be pulled ($(tail -1 "$WORK/pull.log")) nor be made here (that needs root and Debian's debootstrap)"
  say "no registry answers: making $image from packages"
  "$maker"
  mkdir -p "$CACHE"
  docker save --output "$kept.new" "$image" && mv "$kept.new" "$kept"
}

make_debian() {
  local root=$WORK/debian
  if ! command -v debootstrap >/dev/null; then
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends debootstrap; } >"$WORK/make.log" 2>&1 || made_not "$DEBIAN_IMAGE"
  fi
  debootstrap --variant=minbase bookworm "$root" ${APT_MIRROR:+"${APT_MIRROR%/}/debian"} >"$WORK/make.log" 2>&1 || made_not "$DEBIAN_IMAGE"
  # As slim as the original: neither package caches and lists, nor documents, nor this machine's resolver and name.
  rm -rf "$root"/{var/cache/apt/*,var/lib/apt/lists/*,var/log/*,etc/resolv.conf,etc/hostname} "$root"/usr/share/{doc,man,info,locale}/*
  printf 'path-exclude /usr/share/%s/*\n' doc man info locale >"$root/etc/dpkg/dpkg.cfg.d/slim"
  printf 'APT::Install-Recommends "false";\nDpkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };\n' >"$root/etc/apt/apt.conf.d/slim"
  tar -C "$root" --numeric-owner --create . | docker import --change 'CMD ["bash"]' - "$DEBIAN_IMAGE" >/dev/null
  rm -rf "$root"
}

make_node() {
  local context=$WORK/node version platform
  version=$(sed -n 's/^ *"node": *"\([0-9.]*\)",*$/\1/p' "$ROOT/package.json")
  case $(uname -m) in aarch64) platform=arm64 ;; *) platform=x64 ;; esac
  npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$WORK/npm" ${NPM_MIRROR:+--registry "$NPM_MIRROR"} \
    "node-linux-$platform@$version" npm@11 >"$WORK/make.log" 2>&1 || made_not "$NODE_IMAGE"
  mkdir "$context"
  mv "$WORK/npm/node_modules/node-linux-$platform/bin/node" "$WORK/npm/node_modules/npm" "$context/"
  chmod 0755 "$context/node"
  cat >"$context/Dockerfile" <<DOCKERFILE
FROM $DEBIAN_IMAGE
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home --shell /bin/bash node
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN cd /usr/local/bin && ln -s node nodejs && for name in npm npx; do ln -s "../lib/node_modules/npm/bin/\$name-cli.js" "\$name"; done && node --version && npm --version
ENV NODE_VERSION=$version
CMD ["node"]
DOCKERFILE
  docker build --quiet --tag "$NODE_IMAGE" "$context" >"$WORK/make.log" 2>&1 || made_not "$NODE_IMAGE"
  rm -rf "$context" "$WORK/npm"
}

made_not() { tail -5 "$WORK/make.log" >&2; die 1 "$1 could not be made"; }
