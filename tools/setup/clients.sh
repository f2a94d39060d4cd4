# The package clients. has_* says whether the machine has one that works (debian.list has what is installed otherwise);
# fetch_* NAME VERSION puts one file into the current folder.

# The system's certificates, where networks put their own, for clients that bring a store of theirs.
system_certificates=/etc/ssl/certs/ca-certificates.crt

# --- pip -------------------------------------------------------------------------------------------------------------
has_pip() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -m pip --version >/dev/null 2>&1; then
      pip=("$python" -m pip --disable-pip-version-check --no-input)
      return 0
    fi
  done
  return 1
}

fetch_pip() {
  has_pip || fail "pip" "python3 -m pip does not work" "install python3-pip, then 'make setup' again"
  if [ -e "$system_certificates" ] && [ -z "${PIP_CERT:-}" ] && ! "${pip[@]}" config get global.cert >/dev/null 2>&1; then
    export PIP_CERT=$system_certificates
  fi
  watched "$1" "$logs/$part.log" . "${pip[@]}" download --no-deps --only-binary=:all: --dest . "$1==$2"
}

# --- npm -------------------------------------------------------------------------------------------------------------
has_npm() { npm --version >/dev/null 2>&1; }

fetch_npm() {
  has_npm || fail "npm" "npm does not work" "install npm (with the node you have, or Debian's nodejs and npm), then 'make setup' again"
  if [ -e "$system_certificates" ]; then
    export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-$system_certificates}
  fi
  watched "$1" "$logs/$part.log" . npm pack --ignore-scripts "$1@$2"
}

# --- cargo -----------------------------------------------------------------------------------------------------------
# Only one file is fetched, nothing is compiled, and `cargo vendor` needs no Rust compiler. So where there is no cargo,
# Debian's is unpacked into the cache without the compiler that its package depends on (8 MB instead of 130).
oldest_cargo=70  # 1.70: the first that reads the registry's index without git

has_cargo() {
  local candidate minor
  for candidate in cargo "$cache/tools/cargo-web/usr/bin/cargo"; do
    minor=$("$candidate" --version 2>/dev/null | sed -nE 's/^cargo 1\.([0-9]+).*/\1/p')
    if [ "${minor:-0}" -ge "$oldest_cargo" ]; then
      cargo=$candidate
      return 0
    fi
  done
  return 1
}

unpack_debian_cargo() {
  local folder=$cache/tools/cargo-web
  command -v apt-get >/dev/null || fail "cargo" "there is no cargo" "install cargo 1.$oldest_cargo or newer, then 'make setup' again"
  say "    unpacking Debian's cargo-web into the cache (not installed)"
  become_root cargo-web
  update_lists
  watched "cargo-web" "$logs/cargo.log" . apt-get download cargo-web
  rm -rf "$folder"
  mkdir -p "$folder"
  dpkg-deb -x cargo-web_*.deb "$folder"
  rm cargo-web_*.deb
  has_cargo || fail "cargo" "the unpacked cargo-web does not start: $("$folder/usr/bin/cargo" --version 2>&1 | tail -n 1)" \
    "install cargo 1.$oldest_cargo or newer, then 'make setup' again"
}

# Every dependency of a crate, in a version that it accepts: an empty one stands in for it, and only the crate is fetched.
stand_ins() {
  case $1 in
    datachannel-sys) echo bindgen:0.71.0 cmake:0.1.0 ;;
    livekit-protocol) echo pbjson:0.9.0 pbjson-types:0.9.0 prost:0.14.0 serde:1.0.0 ;;
  esac
}

