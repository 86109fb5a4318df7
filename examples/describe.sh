#!/bin/sh
# Describe a picture and print its four prompts.
#   WAYSTATION_URL=… WAYSTATION_TOKEN=… sh describe.sh https://example.org/picture.png
set -eu
url="${WAYSTATION_URL:-http://127.0.0.1:8080}"

read_field() { python3 -c "import json, sys; print(json.load(sys.stdin).get('$1', ''))"; }

job=$(curl -sS -X POST "$url/v2/jobs/describe" \
    -H "Authorization: Bearer $WAYSTATION_TOKEN" \
    -H "Accept: application/json" -H "Content-Type: application/json" \
    -d "{\"describeUrl\": \"$1\"}")
jobid=$(printf %s "$job" | read_field jobid)
[ -n "$jobid" ] || { printf '%s\n' "$job" >&2; exit 1; }

while :; do
    job=$(curl -sS "$url/v2/jobs/?jobid=$jobid" -H "Authorization: Bearer $WAYSTATION_TOKEN")
    case "$(printf %s "$job" | read_field status)" in
    created | started | progress) sleep "${POLL_S:-10}" ;;
    *) break ;;
    esac
done
printf '%s\n' "$job"
[ "$(printf %s "$job" | read_field status)" = completed ]
