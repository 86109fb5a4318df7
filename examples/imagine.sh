#!/bin/sh
# Draw four pictures from a prompt, upscale the second, and print the links of both results.
#   WAYSTATION_URL=… WAYSTATION_TOKEN=… sh imagine.sh "a red fox in the snow --ar 3:2"
set -eu
[ -n "${WAYSTATION_TOKEN:-}" ] || {
    echo "WAYSTATION_TOKEN is not set: waystation users add prints one" >&2
    exit 1
}
[ $# = 1 ] || { echo "usage: imagine.sh PROMPT" >&2; exit 2; }
url="${WAYSTATION_URL:-http://127.0.0.1:8080}"
unfinished="created started progress"

field() { python3 -c "import json, sys; print(json.load(sys.stdin).get('$1', ''))"; }
body() { python3 -c 'import json, sys; print(json.dumps(dict(zip(sys.argv[1::2], sys.argv[2::2]))))' "$@"; }
call() { curl -sS -H "Authorization: Bearer $WAYSTATION_TOKEN" -H "Accept: application/json" "$@"; }

# ask for a verb, wait for its end, print the job
run() {
    verb=$1
    shift
    while :; do
        job=$(call -X POST "$url/v2/jobs/$verb" -H "Content-Type: application/json" -d "$(body "$@")")
        [ "$(printf %s "$job" | field code)" = 429 ] || break
        sleep 10
    done
    jobid=$(printf %s "$job" | field jobid)
    while [ -n "$jobid" ] && printf %s "$unfinished" | grep -qw "$(printf %s "$job" | field status)"; do
        sleep "${POLL_S:-10}"
        job=$(call "$url/v2/jobs/?jobid=$jobid")
    done
    [ "$(printf %s "$job" | field status)" = completed ] || { printf '%s\n' "$job" >&2; exit 1; }
    printf %s "$job"
}
picture() { python3 -c "import json, sys; print(json.load(sys.stdin)['attachments'][0]['url'])"; }

grid=$(run imagine prompt "$1")
printf %s "$grid" | picture
second=$(run button jobid "$(printf %s "$grid" | field jobid)" button U2)
printf %s "$second" | picture