fetch_cargo() {
  local name=$1 version=$2 stub crate
  has_cargo || unpack_debian_cargo
  mkdir project
  {
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[lib]\npath = "lib.rs"\n'
    printf '[dependencies]\n%s = "=%s"\n[patch.crates-io]\n' "$name" "${version%%+*}"
    for stub in $(stand_ins "$name"); do printf '%s = { path = "%s" }\n' "${stub%:*}" "${stub%:*}"; done
  } >project/Cargo.toml
  : >project/lib.rs
  for stub in $(stand_ins "$name"); do
    mkdir "project/${stub%:*}"
    printf '[package]\nname = "%s"\nversion = "%s"\nedition = "2021"\n[lib]\npath = "lib.rs"\n' "${stub%:*}" "${stub#*:}" \
      >"project/${stub%:*}/Cargo.toml"
    : >"project/${stub%:*}/lib.rs"
  done
  (cd project && RUSTC=/bin/false watched "$name" "$logs/$part.log" . "$cargo" vendor vendored)
  crate=$(find "${CARGO_HOME:-$HOME/.cargo}/registry/cache" -name "$name-$version.crate" | head -n 1)
  [ -n "$crate" ] || fail "$name" "cargo fetched it, but $name-$version.crate is not in its cache" "look at $logs/$part.log"
  cp "$crate" .
}

# --- go --------------------------------------------------------------------------------------------------------------
# A program is compiled here, by one version of Go for everybody: so it comes out the same byte for byte, and the lock has
# its SHA-256. That version is a module itself, which any newer or older Go fetches. Where there is none, the one command
# that this takes is unpacked from Debian's package into the cache (11 MB instead of 460).
go_version=go1.26.8
oldest_go=19  # 1.19: Debian 12's

has_go() {
  local unpacked=$cache/tools/golang/usr/lib/go-1.19 minor
  minor=$(go version 2>/dev/null | sed -nE 's/^go version go1\.([0-9]+).*/\1/p')
  if [ "${minor:-0}" -ge "$oldest_go" ]; then
    go=(go)
  elif [ -x "$unpacked/bin/go" ]; then
    go=(env "GOROOT=$unpacked" "$unpacked/bin/go")
  else
    return 1
  fi
}

unpack_debian_go() {
  local folder=$cache/tools/golang
  command -v apt-get >/dev/null || fail "go" "there is no go" "install Go 1.$oldest_go or newer, then 'make setup' again"
  say "    unpacking the go command of Debian's golang-1.19-go into the cache (not installed)"
  become_root golang-1.19-go
  update_lists
  watched "golang-1.19-go" "$logs/go.log" . apt-get download golang-1.19-go
  rm -rf "$folder"
  mkdir -p "$folder"
  dpkg-deb --fsys-tarfile golang-1.19-go_*.deb | tar x -C "$folder" ./usr/lib/go-1.19/bin/go ./usr/lib/go-1.19/VERSION
  rm golang-1.19-go_*.deb
  has_go || fail "go" "the unpacked go does not start" "install Go 1.$oldest_go or newer, then 'make setup' again"
}

# The modules and what is compiled lie in the work folder (1.5 GB) and go with it.
fetch_go() {
  local name=$1 version=$2 toolchain
  local settings=(GO111MODULE=on GOWORK=off GOTOOLCHAIN=local GOFLAGS=-modcacherw GOOS=linux GOARCH=amd64 GOAMD64=v1
    GOEXPERIMENT= CGO_ENABLED=0 "GOPATH=$PWD/path" "GOMODCACHE=$PWD/path/pkg/mod" "GOCACHE=$PWD/cache" "GOBIN=$PWD/bin")
  has_go || unpack_debian_go
  watched "$go_version" "$logs/$part-go.log" . env "${settings[@]}" "${go[@]}" mod download \
    "golang.org/toolchain@v0.0.1-$go_version.linux-amd64"
  toolchain=$PWD/path/pkg/mod/golang.org/toolchain@v0.0.1-$go_version.linux-amd64
  chmod -R u+x "$toolchain/bin" "$toolchain/pkg/tool"
  say "    compiling it takes some minutes and 1.5 GB of disk, once"
  watched "$part" "$logs/$part.log" . env "${settings[@]}" "GOROOT=$toolchain" \
    "$toolchain/bin/go" install -trimpath -ldflags="-s -w" "$name@v$version"
  mv bin/* "./$(basename "$name")-$version"
  rm -rf path cache bin
}
