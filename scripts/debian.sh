#!/bin/sh
# Install the Debian packages that a task needs and the machine lacks.
#   debian.sh venv [python]   what `python -m venv` needs
#   debian.sh node            Node.js and npm, for the clients that run in it
#   debian.sh nginx           the reverse proxy that docs/deployment.md configures
#   debian.sh postgresql      PostgreSQL and PgBouncer, which the tests start for themselves
set -eu

install() {
    if [ "$(id -u)" = 0 ]; then run=""; else run="sudo"; fi
    if ! command -v apt-get >/dev/null || { [ -n "$run" ] && ! command -v sudo >/dev/null; }; then
        echo "Please install: $*" >&2
        exit 1
    fi
    $run apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

case "$1" in
venv)
    "${2:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "Python 3.11 or newer is needed; name it with make PYTHON=…" >&2
        exit 1
    }
    "${2:-python3}" -c 'import ensurepip, venv' 2>/dev/null || install python3-venv
    ;;
node)
    { command -v node && command -v npm; } >/dev/null || install nodejs npm
    ;;
nginx)
    command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || install nginx-light
    ;;
postgresql)
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || install postgresql
    command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || install pgbouncer
    ;;
esac
