// What the test of clients/xlink.go runs: refusals that the API does not sign. Prints JSON.
package main

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"os"

	"example.com/test/xlink"
)

func main() {
	url, service, apiKey := os.Args[1], os.Args[2], os.Args[3]
	_, key, _ := ed25519.GenerateKey(nil)
	transport := &xlink.Transport{Key: key, Service: service}
	said := map[string]any{
		"wrong key":      saidBy(transport.Enroll(url, "wrong-key")),
		"bad invitation": saidBy(transport.Enroll(url, "xinv_abc")),
		"key":            saidBy(transport.Enroll(url, apiKey)),
	}
	_, stranger, _ := ed25519.GenerateKey(nil)
	client := &http.Client{Transport: &xlink.Transport{Key: stranger, Service: service}}
	_, err := client.Get(url + "/orders")
	said["unknown identity"] = saidBy(err)
	json.NewEncoder(os.Stdout).Encode(said)
}

func saidBy(err error) any {
	var refused *xlink.NotSignedError
	if errors.As(err, &refused) {
		return []any{refused.Status, refused.Code, refused.Title != "", errors.Is(err, xlink.ErrNotSigned)}
	}
	return err
}
