#!/usr/bin/env bash
# Checks every shell and Python file of the repository: syntax, and shellcheck's findings. Ends with 77 where there is no shellcheck.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

shell=() python=()
while IFS= read -r -d '' file; do
  [ -f "$file" ] || continue
  case $file in
    *.py) python+=("$file") ;;
    *.sh) shell+=("$file") ;;
    *.*) ;;
    *) if head -c 64 "$file" | grep -qaE '^#!.*(bash|/sh)'; then shell+=("$file"); fi ;;
  esac
done < <(git ls-files -z --cached --others --exclude-standard)

for file in "${shell[@]}"; do bash -n "$file"; done
if [ ${#python[@]} -gt 0 ]; then
  python3 - "${python[@]}" <<'PYTHON'
import ast, sys
for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as file:
        ast.parse(file.read(), name)
PYTHON
fi

if ! command -v shellcheck >/dev/null; then
  echo 'shellcheck is not installed'
  exit 77
fi
shellcheck --external-sources --severity=warning "${shell[@]}"
