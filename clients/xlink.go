// Package xlink calls an API behind xLink: it signs each request (RFC 9421) and checks the signature of the answer.
// It needs nothing but the standard library. Copy this file.
//
//	key, err := xlink.LoadKey("xlink-key.pem") // made if there is none; it is the identity, keep it secret
//	transport := &xlink.Transport{Key: key, Service: service}
//	err = transport.Enroll("https://api.example.com", apiKey)
//	client := &http.Client{Transport: transport}
//	answer, err := client.Get("https://api.example.com/orders")
//
// Service is the DID of the API. An answer that is not signed as it should be is a *NotSignedError, which has what the answer
// says of itself: the status, and the code of a refusal. An API signs no refusal before it knows who asks. Answers of more than
// 64 KiB and event streams are signed in trailers, and are read as a whole before they are checked; UnsignedOK is for calls whose
// answers nobody can check: through proxies that drop trailers, and of paths that answer anybody, such as /health.
package xlink

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"regexp"
	"sort"
	"strings"
	"time"
)

// ErrNotSigned says that an answer is not signed by the API, for this request.
var ErrNotSigned = errors.New("the answer is not signed by the API, for this request")

// NotSignedError is ErrNotSigned with what the answer says of itself, not verified: anybody on the way may have written it. It is
// for people and logs; give nothing up for it, and send no key.
type NotSignedError struct {
	Status int
	// Code is that of a problem document, such as VERIFICATION_FAILED:DID_REVOKED, and empty without one.
	Code string
	// Title is that of a problem document.
	Title string
}

func (e *NotSignedError) Error() string {
	text := fmt.Sprintf("%v (status %d", ErrNotSigned, e.Status)
	if said := strings.TrimSpace(e.Code + " " + e.Title); said != "" {
		text += "; not verified, it says: " + said
	}
	return text + ")"
}

// Unwrap returns ErrNotSigned.
func (e *NotSignedError) Unwrap() error { return ErrNotSigned }

// Transport signs requests and takes signed answers. It works for redirects, too: each request is signed for its own target.
type Transport struct {
	Key ed25519.PrivateKey
	// Service is the DID of the API.
	Service string
	// Scope is "*" where it is empty: all that the key was granted.
	Scope string
	// UnsignedOK takes answers without a signature; what is signed is checked all the same.
	UnsignedOK bool
	// Covers names further headers to sign. Those that change what a request does are signed always.
	Covers []string
	// Base carries the requests; http.DefaultTransport where it is nil.
	Base http.RoundTripper
}

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

var (
	changesMeaning = regexp.MustCompile(`^(cookie|idempotency-key|if-.+|prefer|range|x-http-method|x-http-method-override|x-method-override)$`)
	fixed          = []string{`"@status"`, `"@method";req`, `"@path";req`, `"@query";req`, `"signature";req;key="xlink"`, `"content-digest"`}
	inputForm      = regexp.MustCompile(`^xlink=(\(([^)]*)\);[^,]*)(, |$)`)
	signatureForm  = regexp.MustCompile(`^xlink=:([A-Za-z0-9+/=]+):`)
)

// LoadKey reads the private key in a PEM file, which is made if there is none.
func LoadKey(file string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		return key, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("no Ed25519 key")
	}
	return key, nil
}

// DID is did:key of an Ed25519 key: z, and in base58 the bytes ed 01 and the key.
func DID(public ed25519.PublicKey) string {
	number, digit, text := new(big.Int).SetBytes(append([]byte{0xed, 1}, public...)), new(big.Int), ""
	for number.Sign() > 0 {
		number.DivMod(number, big.NewInt(58), digit)
		text = string(alphabet[digit.Int64()]) + text
	}
	return "did:key:z" + text
}

func publicKeyOf(did string) (ed25519.PublicKey, error) {
	number := new(big.Int)
	for _, character := range strings.TrimPrefix(did, "did:key:z") {
		at := strings.IndexRune(alphabet, character)
		if at < 0 {
			return nil, errors.New("no did:key")
		}
		number.Add(number.Mul(number, big.NewInt(58)), big.NewInt(int64(at)))
	}
	raw := number.Bytes()
	if len(raw) != 34 || raw[0] != 0xed || raw[1] != 1 {
		return nil, errors.New("no did:key of an Ed25519 key")
	}
	return raw[2:], nil
}

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// Enroll puts the DID of the key in the place of an API key, or of an invitation (xinv_…). Where a refusal is not signed, as that of
// a wrong key, it is a *NotSignedError; Code is which it is, such as API_KEY_INVALID, XLINK_REQUIRED or INVITATION_REFUSED:USED.
func (t *Transport) Enroll(origin, apiKey string) error {
	if strings.HasPrefix(apiKey, "xinv_") {
		return t.EnrollWith(origin, "Xlink-Invitation", apiKey)
	}
	return t.EnrollWith(origin, "X-API-Key", apiKey)
}

// EnrollWith does the same with another header, such as Xlink-Invitation and an invitation.
func (t *Transport) EnrollWith(origin, header, value string) error {
	enrolling := *t
	enrolling.Scope, enrolling.Covers = "xlink:enroll", []string{strings.ToLower(header)}
	request, err := http.NewRequest("POST", origin+"/.well-known/xlink/enroll", nil)
	if err != nil {
		return err
	}
	request.Header.Set(header, value)
	answer, err := enrolling.RoundTrip(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		text, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("enrollment: %d %s", answer.StatusCode, text)
	}
	return nil
}

