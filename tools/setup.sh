#!/bin/sh
# Makes or refreshes the virtual environment from requirements.lock.
# usage: tools/setup.sh VENV
set -eu

venv=$1
wanted="Python 3.11 or newer with the venv module"

fits() { # does this command start a Python that is new enough? (a shim may exist and still fail)
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ ! -x "$venv/bin/python" ] || ! fits "$venv/bin/python"; then
    chosen=
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14 python}; do
        if fits "$candidate"; then
            chosen=$candidate
            break
        fi
    done
    if [ -z "$chosen" ]; then
        found=$("${PYTHON:-python3}" --version 2>/dev/null || true)
        echo "setup: got ${found:-no ${PYTHON:-python3}}; wanted $wanted." >&2
        echo "setup: install it (Debian and Ubuntu: apt-get install python3 python3-venv) or name one: make setup PYTHON=/path/to/python3.11" >&2
        exit 1
    fi
    echo "setup: making $venv with $("$chosen" --version 2>&1)"
    "$chosen" -m venv --clear "$venv"
fi

# uv installs in seconds; pip does the same from the same lock where uv has no build.
uv_wanted=$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements.lock)
if [ "uv==$("$venv/bin/uv" --version 2>/dev/null | cut -d' ' -f2)" != "$uv_wanted" ]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$uv_wanted" || true
fi
if "$venv/bin/uv" --version >/dev/null 2>&1; then
    install="$venv/bin/uv pip install --quiet --python $venv/bin/python"
else
    install="$venv/bin/python -m pip install --quiet --disable-pip-version-check"
fi
echo "setup: installing from requirements.lock"
$install --no-deps --require-hashes -r requirements.lock
$install --no-deps --no-build-isolation -e .
echo "setup: ready; try: make demo"
