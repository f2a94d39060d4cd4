# What set-up prints, and how it fails: one line a step, a cause and what to do when a step fails.

say() { printf '%s\n' "$*"; }

# fail STEP CAUSE WHAT-TO-DO
fail() {
  printf '\nset-up failed at: %s\n  why:        %s\n  what to do: %s\n' "$1" "$2" "$3" >&2
  exit 1
}

# The commonest causes, read from what a package client printed: explain_failure STEP LOG
explain_failure() {
  local step=$1 log=$2
  tail -n 15 "$log" | sed 's/^/    | /' >&2
  if grep -qiE 'certificate|self.signed|UNABLE_TO_(GET|VERIFY)|unable to get (local )?issuer' "$log"; then
    fail "$step" "a TLS certificate was not accepted (this network may re-sign TLS with a certificate of its own)" \
      "put the network's CA certificate (.crt) into /usr/local/share/ca-certificates, run 'update-ca-certificates' as root, then 'make setup' again"
  fi
  if grep -qiE 'resolve|resolution|ENOTFOUND|EAI_AGAIN|unreachable|refused|timed? ?out|ETIMEDOUT|ECONN|temporary failure|network' "$log"; then
    fail "$step" "the package registry could not be reached" \
      "connect to the network (a proxy goes into https_proxy), then 'make setup' again: what is there is kept"
  fi
  if grep -qiE 'no space left' "$log"; then
    fail "$step" "the disk is full" "free 3 GB, then 'make setup' again: what is there is kept"
  fi
  fail "$step" "the command above failed (all of it: $log)" "mend that, then 'make setup' again: what is there is kept"
}

# Runs a command with its output in a log and shows that it lives: how long, and how much it has put into FOLDER.
#   watched STEP LOG FOLDER COMMAND...
watched() {
  local step=$1 log=$2 folder=$3 started=$SECONDS shown=$SECONDS pid size
  shift 3
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if [ $((SECONDS - shown)) -ge "$heartbeat_s" ]; then
      shown=$SECONDS
      size=$(du -sm "$folder" 2>/dev/null | cut -f1 || true)
      printf "$heartbeat_form" "$step" "$((SECONDS - started))" "${size:-0}"
    fi
  done
  wait "$pid" || explain_failure "$step" "$log"
}

# On a terminal one line that changes every second, elsewhere (CI) a line every 15 seconds.
if [ -t 1 ]; then
  heartbeat_s=1 heartbeat_form='\r    %s: %s s, %s MB\033[K\r'
else
  heartbeat_s=15 heartbeat_form='    %s: %s s, %s MB\n'
fi
