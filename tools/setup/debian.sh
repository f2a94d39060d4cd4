# Debian packages: as root or by sudo, saying what will be installed and why.

# Prints the packages of debian.list in the given sets that are not installed, in the list's order.
missing_packages() {
  local wanted
  wanted=$(awk -v sets=" $* " '!/^#/ && NF && index(sets, " " $1 " ") {print $2}' "$here/debian.list")
  # shellcheck disable=SC2086
  printf '%s\n' $wanted | grep -vxF -f <(
    echo  # grep -f wants a pattern, and no package is the empty one
    dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' $wanted 2>/dev/null | awk '$1 == "ii" {print $2}'
  ) || true
}

# Sets `as_root` to what makes a command run as root, asking for a password where there is a terminal.
become_root() {
  local needed="apt-get update && apt-get install --no-install-recommends $*" step="Debian packages"
  as_root=()
  command -v apt-get >/dev/null || fail "$step" "this is not Debian (no apt-get)" \
    "install the counterparts of: $* ; then run again with PARLEY_SKIP_DEBIAN=1"
  [ "$(id -u)" != 0 ] || return 0
  command -v sudo >/dev/null || fail "$step" "installing needs root, and there is no sudo" \
    "as root: $needed ; then 'make setup' again"
  as_root=(sudo)
  sudo -n true 2>/dev/null && return 0
  [ -t 0 ] || fail "$step" "sudo wants a password, and there is no terminal to ask on" \
    "run 'make setup' in a terminal, or as root: $needed"
  say "    (sudo asks for your password)"
  sudo true || fail "$step" "sudo refused" "ask an administrator to run: $needed"
}

lists_are_fresh=
update_lists() {
  [ -z "$lists_are_fresh" ] || return 0
  watched "package lists" "$logs/debian.log" /var/lib/apt/lists \
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 update
  lists_are_fresh=yes
}

ensure_packages() {
  local missing package why
  [ -z "${PARLEY_SKIP_DEBIAN:-}" ] || return 0
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  say "Debian packages to install$([ "$(id -u)" = 0 ] || printf ' (by sudo)'):"
  for package in $missing; do
    why=$(awk -v p="$package" -v sets=" $* " '$2 == p && index(sets, " " $1 " ") {$1 = $2 = ""; print substr($0, 3); exit}' "$here/debian.list")
    printf '    %-29s %s\n' "$package" "$why"
  done
  # shellcheck disable=SC2086
  become_root $missing
  update_lists
  # Nothing of the user's is removed to make room (a Node from elsewhere conflicts with Debian's npm).
  # shellcheck disable=SC2086
  watched "Debian packages" "$logs/debian.log" /var/cache/apt/archives \
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends --no-remove $missing
}
