# What set-up prints, and how it fails: one line a step, a cause and what to do when a step fails.

say() { printf '%s\n' "$*"; }

# fail STEP CAUSE WHAT-TO-DO
fail() {
  printf '\nset-up failed at: %s\n  why:        %s\n  what to do: %s\n' "$1" "$2" "$3" >&2
  exit 1
}

# How apt, pip, npm, cargo and go speak of these.
certificate_words='certificate (verif|problem|chain)|peer certificate|certificate is not trusted|CERTIFICATE_VERIFY|CERT_HAS'
certificate_words+='|self.signed|signed by unknown|unable to get (local )?issuer|UNABLE_TO_(GET|VERIFY)'
network_words='could not resolve|name resolution|temporary failure|failed to resolve|ENOTFOUND|EAI_AGAIN|unreachable'
network_words+='|ENETUNREACH|connection refused|ECONNREFUSED|ECONNRESET|timed out|ETIMEDOUT|failed to connect|could not connect'
network_words+='|failed to establish|no such host|i/o timeout'

# The commonest causes, read from what a package client printed: explain_failure STEP LOG
explain_failure() {
  local step=$1 log=$2
  tail -n 15 "$log" | sed 's/^/    | /' >&2
  if tail -n 40 "$log" | grep -qiE "$certificate_words"; then
    fail "$step" "a TLS certificate was not accepted (this network may re-sign TLS with a certificate of its own)" \
      "put the network's CA certificate (.crt) into /usr/local/share/ca-certificates, run 'update-ca-certificates' as root, then 'make setup' again"
  fi
  if tail -n 40 "$log" | grep -qiE "$network_words"; then
    fail "$step" "the package registry could not be reached" \
      "connect to the network (a proxy goes into https_proxy), then 'make setup' again: what is there is kept"
  fi
  if tail -n 40 "$log" | grep -qi 'no space left'; then
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
