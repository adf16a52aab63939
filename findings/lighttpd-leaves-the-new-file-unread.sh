#!/usr/bin/env bash
# lighttpd looks for a newer ssl.stapling-file only in the last minutes before the nextUpdate of the answer that it has.
#
# Expected: lighttpd watches the file (it looks once in 64 seconds), so that a new answer is stapled about a minute after it was written.
# Instead: while the old answer has long to run, the new file is not read at all. A site whose certificate was revoked goes on stapling
#   "good" for as long as the old answer lasts, often for days, however often the file is written. A restart reads it.
# Versions: lighttpd and lighttpd-mod-openssl 1.4.69-1 (Debian 12), asked by `openssl s_client -status`. The clock of lighttpd alone is moved
#   by libfaketime 0.9.10-2.1, so that its next look comes soon; the new file gets a date after that.
# Seen: "old answer ends in 4 minutes: good, then revoked"; "in 8 minutes: good, then good, after a restart revoked"; the same for a day.
# Why it matters: a job that writes a new answer each hour, with answers that live for days, changes nothing until the old one is nearly
#   over. Who must be current (revocation, a new delegate) has to restart lighttpd, or to sign answers that live shortly. A job that writes
#   just before nextUpdate is read in time.
# Clause: RFC 6066, 8, leaves it to the server; RFC 6960, 2.4: nextUpdate is when newer information is there at the latest, not at the earliest.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 60 apt-get -qq -o APT::Sandbox::User=root download lighttpd=1.4.69-1 lighttpd-mod-openssl=1.4.69-1 libnettle8=3.8.1-2 \
  libpcre2-8-0=10.42-1+deb12u2 libxxhash0=0.8.1-1 libfaketime=0.9.10-2.1 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
libraries=$dir/root/usr/lib/x86_64-linux-gnu

openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -key ca.key -out ca.pem -subj /CN=ca -days 2
openssl ecparam -name prime256v1 -genkey -noout -out site.key
openssl req -new -key site.key -out site.csr -subj /CN=localhost
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 1 -out site.pem 2>/dev/null
printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=localhost\n' > good.txt
printf 'R\t491231235959Z\t%s,keyCompromise\t1234\tunknown\t/CN=localhost\n' "$(date -u +%y%m%d000000Z)" > revoked.txt
# sign LIST FILE OCSP-OPTIONS...
sign() {
  openssl ocsp -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem -cert site.pem -index "$1" -noverify -respout "$2" "${@:3}" >/dev/null
}

names=('4 minutes' '8 minutes' '1 day')
lifetimes=('-nmin 4' '-nmin 8' '-ndays 1')
ports=()
# start NUMBER SECONDS: a lighttpd whose clock is SECONDS ahead
start() {
  ports[$1]=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
  printf '%s\n' "server.document-root = \"$dir\"" "server.port = ${ports[$1]}" 'server.bind = "127.0.0.1"' \
    'server.modules = ("mod_openssl")' 'ssl.engine = "enable"' "ssl.pemfile = \"$dir/site.pem\"" "ssl.privkey = \"$dir/site.key\"" \
    "ssl.stapling-file = \"$dir/staple$1.der\"" > "$1.conf"
  LD_LIBRARY_PATH=$libraries LD_PRELOAD=$libraries/faketime/libfaketime.so.1 FAKETIME=+${2}s \
    "$dir/root/usr/sbin/lighttpd" -m "$dir/root/usr/lib/lighttpd" -D -f "$1.conf" 2>"$1.log" & pids[$1]=$!
  timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/${ports[$1]}) 2>/dev/null; do sleep 0.1; done" || changed "lighttpd does not listen"
}
stapled() {
  timeout 10 openssl s_client -connect "127.0.0.1:${ports[$1]}" -status </dev/null 2>/dev/null | sed -n 's/.*Cert Status: //p'
}

for n in 0 1 2; do read -ra options <<<"${lifetimes[$n]}"; sign good.txt "staple$n.der" "${options[@]}"; done
# lighttpd looks when its clock is a multiple of 64 seconds: let that be in some 15 seconds
ahead=$((64 - ($(date +%s) + 15) % 64))
for n in 0 1 2; do start "$n" "$ahead"; done
for n in 0 1 2; do before[n]=$(stapled "$n"); done
sign revoked.txt new.der -ndays 1
for n in 0 1 2; do cp new.der "new$n"; touch -d '+100 seconds' "new$n"; mv "new$n" "staple$n.der"; done
# wait for the one that is expected to follow, which tells that lighttpd has looked, and a few seconds for the others
for _ in $(seq 40); do [ "$(stapled 0)" != revoked ] || break; sleep 0.5; done
sleep 3
for n in 0 1 2; do after[n]=$(stapled "$n"); done
for n in 0 1 2; do
  kill "${pids[$n]}"; wait "${pids[$n]}" 2>/dev/null || true
  start "$n" 0
  echo "old answer ends in ${names[$n]}: ${before[$n]}, then ${after[$n]}, after a restart $(stapled "$n")" | tee -a seen.txt
done
diff seen.txt - <<'SEEN' || changed 'other staples than described'
old answer ends in 4 minutes: good, then revoked, after a restart revoked
old answer ends in 8 minutes: good, then good, after a restart revoked
old answer ends in 1 day: good, then good, after a restart revoked
SEEN
echo 'as described: a newer file is left unread while the old answer has long to run'
