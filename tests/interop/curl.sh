#!/usr/bin/env bash
# What a stranger with curl sees of the quickstart: statuses, headers, and answers that come before the body.
#
#   curl.sh URL READER WRITER ADMIN OTHER SPENT [TRIES]
#
# Tokens: READER without scopes, WRITER with `notes:write`, ADMIN, OTHER and SPENT with `admin` and three subjects that
# have not called `delete_note` in the last minute. TRIES is how often a large body is tried on a 401.
set -euo pipefail

[ $# -ge 6 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
url=$1 reader=$2 writer=$3 admin=$4 other=$5 spent=$6 tries=${7-200}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
checks=0
case=start

fail() {
    echo "not ok: curl: $case: $*" >&2
    [ ! -f "$tmp/head" ] || cat "$tmp/head" "$tmp/body" >&2
    exit 1
}

# Where clients find the authorization server (RFC 9728).
origin=${url%/mcp}
metadata="resource_metadata=\"$origin/.well-known/oauth-protected-resource/mcp\""

# What the next checks are about.
about() { case=$1; }

passed() { checks=$((checks + 1)); }

# Each is one line on the wire: `METHOD [NAME]`, as 2026-07-28 wants them ahead of the body.
announce() { # TOOL
    echo "-H MCP-Protocol-Version:2026-07-28 -H Mcp-Method:tools/call -H Mcp-Name:$1"
}

meta='"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'

body() { # TOOL ARGUMENTS [META]
    echo "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"$1\",\"arguments\":{$2}${3:+,$3}}}"
}

# Runs curl; leaves `status`, and head and body in files.
fetch() { # ARGUMENTS…
    rm -f "$tmp/head" "$tmp/body"
    status=$(curl -q -sS --noproxy '*' --max-time 10 -D "$tmp/head" -o "$tmp/body" -w '%{http_code}' "$url" "$@") ||
        fail "curl ended with $?"
    touch "$tmp/body"
}

post() { # BODY HEADERS…
    local data=$1
    shift
    fetch -H 'Content-Type: application/json' --data-binary "$data" "$@"
}

# One call on the revision in `$revision`; no token if it is empty.
call() { # TOKEN TOOL [ARGUMENTS]
    local auth=()
    [ -z "$1" ] || auth=(-H "Authorization: Bearer $1")
    case $revision in
    2026-07-28)
        # shellcheck disable=SC2046 # the words are meant
        post "$(body "$2" "${3-}" "$meta")" $(announce "$2") "${auth[@]}"
        ;;
    none) post "$(body "$2" "${3-}")" "${auth[@]}" ;;
    *) post "$(body "$2" "${3-}")" -H "MCP-Protocol-Version: $revision" "${auth[@]}" ;;
    esac
}

status_is() {
    [ "$status" = "$1" ] || fail "status $status instead of $1"
    passed
}

# The header's value; fails if there is none, or more than one.
header() { # NAME
    local lines
    lines=$(tr -d '\r' <"$tmp/head" | grep -i "^$1:") || fail "no $1"
    [ "$(wc -l <<<"$lines")" = 1 ] || fail "$1 more than once"
    sed 's/^[^:]*: *//' <<<"$lines"
}

header_is() { # NAME VALUE
    local value
    value=$(header "$1")
    [ "$value" = "$2" ] || fail "$1: $value instead of $2"
    passed
}

without_header() {
    ! grep -qi "^$1:" "$tmp/head" || fail "there is a $1"
    passed
}

body_has() {
    grep -qF -- "$1" "$tmp/body" || fail "no $1 in the body"
    passed
}

# The head without what changes by itself.
constant_head() { tr -d '\r' <"$tmp/head" | grep -vi '^date:'; }

