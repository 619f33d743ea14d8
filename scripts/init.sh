# shellcheck shell=bash
# INIT_SCRIPT of a delegate: gets the bootstrap binary, runs `bootstrap init`, and puts its tools
# on PATH. Usage: the value of INIT_SCRIPT, or /opt/harness-delegate/init.sh of an image.
# The delegate sources this under `bash -e`. If it fails the delegate does not start, unless
# BOOTSTRAP_ON_FAILURE=continue. Bytes whose sha256 is not the one below are never run.
# Fill in the three values; with no URL the binary must be in the image. {arch} is amd64 or arm64.
BOOTSTRAP_URL=''
BOOTSTRAP_SHA256_AMD64=''
BOOTSTRAP_SHA256_ARM64=''

# In a subshell, so that nothing leaks into the delegate's shell. Prints what is to be evaluated.
bootstrap_start() (
  set +euf
  IFS=$' \t\n'
  unset -v CDPATH
  fail() {
    echo "bootstrap: $2. (BOOTSTRAP_ON_FAILURE=continue starts the delegate all the same)" >&2
    exit "$1"
  }
  whole() { [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$sha256  -" ]; }

  case $(uname -m) in
    x86_64 | amd64) arch=amd64 sha256=${BOOTSTRAP_SHA256_AMD64,,} ;;
    aarch64 | arm64) arch=arm64 sha256=${BOOTSTRAP_SHA256_ARM64,,} ;;
    *) fail 1 "there is no build for the processor $(uname -m); use amd64 or arm64 nodes" ;;
  esac
  url=${BOOTSTRAP_URL//\{arch\}/$arch}
  shown=${url%%\?*} shown=${shown/\/\/*@/\/\/}
  [ -z "$url" ] || [ -n "$sha256" ] ||
    fail 6 "BOOTSTRAP_URL is set but no sha256 for $arch; fill in its BOOTSTRAP_SHA256_ line"

  work=${WORKING_DIR:-/opt/harness-delegate} work=${work%/} prefix=
  for dir in "${BOOTSTRAP_PREFIX:-$work/bootstrap}" \
    "${XDG_DATA_HOME:+$XDG_DATA_HOME/bootstrap}" "${HOME:+$HOME/.local/share/bootstrap}"; do
    if [ -n "$dir" ] && mkdir -p -- "$dir" 2>/dev/null && [ -w "$dir" ]; then
      prefix=$dir
      break
    fi
    [ -z "${BOOTSTRAP_PREFIX:-}" ] || break
  done
  # What INIT_SCRIPT or a sourced proxy.config merely assigned, the child must see too.
  export WORKING_DIR="$work" "${!BOOTSTRAP_@}"
  export PROXY_HOST PROXY_PORT PROXY_SCHEME PROXY_USER PROXY_PASSWORD NO_PROXY

  own=${prefix:+$prefix/bootstrap-bin/bootstrap} bin=
  for file in "${BOOTSTRAP_BIN:-}" /opt/bootstrap/bin/bootstrap /usr/local/bin/bootstrap \
    "$(type -P bootstrap)" "${sha256:+$own}"; do
    if [ -f "$file" ] && [ -x "$file" ] && { [ -z "$sha256" ] || whole "$file"; }; then
      bin=$file
      break
    fi
  done

  if [ -z "$bin" ]; then
    [ -n "$url" ] ||
      fail 1 "no binary${sha256:+ with the pinned sha256} in the image; set BOOTSTRAP_BIN or a URL"
    # What is baked into an image needs no prefix that can be written.
    [ -n "$prefix" ] ||
      fail 1 "cannot write to ${BOOTSTRAP_PREFIX:-$work}; set BOOTSTRAP_PREFIX to a writable volume"
    mkdir -p -- "$prefix/bootstrap-bin" ||
      fail 1 "cannot write to $prefix; see above, or set BOOTSTRAP_PREFIX to another volume"
    # The delegate loads ca-bundle into the system's store only later: hand it to curl.
    set --
    for file in "$work"/ca-bundle/*; do
      [ ! -f "$file" ] || set -- "$@" "$file"
    done
    if [ $# != 0 ]; then
      for file in "${CURL_CA_BUNDLE:-}" "${SSL_CERT_FILE:-}" /etc/pki/tls/certs/ca-bundle.crt \
        /etc/ssl/certs/ca-certificates.crt; do
        [ ! -f "$file" ] || { set -- "$file" "$@" && break; }
      done
      for file; do
        case $(head -c 1 -- "$file") in
          0) # DER
            printf -- '-----%s CERTIFICATE-----\n' BEGIN
            base64 <"$file"
            printf -- '-----%s CERTIFICATE-----\n' END
            ;;
          *) cat -- "$file" && echo ;;
        esac
      done >"$own.ca"
      set -- --cacert "$own.ca"
    fi
    set -f
    # PROXY_CURL is a list of words, as the delegate's start script makes it.
    for try in 1 2 3; do
      # shellcheck disable=SC2086
      command curl -fsSL --proto =https,http --connect-timeout 10 --max-time 40 --retry 4 \
        --retry-delay 1 --retry-max-time 30 --retry-connrefused \
        ${PROXY_CURL:-} "$@" -o "$own.part" -- "$url" >&2
      status=$?
      case $status in
        18 | 52 | 55 | 56) [ "$try" = 3 ] || sleep 1 ;;
        *) break ;;
      esac
    done
    rm -f -- "$own.ca"
    [ "$status" = 0 ] ||
      fail 5 "no download from $shown (curl: $status); check the URL, the proxy and ca-bundle"
    if ! whole "$own.part"; then
      rm -f -- "$own.part"
      fail 4 "$shown does not have the pinned sha256 $sha256 and was not run; correct pin or file"
    fi
    { chmod 755 -- "$own.part" && mv -f -- "$own.part" "$own"; } ||
      fail 1 "cannot write $own; see above, or set BOOTSTRAP_PREFIX to another volume"
    bin=$own
  fi

  "$bin" init </dev/null >&2
  status=$?
  if [ "$status" = 0 ] || [ "${BOOTSTRAP_ON_FAILURE:-}" = continue ]; then
    "$bin" env </dev/null || [ "$status" != 0 ] || status=1
  fi
  [ "$status" = 0 ] || fail "$status" "init failed with exit code $status; see the lines above"
)

bootstrap_status=0
bootstrap_env=$(bootstrap_start) || bootstrap_status=$?
[ "${BOOTSTRAP_ON_FAILURE:-}" != continue ] || bootstrap_status=0
[ "$bootstrap_status" != 0 ] || eval "$bootstrap_env"
unset -f bootstrap_start
unset -v bootstrap_env BOOTSTRAP_URL BOOTSTRAP_SHA256_AMD64 BOOTSTRAP_SHA256_ARM64
if [ "$bootstrap_status" = 0 ]; then unset -v bootstrap_status; else (exit "$bootstrap_status"); fi
