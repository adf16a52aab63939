#!/usr/bin/env bash
# wpa_supplicant with ocsp=1 ("try, do not require"): no staple and "unknown" let it into the network, a tryLater or yesterday's answer do not.
#
# Expected: where no answer is required, one that says nothing of use (tryLater, or one that has ended) is as good as none.
# Instead: it ends the handshake at both, and at a good answer when its own clock is behind, with tls_disable_time_checks=1, too, which lets
#   the certificate itself pass. hostapd sends on whatever is in its file (ocsp_stapling_response), read anew at each handshake.
# Versions: Debian 12: hostapd 2:2.10-12+deb12u3 as the RADIUS server with EAP-TTLS, eapol_test of eapoltest 2:2.10-12+deb12u3, which is
#   wpa_supplicant's own code for EAP; libfaketime 0.9.10-2.1 for the old answer and the clock.
# Seen: (by the file, the result for ocsp=0, 1 and 2)
#   no file: in in out; good: in in in; unknown: in in out; tryLater: in out out; ended yesterday: in out out;
#   the clock 60 days behind: no file in in out, good in out out; it logs "OCSP responder error 3 (trylater)" and "status expired".
# Why it matters: a device that is to be let in has no other way to the time or to the responder. A job that fetches the file must not
#   write what is not successful, and must remove what has ended: with ocsp=1 no file is better than an old one.
# Clause: RFC 6066, 8: a client ends the handshake when the answer is not satisfactory; what is satisfactory is for the client to say.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download hostapd=2:2.10-12+deb12u3 eapoltest=2:2.10-12+deb12u3 libnl-3-200=3.7.0-0.2+b1 \
  libnl-genl-3-200=3.7.0-0.2+b1 libnl-route-3-200=3.7.0-0.2+b1 libpcsclite1=1.9.9-2 libfaketime=0.9.10-2.1 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
machine=$(uname -m)-linux-gnu
export LD_LIBRARY_PATH=$dir/root/usr/lib/$machine:$dir/root/lib/$machine
faketime=$dir/root/usr/lib/$machine/faketime/libfaketime.so.1

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout radius.key -out radius.csr -subj /CN=radius 2>/dev/null
openssl x509 -req -in radius.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -extfile <(echo subjectAltName=DNS:radius) -out radius.pem 2>/dev/null
cat radius.pem ca.pem >chain.pem
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=radius\n' >good.txt
printf 'V\t491231235959Z\t\t1A2C\tunknown\t/CN=another\n' >unknown.txt
# sign NAME TIME INDEX: an answer that lives for 12 hours
sign() {
  LD_PRELOAD=$faketime FAKETIME=$2 openssl ocsp -CA ca.pem -issuer ca.pem -cert radius.pem -index "$3.txt" -rsigner ca.pem -rkey ca.key \
    -no_nonce -noverify -nmin 720 -respout "$1.der" >/dev/null 2>&1
  openssl ocsp -respin "$1.der" -issuer ca.pem -cert radius.pem -no_nonce -CAfile ca.pem >check.txt 2>&1 || true
  grep -q 'Response verify OK' check.txt && grep -Eq "^(radius.pem: )?$3\$" check.txt || { cat check.txt; changed "openssl does not take the answer $1"; }
}
sign good +0s good
sign unknown +0s unknown
sign ended -1d good
printf '\x30\x03\x0a\x01\x03' >trylater.der

port=$(node -e 's=require("dgram").createSocket("udp4").bind(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
printf '"user"\tTTLS\n"user"\tTTLS-MSCHAPV2\t"password"\t[2]\n' >users
echo '127.0.0.1/32 secret' >clients
cat >hostapd.conf <<CONF
driver=none
interface=none0
ssid=network
ieee8021x=1
eap_server=1
eap_user_file=$dir/users
ca_cert=$dir/ca.pem
server_cert=$dir/chain.pem
private_key=$dir/radius.key
ocsp_stapling_response=$dir/staple.der
radius_server_clients=$dir/clients
radius_server_auth_port=$port
CONF
timeout 240 root/usr/sbin/hostapd hostapd.conf >hostapd.txt 2>&1 &
pids+=($!)
timeout 10 bash -c 'until grep -q AP-ENABLED hostapd.txt; do sleep 0.1; done' || { cat hostapd.txt; changed 'hostapd does not start'; }

# try FILE EXPECTED [CLOCK]: in or out, with ocsp=0, ocsp=1 and ocsp=2
try() {
  local seen='' last
  rm -f staple.der
  [ "$1" = none ] || cp "$1.der" staple.der
  for ocsp in 0 1 2; do
    printf '%s\n' 'network={' 'ssid="network"' 'key_mgmt=WPA-EAP' 'eap=TTLS' 'identity="user"' 'anonymous_identity="user"' 'password="password"' \
      'phase1="tls_disable_time_checks=1"' 'phase2="auth=MSCHAPV2"' "ca_cert=\"$dir/ca.pem\"" "ocsp=$ocsp" '}' >eap.conf
    LD_PRELOAD=$faketime FAKETIME=${3:-+0s} timeout 20 root/usr/bin/eapol_test -c eap.conf -a 127.0.0.1 -p "$port" -s secret -t 10 \
      >"$1.$ocsp.log" 2>&1 || true
    last=$(tail -1 "$1.$ocsp.log")
    case $last in SUCCESS) seen+=' in' ;; FAILURE) seen+=' out' ;; *) changed "eapol_test ends with: $last" ;; esac
  done
  echo "$1, the clock ${3:-right}:$seen"
  [ "$seen" = " $2" ] || { tail -20 "$1.1.log"; changed "$1: expected $2"; }
}
try none 'in in out'
try good 'in in in'
try unknown 'in in out'
try trylater 'in out out'
grep -q 'OCSP responder error 3 (trylater)' trylater.1.log || changed 'it says otherwise of tryLater'
try ended 'in out out'
grep -q 'status expired' ended.1.log || changed 'it says otherwise of an answer that has ended'
try none 'in in out' -60d
try good 'in out out' -60d
echo 'as described: with ocsp=1 no answer is better than one of no use'
