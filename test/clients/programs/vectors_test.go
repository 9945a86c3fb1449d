package xlink

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

type message struct {
	Name, Method, Target, Body string
	Status                     int
	Headers                    [][2]string
	Request                    *message
}

// The good answers are taken, and the bad ones are not.
func TestVectors(t *testing.T) {
	var file struct {
		Service   struct{ DID string }
		Request   message
		Good, Bad []message
	}
	text, err := os.ReadFile(os.Getenv("VECTORS"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	judge := func(one message) error {
		request := file.Request
		if one.Request != nil {
			request = *one.Request
		}
		asked := http.Header{}
		for _, line := range request.Headers {
			asked.Add(line[0], line[1])
		}
		path, query, _ := strings.Cut(request.Target, "?")
		components := map[string]string{
			`"@method";req`: request.Method, `"@path";req`: path, `"@query";req`: "?" + query,
			fixed[4]: regexp.MustCompile(`^xlink=(:[^:]*:)`).FindStringSubmatch(asked.Get("Signature"))[1],
		}
		nonce := regexp.MustCompile(`nonce="([^"]*)"`).FindStringSubmatch(asked.Get("Signature-Input"))[1]
		answer := &http.Response{StatusCode: one.Status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
		for _, line := range one.Headers {
			answer.Header.Add(line[0], line[1])
		}
		return check(file.Service.DID, nonce, components, answer, []byte(one.Body))
	}
	if len(file.Good) < 5 || len(file.Bad) < 20 {
		t.Fatal("cases are missing")
	}
	for _, one := range file.Good {
		if err := judge(one); err != nil {
			t.Errorf("%s: %v", one.Name, err)
		}
	}
	for _, one := range file.Bad {
		if judge(one) == nil {
			t.Errorf("%s is taken", one.Name)
		}
	}
}
