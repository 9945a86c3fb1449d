// What the test of clients/xlink.go runs: a day of a customer, and the answers of the vectors. Prints JSON.
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	"example.com/test/xlink"
)

func main() {
	url, service, apiKey := os.Args[1], os.Args[2], os.Args[3]
	key, err := xlink.LoadKey("xlink-key.pem")
	must(err)
	transport := &xlink.Transport{Key: key, Service: service}
	must(transport.Enroll(url, apiKey))
	client := &http.Client{Transport: transport}
	var statuses []int
	call := func(method, target, contentType string, body []byte) []byte {
		request, err := http.NewRequest(method, url+target, bytes.NewReader(body))
		must(err)
		if contentType != "" {
			request.Header.Set("Content-Type", contentType)
		}
		request.Header.Set("If-None-Match", `"x"`)
		answer, err := client.Do(request)
		must(err)
		defer answer.Body.Close()
		content, err := io.ReadAll(answer.Body)
		must(err)
		statuses = append(statuses, answer.StatusCode)
		return content
	}
	var order struct{ ID int }
	must(json.Unmarshal(call("POST", "/orders", "application/json", []byte(`{"product":"espresso-1kg","quantity":2}`)), &order))
	call("GET", "/orders?q=a%20b%2F%C3%BC&limit=5", "", nil)
	document := make([]byte, 200000) // comes back signed in trailers
	for at := range document {
		document[at] = byte(at % 251)
	}
	path := fmt.Sprintf("/orders/%d", order.ID)
	call("PUT", path+"/document", "a/b", document)
	got := call("GET", path+"/document", "", nil)
	call("DELETE", path, "", nil)
	call("GET", path, "", nil)
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"did": xlink.DID(key.Public().(ed25519.PublicKey)), "statuses": statuses, "same": bytes.Equal(got, document),
	}))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
