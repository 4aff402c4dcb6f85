package wire

import "time"

// Key is an access key, without its secret.
type Key struct {
	ID         string     `json:"id"` // also the access key id of AWS clients
	Name       string     `json:"name"`
	Scopes     []string   `json:"scopes"`               // read, run, decide, deploy, admin
	Namespaces []string   `json:"namespaces,omitempty"` // where it may be used; absent: everywhere
	State      string     `json:"state"`                // active, expired or revoked
	CreatedAt  time.Time  `json:"createdAt"`
	CreatedBy  string     `json:"createdBy"`
	ExpiresAt  *time.Time `json:"expiresAt,omitempty"`
	RevokedAt  *time.Time `json:"revokedAt,omitempty"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty"` // up to a minute late
}

// KeyList is all keys, newest first.
type KeyList struct {
	Keys []Key `json:"keys"`
}

// NewKey asks for a key.
type NewKey struct {
	Name       string   `json:"name"`
	Scopes     []string `json:"scopes"`
	Namespaces []string `json:"namespaces,omitempty"`
	Expires    string   `json:"expires,omitempty"` // a duration, such as 720h
}

// CreatedKey is a new key with its secrets, which are shown this once.
type CreatedKey struct {
	Key

	Secret          string `json:"secret"`          // for `Authorization: Bearer`
	SecretAccessKey string `json:"secretAccessKey"` // of AWS clients; the id is the access key id
}

// Audit is one page of the audit, newest first.
type Audit struct {
	Entries    []AuditEntry `json:"entries"`
	NextCursor string       `json:"nextCursor,omitempty"`
}

// AuditEntry is one call.
type AuditEntry struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"` // name of the key, or loopback, anonymous, database
	KeyID     string    `json:"keyId,omitempty"`
	Action    string    `json:"action"`
	Namespace string    `json:"namespace,omitempty"`
	Resource  string    `json:"resource,omitempty"`
	Address   string    `json:"address,omitempty"`
	Outcome   string    `json:"outcome"` // ok, or the code of the error
	RequestID string    `json:"requestId,omitempty"`
}