for revision in 2026-07-28 2025-11-25 2025-06-18 2025-03-26 none; do
    about "$revision: a public tool"
    call '' list_notes
    status_is 200
    body_has '"id":7'
    body_has '"result"'
    header_is content-type application/json
    without_header www-authenticate
    without_header mcp-session-id

    about "$revision: no token"
    call '' delete_note '"id":"1"'
    status_is 401
    header_is www-authenticate "Bearer scope=\"admin\", $metadata"
    body_has '"reason":"unauthenticated"'
    call '' add_note
    status_is 401
    header_is www-authenticate "Bearer scope=\"notes:write\", $metadata"
    call '' whoami
    status_is 401
    header_is www-authenticate "Bearer $metadata"
    header_is cache-control no-store

    about "$revision: a bad token"
    call "${reader}x" delete_note '"id":"1"'
    status_is 401
    header www-authenticate | grep -q '^Bearer error="invalid_token"' || fail 'no invalid_token'
    # What is wrong with it is nobody's business but the operator's.
    call "not-a-token" list_notes
    status_is 401

    about "$revision: a token that lacks the scope"
    for token in "$reader" "$writer"; do
        call "$token" delete_note '"id":"1"'
        status_is 403
        header_is www-authenticate "Bearer error=\"insufficient_scope\", scope=\"admin\", $metadata"
        body_has '"reason":"insufficient_scope"'
        body_has '"required":["admin"]'
    done

    about "$revision: a token that suffices"
    call "$writer" add_note '"title":"by curl","text":"x"'
    status_is 200
    body_has '"result"'
    call "$writer" whoami
    status_is 200
    body_has 'scopes: notes:write'

    about "$revision: unknown names"
    for token in '' "$reader" "$admin"; do
        call "$token" no_such_tool
        status_is 200
        body_has '"code":-32602'
        cp "$tmp/body" "$tmp/unknown"
        constant_head >"$tmp/unknown-head"
        for name in Delete_Note DELETE_NOTE delete_notes delete-note 'x.y'; do
            call "$token" "$name"
            cmp -s "$tmp/body" "$tmp/unknown" || fail "$name is answered otherwise than no_such_tool"
            cmp -s <(constant_head) "$tmp/unknown-head" || fail "$name has other headers than no_such_tool"
            passed
        done
    done
done

revision=2026-07-28
about 'six deletes in a minute'
for left in 4 3 2 1 0; do
    call "$admin" delete_note '"id":"0"'
    status_is 200
    [[ $(header ratelimit) =~ ^'"5/m";r='$left';t='[0-9]+$ ]] || fail "RateLimit: $(header ratelimit), and $left are left"
done
call "$admin" delete_note '"id":"0"'
status_is 429
wait=$(header retry-after)
# The window is a minute; it ends up to a sixteenth late, never early.
[[ $wait =~ ^[0-9]+$ ]] && ((wait >= 1 && wait <= 64)) || fail "Retry-After: $wait"
header_is ratelimit "\"5/m\";r=0;t=$wait"
header_is ratelimit-policy '"5/m";q=5;w=60'
body_has '"reason":"rate_limited"'
body_has '"retryAfterMs":'
without_header www-authenticate
header_is cache-control no-store

about 'the same caller on other revisions'
for revision in 2025-11-25 none; do
    call "$admin" delete_note '"id":"0"'
    status_is 429
    body_has '"id":7'
done
revision=2026-07-28

about 'another caller, another tool'
call "$other" delete_note '"id":"0"'
status_is 200
[[ $(header ratelimit) == '"5/m";r=4;'* ]] || fail "RateLimit: $(header ratelimit)"
call "$admin" whoami
status_is 200
# Who lacks the scope is told so, not that the quota is spent.
call "$reader" delete_note '"id":"0"'
status_is 403

about 'headers and body that differ'
# shellcheck disable=SC2046
{
    post "$(body delete_note '"id":"1"' "$meta")" $(announce list_notes)
    status_is 400
    body_has '"code":-32020'
    body_has '"id":7'
    post "$(body list_notes '' "$meta")" -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/call' -H "Authorization: Bearer $reader"
    status_is 400
    body_has '"code":-32020'
    post "$(body list_notes '')" $(announce list_notes)
    status_is 400
    body_has '"code":-32602'
    post "$(body list_notes '' "$meta")" -H 'MCP-Protocol-Version: 2027-01-01'
    status_is 400
    body_has '"code":-32022'
    body_has '"requested":"2027-01-01"'
}

