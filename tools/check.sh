#!/bin/sh
# Every check that does not run the code, each one even when an earlier one failed; the last line says which did.
# usage: tools/check.sh VENV FOLDER...
set -u

bin=$1/bin
shift
failed=

run() { # NAME COMMAND...
    name=$1
    shift
    "$@" || failed="$failed $name"
}

tests=$(for folder in "$@"; do [ "$folder" = tests ] && echo tests; done)

run ruff "$bin/ruff" check --quiet "$@"
run format "$bin/ruff" format --quiet --check "$@"
run types "$bin/mypy" "$@"
[ ! -e src/micromoments/__init__.py ] || run imports "$bin/lint-imports" --no-logo
run purity "$bin/python" tools/check_imports.py
run sizes "$bin/python" tools/check_sizes.py "$@"
[ -z "$tests" ] || run docstrings "$bin/interrogate" tests

if [ -n "$failed" ]; then
    echo "check: failed:$failed" >&2
    exit 1
fi
echo "check: all passed"
