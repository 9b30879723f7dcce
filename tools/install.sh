#!/usr/bin/env bash
# Installs the packages of package-lock.json, and sees to it that the pinned Node.js is among them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v npm >/dev/null || ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
  echo 'install: Node.js 20 or newer with npm is needed; see https://nodejs.org/en/download' >&2
  exit 1
fi

[ -d node_modules ] || echo 'Installing packages (a minute or two the first time) ...'
# `npm ci` starts from nothing; where packages are installed already, they are only brought up to date, so that other commands can go on using them.
if [ -d node_modules ]; then npm install --no-save --loglevel=error; else npm ci --loglevel=error; fi

# The npm package `node` fetches its binary in an install script. Where a policy forbids those (ignore-scripts; npm 12 with a user's own rules),
# do the same here, where it is a command of this repository.
if ! node_modules/.bin/node --version >/dev/null 2>&1; then
  (cd node_modules/node && node installArchSpecificPackage)
  ln -sf ../node/bin/node node_modules/.bin/node
fi
node_modules/.bin/node --version >/dev/null
