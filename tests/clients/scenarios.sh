#!/usr/bin/env bash
# Brings OpenFeature's own scenarios (Apache-2.0; no published package has them) to tests/clients/spec, one commit of them.
set -euo pipefail
cd "$(dirname "$0")"
commit=6fd4d54a9a7aff4e080545e7ddc37c69367cc65e
[ -d spec/specification/assets/gherkin ] && exit 0
rm -rf spec.partial
git init -q spec.partial
git -C spec.partial sparse-checkout set --no-cone /specification/assets/gherkin/ /LICENSE
git -C spec.partial fetch -q --depth 1 --filter=blob:none https://github.com/open-feature/spec.git "$commit"
git -C spec.partial -c advice.detachedHead=false checkout -q FETCH_HEAD
rm -rf spec
mv spec.partial spec
