package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

// A secret is the text that a caller sends, all in small letters and digits from 2 to 7:
//
//	tercel_ | key (16) | secret (32) | checksum (7)
//
// The key is the id without TKIA, the secret 160 random bits, and the checksum the CRC-32 of all before it, so that a secret
// with a typo, or one that was cut when it was copied, is told apart from a wrong one without looking anywhere. It proves nothing.
const (
	SecretPrefix = "tercel_" // what secrets begin with, for scanners of leaked ones
	IDPrefix     = "TKIA"    // what ids begin with

	idRandom     = 16 // letters; 80 bits
	secretRandom = 32 // letters; 160 bits
	checksumSize = 7
	secretSize   = len(SecretPrefix) + idRandom + secretRandom + checksumSize
)

// letters are those of base32 (RFC 4648), small.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Key is an access key, without its secret.
type Key struct {
	ID         string   // TKIA and 16 letters and digits; also the access key id of AWS clients
	Name       string   // for people; need not be unique
	Scopes     []Scope  // at least one
	Namespaces []string // where it may be used; none: everywhere
	CreatedAt  time.Time
	CreatedBy  string    // name of the principal
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: not revoked
	LastUsedAt time.Time // zero: never, as far as is known; up to a minute late
}

// StoredKey is a key with what its secret is checked by.
type StoredKey struct {
	Key

	Hash [sha256.Size]byte // of the secret
}

// State tells in a word what a key is at a time: active, expired or revoked.
func (k Key) State(now time.Time) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return "expired"
	default:
		return "active"
	}
}

// Principal gives who a request with the key is from.
func (k Key) Principal() Principal {
	return Principal{Name: k.Name, KeyID: k.ID, Scopes: k.Scopes, Namespaces: k.Namespaces}
}

// usable gives an error for a key that is no longer good.
func (k Key) usable(now time.Time) error {
	switch k.State(now) {
	case "revoked":
		return &UnauthenticatedError{ReasonRevoked, k.ID, fmt.Sprintf("the key %q (%s) was revoked", k.Name, k.ID)}
	case "expired":
		return &UnauthenticatedError{ReasonExpired, k.ID, fmt.Sprintf("the key %q (%s) expired at %s", k.Name, k.ID,
			k.ExpiresAt.UTC().Format(time.RFC3339))}
	default:
		return nil
	}
}

// Generate makes the id and the secret of a new key. The secret is to be shown once and kept nowhere.
func Generate() (id, secret string) {
	raw := make([]byte, (idRandom+secretRandom)*5/8)
	_, _ = rand.Read(raw) // never fails
	text := letters.EncodeToString(raw)
	secret = SecretPrefix + text
	return IDPrefix + strings.ToUpper(text[:idRandom]), secret + checksum(secret)
}

func checksum(text string) string {
	return letters.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text))))
}

// HashSecret gives what is stored of a secret. The secret has 160 random bits, so a slow hash would gain nothing.
func HashSecret(secret string) [sha256.Size]byte { return sha256.Sum256([]byte(secret)) }

// ParseSecret gives the id of the key that a secret belongs to, or an *UnauthenticatedError that says what is wrong with its form.
func ParseSecret(secret string) (id string, err error) {
	rest, ok := strings.CutPrefix(secret, SecretPrefix)
	if !ok {
		return "", &UnauthenticatedError{ReasonMalformed, "", "this is no key of Tercel's: those begin with " + SecretPrefix}
	}
	if len(secret) != secretSize {
		return "", &UnauthenticatedError{ReasonMalformed, "", fmt.Sprintf("the key has %d characters, but a key has %d; "+
			"was it copied whole?", len(secret), secretSize)}
	}
	body, sum := secret[:secretSize-checksumSize], secret[secretSize-checksumSize:]
	if checksum(body) != sum {
		return "", &UnauthenticatedError{ReasonMalformed, "", "the key has a typo: its checksum does not fit"}
	}
	return IDPrefix + strings.ToUpper(rest[:idRandom]), nil
}

// Matches tells, in a time that does not depend on the secret, whether it is the key's.
func (k StoredKey) Matches(secret string) bool {
	hash := HashSecret(secret)
	return subtle.ConstantTimeCompare(hash[:], k.Hash[:]) == 1
}

// AWSSecret gives the secret access key that goes with a key's id, 40 characters as AWS's own. It is derived from the cluster's key,
// because the verification of a Signature V4 needs the secret itself: so it need not be stored, and is a different one in each cluster.
func AWSSecret(clusterKey []byte, keyID string) string {
	mac := hmac.New(sha256.New, clusterKey)
	mac.Write([]byte("tercel secret access key\n" + keyID))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)[:30])
}
