package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

// Task tokens name a task and prove that the cluster made them: base64url of
//
//	version (1 byte) | execution (16) | task id (8, big endian) | HMAC-SHA256 of what precedes, cut to 20 bytes
//
// The key is derived from the cluster's. 60 characters, none of which needs escaping anywhere.
const (
	tokenVersion = 1
	tokenBody    = 1 + 16 + 8
	tokenMAC     = 20
)

// tokens makes and checks task tokens. It is safe for concurrent use.
type tokens struct {
	key         []byte
	callbackKey []byte // of the tokens in callback URLs
}

// derive gives a key for one purpose from the cluster's key.
func derive(clusterKey []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, clusterKey)
	mac.Write([]byte("tercel " + purpose))
	return mac.Sum(nil)
}

func (t tokens) sign(execution uuid.UUID, task statemachine.TaskID) string {
	b := make([]byte, 0, tokenBody+sha256.Size)
	b = append(b, tokenVersion)
	b = append(b, execution[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(task))
	return base64.RawURLEncoding.EncodeToString(t.mac(b)[:tokenBody+tokenMAC])
}

// mac appends the code of body to it.
func (t tokens) mac(body []byte) []byte { return appendMAC(t.key, body) }

func appendMAC(key, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return mac.Sum(body)
}

// verify gives what a token names, or InvalidToken if the cluster did not make it.
func (t tokens) verify(token string) (uuid.UUID, statemachine.TaskID, error) {
	var id uuid.UUID
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != tokenBody+tokenMAC || b[0] != tokenVersion {
		return id, 0, errorf(CodeInvalidToken, "this is not a task token; give the whole token, as the task's function got it")
	}
	want := t.mac(b[:tokenBody:tokenBody])
	if !hmac.Equal(want[tokenBody:tokenBody+tokenMAC], b[tokenBody:]) {
		return id, 0, errorf(CodeInvalidToken, "the task token was not made by this cluster, or it was altered")
	}
	copy(id[:], b[1:17])
	return id, statemachine.TaskID(binary.BigEndian.Uint64(b[17:tokenBody])), nil
}
