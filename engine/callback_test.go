package engine

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

// No altered or made-up callback token is accepted, none for another action than its own, and no task token: 100,000 of them.
func TestForgedCallbacksAreRefused(t *testing.T) {
	tk := tokens{key: derive(make([]byte, 32), "task tokens"), callbackKey: derive(make([]byte, 32), "callback URLs")}
	id := uuid.New()
	token := tk.signCallback(id, 7, statemachine.CallbackSuccess)
	if got, task, err := tk.verifyCallback(token, statemachine.CallbackSuccess); err != nil || got != id || task != 7 {
		t.Fatalf("the token names %s, %d, %v", got, task, err)
	}
	refused := func(token string, action statemachine.CallbackAction) {
		t.Helper()
		if _, _, err := tk.verifyCallback(token, action); err == nil {
			t.Fatalf("%q was accepted for %s", token, action)
		}
	}
	for _, action := range []statemachine.CallbackAction{statemachine.CallbackFailure, statemachine.CallbackHeartbeat, "", "x"} {
		refused(token, action)
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for _, forged := range []string{"", "x", token[1:], token + "A", token + "=", tk.sign(id, 7), strings.ToUpper(token)} {
		refused(forged, statemachine.CallbackSuccess)
	}
	for bit := range len(raw) * 8 {
		b := append([]byte(nil), raw...)
		b[bit/8] ^= 1 << (bit % 8)
		for _, action := range callbackActions[1:] {
			refused(base64.RawURLEncoding.EncodeToString(b), action)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		b := append([]byte(nil), raw...)
		from := 1 + random.IntN(len(b)-2)
		for i := from; i < len(b); i++ {
			b[i] = byte(random.Uint32())
		}
		if !bytes.Equal(b, raw) {
			refused(base64.RawURLEncoding.EncodeToString(b), callbackActions[1+random.IntN(3)])
		}
	}
	// And none of them is a task token.
	if _, _, err := tk.verify(token); err == nil {
		t.Error("the token of a callback URL is taken for a task token")
	}
}
