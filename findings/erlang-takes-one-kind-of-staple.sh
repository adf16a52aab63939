#!/usr/bin/env bash
# Erlang/OTP 25, ssl:connect with {ocsp_stapling, true}: no handshake with a staple that was signed ahead, or by ECDSA, or that has no
# certificate inside.
#
# Expected: a good staple that is signed by the CA of the server's certificate, which the client trusts, is taken: with or without a nonce
#   (a server staples what it has got or was given, and has no nonce of the client's), by RSA or ECDSA, with the CA's certificate inside or not.
# Instead: by default the client sends a nonce in status_request and wants it back: {bad_certificate, nonce_mismatch} at every staple from a
#   file or a cache, so at all of nginx, Apache, HAProxy and `openssl s_server -status_file`. With {ocsp_nonce, false} an RSA answer with its
#   certificate inside is taken. One signed by ECDSA, and one without a certificate inside, end in an internal_error alert of the client:
#   its log says badarg or function_clause, and nothing of a staple.
# Versions: Debian 12: erlang-base, -crypto, -ssl, -public-key, -asn1 1:25.2.3+dfsg-1+deb12u4 (ssl 10.8.7, public_key 1.13.2), against
#   `openssl s_server`, which `openssl s_client -status` takes all of these staples from.
# Seen: RSA: "nonce_mismatch" and, without the nonce, "connected"; RSA and no certificate inside: "internal_error" both ways;
#   ECDSA: "internal_error" both ways.
# Why it matters: who switches stapling on in an Erlang or Elixir service loses all peers. A responder for them has an RSA key and puts its
#   certificate inside, and the clients need {ocsp_nonce, false}.
# Clause: RFC 6066, 8 (the server sends a response that it has); RFC 9654, 2.1 and RFC 6960, 4.4.1 (a responder may leave the nonce away),
#   4.2.1 (certs is optional), 4.3 in RFC 6960 and RFC 5480 for ECDSA.
set -euo pipefail
dir=$(mktemp -d)
server=
end() { [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

otp='1:25.2.3+dfsg-1+deb12u4'
timeout 120 apt-get -qq -o APT::Sandbox::User=root download "erlang-base=$otp" "erlang-crypto=$otp" "erlang-ssl=$otp" "erlang-public-key=$otp" \
  "erlang-asn1=$otp" || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
export ROOTDIR=$dir/root/usr/lib/erlang EMU=beam PROGNAME=erl HOME=$dir
export BINDIR=$ROOTDIR/erts-13.1.5/bin
PATH=$BINDIR:$PATH

openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.pem -subj /CN=rsa -days 2 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ecdsa.key -out ecdsa.pem -subj /CN=ecdsa -days 2 2>/dev/null
cat rsa.pem ecdsa.pem >cas.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
echo subjectAltName=DNS:localhost >site.ext
for ca in rsa ecdsa; do
  openssl x509 -req -in site.csr -CA $ca.pem -CAkey $ca.key -set_serial 0x1234 -days 1 -extfile site.ext -out $ca.crt 2>/dev/null
done
printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=localhost\n' >index.txt

cat >staple.erl <<'ERL'
-module(staple).
-export([main/1]).
main(Port) ->
  ssl:start(),
  [one(Port, Nonce) || Nonce <- [[], [{ocsp_nonce, false}]]].
one(Port, Nonce) ->
  Options = [{verify, verify_peer}, {cacertfile, "cas.pem"}, {log_level, none}, {versions, ['tlsv1.2']}, {ocsp_stapling, true} | Nonce],
  case ssl:connect("localhost", Port, Options, 15000) of
    {ok, Socket} -> io:format("connected~n"), ssl:close(Socket);
    {error, {tls_alert, {Alert, Text}}} ->
      Last = lists:last(string:tokens(lists:flatten(Text), "\n ")),
      io:format("~s~n", [case Alert of internal_error -> Alert; _ -> [atom_to_list(Alert), " ", Last] end]);
    {error, Other} -> io:format("~p~n", [Other])
  end.
ERL
timeout 60 "$BINDIR/erlexec" -noshell -eval '{ok, staple} = compile:file("staple.erl"), halt().'

# try NAME CA EXPECTED-BY-DEFAULT EXPECTED-WITHOUT-NONCE OCSP-OPTIONS...
try() {
  local name=$1 ca=$2 first=$3 second=$4 port seen
  shift 4
  openssl ocsp -CA "$ca.pem" -rsigner "$ca.pem" -rkey "$ca.key" -issuer "$ca.pem" -cert "$ca.crt" -index index.txt -noverify -no_nonce \
    -nmin 60 "$@" -respout staple.der >/dev/null 2>&1
  port=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
  timeout 60 openssl s_server -accept "127.0.0.1:$port" -key site.key -cert "$ca.crt" -status_file staple.der -www >server.txt 2>&1 &
  server=$!
  timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" || changed 'openssl s_server does not listen'
  timeout 10 openssl s_client -connect "127.0.0.1:$port" -status </dev/null >client.txt 2>&1 || true
  grep -q 'Cert Status: good' client.txt || changed "$name: openssl s_client sees no good staple"
  seen=$(timeout 40 "$BINDIR/erlexec" -noshell -eval "staple:main($port), halt().")
  kill "$server"
  wait "$server" 2>/dev/null || true
  server=
  echo "$name: by default: $(head -1 <<<"$seen"); with ocsp_nonce false: $(tail -n +2 <<<"$seen")"
  [ "$seen" = "$first"$'\n'"$second" ] || changed "$name: expected $first and $second"
}

try 'RSA, certificate inside' rsa 'bad_certificate nonce_mismatch' connected
try 'RSA, no certificate inside' rsa internal_error internal_error -resp_no_certs
try 'ECDSA, certificate inside' ecdsa internal_error internal_error
echo 'as described: of the good staples one kind is taken, and none by default'