// RoundTrip signs the request, sends it, and checks the answer.
func (t *Transport) RoundTrip(asked *http.Request) (*http.Response, error) {
	request := asked.Clone(asked.Context())
	var body []byte
	if request.Body != nil {
		read, err := io.ReadAll(request.Body)
		request.Body.Close()
		if err != nil {
			return nil, err
		}
		body = read
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	components, nonce := t.sign(request, body)
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	answer, err := base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	_, isTrailed := answer.Trailer["Signature-Input"] // announced in the head
	if t.UnsignedOK && !isTrailed && answer.Header.Get("Signature-Input") == "" {
		return answer, nil
	}
	content, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	if err := check(t.Service, nonce, components, answer, content); err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(content))
	return answer, nil
}

// Signs the request. Returns the components that its answer repeats, and the nonce.
func (t *Transport) sign(request *http.Request, body []byte) (map[string]string, string) {
	header := request.Header
	scope := t.Scope
	if scope == "" {
		scope = "*"
	}
	var own []string
	for name := range header {
		lower := strings.ToLower(name)
		isChosen := changesMeaning.MatchString(lower)
		for _, each := range t.Covers {
			isChosen = isChosen || strings.ToLower(each) == lower
		}
		if isChosen {
			own = append(own, lower)
		}
	}
	sort.Strings(own)
	header.Set("Xlink-To", t.Service)
	header.Set("Xlink-Scope", scope)
	header.Set("Accept-Encoding", "identity") // what is signed is what comes
	header.Set("TE", "trailers")              // so that long answers are signed, too
	names := []string{"@method", "@path", "@query", "xlink-to", "xlink-scope"}
	if len(body) > 0 {
		header.Set("Content-Digest", digestOf(body))
		if header.Get("Content-Type") == "" {
			header.Set("Content-Type", "application/octet-stream")
		}
		names = append(names, "content-digest", "content-type")
	}
	names = append(names, own...)
	path := request.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	method := request.Method
	if method == "" {
		method = "GET"
	}
	derived := map[string]string{"@method": method, "@path": path, "@query": "?" + request.URL.RawQuery}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		panic(err)
	}
	nonce := base64.RawURLEncoding.EncodeToString(random)
	params := fmt.Sprintf(`("%s");created=%d;keyid="%s";alg="ed25519";nonce="%s";tag="xlink"`,
		strings.Join(names, `" "`), time.Now().Unix(), DID(t.Key.Public().(ed25519.PublicKey)), nonce)
	base := ""
	for _, name := range names {
		value, isDerived := derived[name]
		if !isDerived {
			value = strings.TrimSpace(header.Get(name))
		}
		base += fmt.Sprintf("\"%s\": %s\n", name, value)
	}
	base += `"@signature-params": ` + params
	signature := ":" + base64.StdEncoding.EncodeToString(ed25519.Sign(t.Key, []byte(base))) + ":"
	header.Set("Signature-Input", "xlink="+params)
	header.Set("Signature", "xlink="+signature)
	components := map[string]string{fixed[4]: signature}
	for name, value := range derived {
		components[`"`+name+`";req`] = value
	}
	return components, nonce
}

func check(service, nonce string, components map[string]string, answer *http.Response, content []byte) error {
	fields, must := answer.Header, strings.Join(fixed, " ")
	if fields.Get("Signature-Input") == "" {
		fields, must = answer.Trailer, must+";tr"
	}
	input := inputForm.FindStringSubmatch(strings.Join(fields.Values("Signature-Input"), ", "))
	signature := signatureForm.FindStringSubmatch(strings.Join(fields.Values("Signature"), ", "))
	if input == nil || signature == nil {
		return notSigned(answer, content)
	}
	params, list := input[1], input[2]
	tail := fmt.Sprintf(`;keyid="%s";alg="ed25519";nonce="%s";tag="xlink-answer"`, service, nonce)
	if !strings.HasPrefix(list+" ", must+" ") || !strings.HasSuffix(params, tail) {
		return &NotSignedError{Status: answer.StatusCode}
	}
	digest := digestOf(content)
	if fields.Get("Content-Digest") != digest {
		return &NotSignedError{Status: answer.StatusCode}
	}
	base := ""
	for _, name := range strings.Split(list, " ") {
		value, isKnown := components[name]
		if name == `"@status"` {
			value = fmt.Sprint(answer.StatusCode)
		} else if strings.HasPrefix(name, fixed[5]) {
			value = digest
		} else if !isKnown {
			value = answer.Header.Get(strings.Trim(name, `"`))
		}
		base += name + ": " + value + "\n"
	}
	base += `"@signature-params": ` + params
	public, err := publicKeyOf(service)
	if err != nil {
		return err
	}
	bytes, err := base64.StdEncoding.DecodeString(signature[1])
	if err != nil || !ed25519.Verify(public, []byte(base), bytes) {
		return &NotSignedError{Status: answer.StatusCode}
	}
	return nil
}

var (
	codeForm  = regexp.MustCompile(`^[A-Z0-9_:]{1,100}$`)
	titleForm = regexp.MustCompile(`^\PC{1,200}$`)
)

// notSigned has what a problem document says, as far as it looks like one.
func notSigned(answer *http.Response, content []byte) error {
	var said struct{ Code, SubCode, Title string }
	found := &NotSignedError{Status: answer.StatusCode}
	isProblem := strings.HasPrefix(answer.Header.Get("Content-Type"), "application/problem+json")
	if !isProblem || len(content) > 65536 || json.Unmarshal(content, &said) != nil {
		return found
	}
	if code := strings.TrimSuffix(said.Code+":"+said.SubCode, ":"); codeForm.MatchString(code) {
		found.Code = code
	}
	if titleForm.MatchString(said.Title) {
		found.Title = said.Title
	}
	return found
}
