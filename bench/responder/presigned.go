// A responder of net/http and x/crypto over answers that were signed before: lines of a serial number and an answer.
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/crypto/ocsp"
)

func main() {
	answers := map[string][]byte{}
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		serial, text, _ := strings.Cut(lines.Text(), " ")
		answers[serial], _ = base64.StdEncoding.DecodeString(text)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var der []byte
		if r.Method == "GET" {
			path, _ := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/"))
			der, _ = base64.StdEncoding.DecodeString(path)
		} else {
			der, _ = io.ReadAll(r.Body)
		}
		request, err := ocsp.ParseRequest(der)
		if err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		answer := answers[request.SerialNumber.Text(16)]
		w.Header().Set("Content-Type", "application/ocsp-response")
		w.Header().Set("Cache-Control", "max-age=3600, public, no-transform, must-revalidate")
		w.Write(answer)
	})))
}