about 'methods and notifications'
post "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"no/such\",\"params\":{$meta}}" -H 'MCP-Protocol-Version: 2026-07-28' \
    -H 'Mcp-Method: no/such' -H "Authorization: Bearer $reader"
status_is 404
body_has '"code":-32601'
post '{"jsonrpc":"2.0","method":"notifications/initialized"}' -H 'MCP-Protocol-Version: 2025-11-25'
status_is 202
[ ! -s "$tmp/body" ] || fail 'a notification was answered'
for verb in GET DELETE PUT; do
    fetch -X "$verb"
    status_is 405
    header_is allow 'POST, OPTIONS'
done
fetch --data-binary "$(body list_notes '')"
status_is 415

about 'other hosts and pages'
call '' list_notes
for wrong in 'Host: evil.test' 'Origin: https://evil.test' 'Origin: null'; do
    post "$(body list_notes '')" -H "$wrong"
    status_is 403
    without_header www-authenticate
    without_header access-control-allow-origin
done
post "$(body list_notes '')" -H 'Origin: http://localhost:6274'
status_is 200
header_is access-control-allow-origin http://localhost:6274

about 'bodies that are too large or no JSON'
head -c 1100000 /dev/zero | tr '\0' ' ' >"$tmp/huge"
# shellcheck disable=SC2046
fetch -H 'Content-Type: application/json' --data-binary "@$tmp/huge" $(announce list_notes)
status_is 413
post '{"jsonrpc":' -H 'MCP-Protocol-Version: 2025-11-25'
status_is 400
body_has '"code":-32700'

# Large bodies on denied calls, in the three ways that curl sends them: at once, after a 100, and in chunks.
for _ in 1 2 3 4 5 6; do call "$spent" delete_note '"id":"0"'; done
about 'large bodies on denied calls'
status_is 429
body delete_note '' "$meta" >"$tmp/large"
head -c 1000000 /dev/zero | tr '\0' ' ' >>"$tmp/large"
denied() { # TRIES STATUS TOOL [TOKEN]
    local number auth=() way
    [ -z "${4-}" ] || auth=(-H "Authorization: Bearer $4")
    for ((number = 0; number < $1; number++)); do
        case $((number % 4)) in
        0 | 1) way='Expect:' ;;
        2) way='Expect: 100-continue' ;;
        3) way='Transfer-Encoding: chunked' ;;
        esac
        # shellcheck disable=SC2046
        fetch -H 'Content-Type: application/json' --data-binary "@$tmp/large" $(announce "$3") -H "$way" "${auth[@]}"
        [ "$status" = "$2" ] || fail "$2, try $number ($way): status $status"
        grep -qF "\"code\":$2" "$tmp/body" || fail "$2, try $number ($way): the answer is not whole"
    done
    passed
}
denied $((tries / 4)) 429 delete_note "$spent"
denied $((tries / 4)) 403 delete_note "$reader"
denied "$tries" 401 delete_note

about 'small bodies keep the connection'
head -c 60000 "$tmp/large" >"$tmp/small"
many=() kept=()
for _ in 1 2 3 4 5 6 7 8 9 10; do
    # shellcheck disable=SC2207
    many+=(--next -q -sS --noproxy '*' --max-time 10 -o /dev/null -w '%{http_code} %{num_connects}\n' -H 'Content-Type: application/json' \
        --data-binary "@$tmp/small" -H Expect: $(announce delete_note) "$url")
done
mapfile -t kept < <(curl "${many[@]:1}")
[ "${kept[*]}" = "401 1 401 0 401 0 401 0 401 0 401 0 401 0 401 0 401 0 401 0" ] || fail "statuses and connects: ${kept[*]}"
passed

echo "curl: $checks checks, $((tries + tries / 4 * 2)) large bodies denied, no answer lost"
