# For scripts that use other programs: source it.

fail() {
    echo "$0: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else return 1; fi
}

# What Debian's packages have: name of a command, name of its package.
need() {
    local command=$1 package=$2
    command -v "$command" >/dev/null && return
    command -v apt-get >/dev/null || fail "$command is missing: install it (package $package) and run this again"
    echo "installing $package" >&2
    export DEBIAN_FRONTEND=noninteractive
    { as_root apt-get update -q && as_root apt-get install -q -y --no-install-recommends "$package"; } \
        </dev/null >/dev/null || fail "$command is missing and could not be installed: install $package and run this again"
}
