#!/bin/sh
# Calls an API behind xLink with curl and openssl 3: signs each request (RFC 9421) and checks the signature of the answer.
#
#   xlink.sh did                                   the DID of the key, which is made if there is none
#   xlink.sh service https://api.example.com       the DID of the API, as it says itself: write it down, it is XLINK_TO
#   xlink.sh enroll https://api.example.com KEY    puts the DID in the place of an API key, or of an invitation (xinv_…)
#   xlink.sh GET https://api.example.com/orders?limit=5
#   xlink.sh POST https://api.example.com/orders order.json application/json
#
# XLINK_KEY: the file of the private key (default xlink-key.pem). XLINK_TO: the DID of the API. XLINK_SCOPE: default *.
# XLINK_UNSIGNED=ok takes answers whose signature did not come, such as long ones and event streams through proxies that drop trailers, and those of
# paths that answer anybody. The body goes to stdout; exits with 22 if the
# status is 400 or more, with 1 if the answer is not signed as it should be.
set -eu
key=${XLINK_KEY:-xlink-key.pem}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "xlink.sh: $1" >&2; exit 1; }
b64() { openssl base64 -A; }

# did:key is z, and in base58 the bytes ed 01 and the Ed25519 public key.
did() {
  [ -f "$key" ] || (umask 077 && openssl genpkey -algorithm ed25519 -out "$key")
  { printf '\355\001'; openssl pkey -in "$key" -pubout -outform DER | tail -c 32; } | od -An -v -tu1 | awk '
    { for (i = 1; i <= NF; i++) { carry = $i
        for (j = 0; j < n; j++) { carry += 256 * d[j]; d[j] = carry % 58; carry = int(carry / 58) }
        for (; carry > 0; carry = int(carry / 58)) d[n++] = carry % 58 } }
    END { while (n--) s = s substr("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", d[n] + 1, 1); print "did:key:z" s }'
}

