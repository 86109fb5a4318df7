#!/bin/sh
# Describe a picture and print its four prompts.
#   WAYSTATION_URL=… WAYSTATION_TOKEN=… sh describe.sh https://example.org/picture.png
set -eu
[ -n "${WAYSTATION_TOKEN:-}" ] || {
    echo "WAYSTATION_TOKEN is not set: waystation users add prints one" >&2
    exit 1
}
[ $# = 1 ] || { echo "usage: describe.sh URL" >&2; exit 2; }
url="${WAYSTATION_URL:-http://127.0.0.1:8080}"
unfinished="created started progress"

field() { python3 -c "import json, sys; print(json.load(sys.stdin).get('$1', ''))"; }
call() { curl -sS -H "Authorization: Bearer $WAYSTATION_TOKEN" -H "Accept: application/json" "$@"; }

while :; do
    job=$(call -X POST "$url/v2/jobs/describe" \
        -H "Content-Type: application/json" -d "{\"describeUrl\": \"$1\"}")
    [ "$(printf %s "$job" | field code)" = 429 ] || break
    sleep 10
done
jobid=$(printf %s "$job" | field jobid)
while [ -n "$jobid" ] && printf %s "$unfinished" | grep -qw "$(printf %s "$job" | field status)"; do
    sleep "${POLL_S:-10}"
    job=$(call "$url/v2/jobs/?jobid=$jobid")
done

if [ "$(printf %s "$job" | field status)" = completed ]; then
    printf %s "$job" | python3 -c "import json, sys; print(json.load(sys.stdin)['embeds'][0]['description'])"
else
    printf '%s\n' "$job" >&2
    exit 1
fi
