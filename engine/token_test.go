package engine

import (
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

func TestTokensNameTheirTask(t *testing.T) {
	tk := tokens{key: derive(make([]byte, 32), "task tokens")}
	id := uuid.New()
	token := tk.sign(id, 1<<40+7)
	gotID, gotTask, err := tk.verify(token)
	if err != nil || gotID != id || gotTask != 1<<40+7 {
		t.Fatalf("%s names %s, %d, %v", token, gotID, gotTask, err)
	}
	if tk.sign(id, 1<<40+7) != token {
		t.Error("a task has two tokens")
	}
}

// No altered, cut, extended or made-up token is accepted.
func TestForgedTokensAreRefused(t *testing.T) {
	tk := tokens{key: derive(make([]byte, 32), "task tokens")}
	other := tokens{key: derive(make([]byte, 32), "something else")}
	token := tk.sign(uuid.New(), 5)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	forged := []string{"", "x", token[1:], token[:len(token)-1], token + "A", token + "=", " " + token, other.sign(uuid.New(), 5)}
	for bit := range len(raw) * 8 {
		b := append([]byte(nil), raw...)
		b[bit/8] ^= 1 << (bit % 8)
		forged = append(forged, base64.RawURLEncoding.EncodeToString(b))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		b := append([]byte(nil), raw...)
		for i := 1 + random.IntN(tokenBody); i < len(b); i++ {
			b[i] = byte(random.Uint32())
		}
		forged = append(forged, base64.RawURLEncoding.EncodeToString(b))
	}
	for _, f := range forged {
		if _, _, err := tk.verify(f); !errors.Is(err, ErrInvalidToken) {
			t.Fatalf("%q is accepted, or refused with %v", f, err)
		}
	}
}

func BenchmarkToken(b *testing.B) {
	tk := tokens{key: derive(make([]byte, 32), "task tokens")}
	id := uuid.New()
	for i := range b.N {
		tk.sign(id, statemachine.TaskID(i))
	}
}