# The public key of a DID, as openssl reads it.
public_key() {
  bytes=$(echo "${1#did:key:z}" | awk '
    { for (i = 1; i <= length($0); i++) {
        carry = index("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", substr($0, i, 1)) - 1
        for (j = 0; j < n; j++) { carry += 58 * d[j]; d[j] = carry % 256; carry = int(carry / 256) }
        for (; carry > 0; carry = int(carry / 256)) d[n++] = carry % 256 } }
    END { while (n-- > 2) ; for (i = 31; i >= 0; i--) printf "\\%03o", d[i] }')
  printf "\060\052\060\005\006\003\053\145\160\003\041\000$bytes" | openssl pkey -pubin -inform DER
}

header() { tr -d '\r' <"$work/head" | awk -v name="$1:" 'tolower($1) == name { sub(/^[^:]*:[ \t]*/, ""); print }' | tail -n 1; }

# call METHOD URL FILE TYPE [HEADER: VALUE]: the header is covered, too.
call() {
  method=$1 url=$2 file=$3 type=$4 more=${5-}
  to=${XLINK_TO:?is the DID of the API: xlink.sh service URL}
  rest=${url#*://*/}; [ "$rest" = "$url" ] && rest= || rest=/${rest%%#*}
  path=${rest%%\?*}; query=${rest#"$path"}
  { printf '"@method": %s\n"@path": %s\n"@query": %s\n' "$method" "${path:-/}" "${query:-?}"
    printf '"xlink-to": %s\n"xlink-scope": %s\n' "$to" "$scope"
  } >"$work/base"
  names='"@method" "@path" "@query" "xlink-to" "xlink-scope"'
  set -- -H "Xlink-To: $to" -H "Xlink-Scope: $scope"
  if [ -n "$file" ]; then
    digest="sha-256=:$(openssl dgst -sha256 -binary "$file" | b64):"
    printf '"content-digest": %s\n"content-type": %s\n' "$digest" "$type" >>"$work/base"
    names="$names \"content-digest\" \"content-type\""
    set -- "$@" -H "Content-Digest: $digest" -H "Content-Type: $type" --data-binary "@$file"
  fi
  if [ -n "$more" ]; then
    name=$(echo "${more%%:*}" | tr 'A-Z' 'a-z')
    printf '"%s": %s\n' "$name" "${more#*: }" >>"$work/base"
    names="$names \"$name\""
    set -- "$@" -H "$more"
  fi
  nonce=$(openssl rand -hex 16)
  params="($names);created=$(date +%s);keyid=\"$(did)\";alg=\"ed25519\";nonce=\"$nonce\";tag=\"xlink\""
  printf '"@signature-params": %s' "$params" >>"$work/base"
  signature=":$(openssl pkeyutl -sign -rawin -inkey "$key" -in "$work/base" | b64):"
  status=$(curl -sS -g --path-as-is -X "$method" "$url" "$@" -H "Signature-Input: xlink=$params" -H "Signature: xlink=$signature" -H 'TE: trailers' \
    -D "$work/head" -o "$work/body" -w '%{http_code}')
  [ -f "$work/body" ] || : >"$work/body"
  check "$@"
  cat "$work/body"
  [ "$status" -lt 400 ] || exit 22
}

# The answer is that of the API to this very request, or it is not taken.
check() {
  answer=$(header signature-input)
  if [ -z "$answer" ]; then
    [ "${XLINK_UNSIGNED-}" = ok ] || fail "the answer ($status) is not signed. Not verified, it says: $(head -c 300 "$work/body" | tr -d '\000-\010\013-\037\177')"
    return
  fi
  params=${answer#xlink=}
  fixed='"@status" "@method";req "@path";req "@query";req "signature";req;key="xlink" "content-digest"'
  digest='"content-digest"'
  case $params in
    "($fixed;tr"[\ \)]*) digest="$digest;tr" ;; # a long answer, signed behind its end
    "($fixed"[\ \)]*) ;;
    *) fail 'the signature of the answer does not cover what it must' ;;
  esac
  case $params in *";keyid=\"$to\";alg=\"ed25519\";nonce=\"$nonce\";tag=\"xlink-answer\"") ;; *) fail 'the answer is not signed by the API' ;; esac
  [ "$(header content-digest)" = "sha-256=:$(openssl dgst -sha256 -binary "$work/body" | b64):" ] || fail 'the body is not the one that was signed'
  { printf '"@status": %s\n"@method";req: %s\n"@path";req: %s\n"@query";req: %s\n' "$status" "$method" "${path:-/}" "${query:-?}"
    printf '"signature";req;key="xlink": %s\n%s: %s\n' "$signature" "$digest" "$(header content-digest)"
    for name in content-type location; do
      case $params in *"\"$name\""*) printf '"%s": %s\n' "$name" "$(header $name)" ;; esac
    done
    printf '"@signature-params": %s' "$params"
  } >"$work/answer"
  header signature | sed 's/^xlink=://; s/:$//' | openssl base64 -d -A >"$work/signature"
  public_key "$to" >"$work/public"
  openssl pkeyutl -verify -rawin -pubin -inkey "$work/public" -in "$work/answer" -sigfile "$work/signature" >/dev/null ||
    fail 'the signature of the answer does not verify'
}

scope=${XLINK_SCOPE:-*}
case ${1-} in
  did) did ;;
  service) curl -sSf "$2/.well-known/xlink.json" | sed -n 's/.*"did":"\([^"]*\)".*/\1/p' ;;
  enroll)
    scope=xlink:enroll
    case $3 in xinv_*) with=Xlink-Invitation ;; *) with=X-API-Key ;; esac
    call POST "$2/.well-known/xlink/enroll" '' '' "$with: $3"
    ;;
  [A-Z]*) call "$1" "$2" "${3-}" "${4:-application/octet-stream}" ;;
  *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 2 ;;
esac
