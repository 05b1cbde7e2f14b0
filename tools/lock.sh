#!/bin/sh
# Regenerates requirements.lock: one lock for every platform, with hashes, for the package, its extras,
# and the development and documentation groups. No index's address is written into it.
# usage: tools/lock.sh VENV [keep]   (keep: versions already chosen stay; only what is new is added)
set -eu

upgrade=--upgrade
# Every extra but Spark's, which nobody should have to fetch to run the checks.
extras=$(sed -n '/^\[project.optional-dependencies\]/,/^$/s/^\([a-z]*\) = .*/--extra \1/p' pyproject.toml | grep -v ' spark$')
[ "${2:-}" != keep ] || upgrade=

"$1/bin/uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
    $extras --group dev --group docs \
    --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
    $upgrade --output-file requirements.lock
if grep -n '://' requirements.lock; then
    echo "lock: got an address in requirements.lock; wanted names, versions and hashes only." >&2
    exit 1
fi
