#!/bin/sh
# Show what the bot says of an account: plan, hours left, running jobs.
#   WAYSTATION_URL=… WAYSTATION_TOKEN=… sh info.sh [CHANNEL]
set -eu
[ -n "${WAYSTATION_TOKEN:-}" ] || {
    echo "WAYSTATION_TOKEN is not set: waystation users add prints one" >&2
    exit 1
}
answer=$(curl -sS -w '\n%{http_code}' -X POST "${WAYSTATION_URL:-http://127.0.0.1:8080}/v2/jobs/info" \
    -H "Authorization: Bearer $WAYSTATION_TOKEN" \
    -H "Accept: application/json" -H "Content-Type: application/json" \
    -d "{${1:+\"channel\": \"$1\"}}")
body=$(printf '%s\n' "$answer" | sed '$d')
[ "$(printf '%s\n' "$answer" | tail -n 1)" = 200 ] || { printf '%s\n' "$body" >&2; exit 1; }
printf '%s\n' "$body"
