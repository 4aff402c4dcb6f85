package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
)

// The bounds that the Step Functions API sets.
const (
	MaxVersions = 1000 // of a state machine
	MaxAliases  = 100  // of a state machine
	MaxTags     = 50   // of a state machine or an activity
)

// What a Store gives besides ErrNotFound.
var (
	ErrExists   = errors.New("it exists already")
	ErrConflict = errors.New("it has changed, or something refers to it")
	ErrTooMany  = errors.New("there are as many as there may be")
)

// Versions keeps what state machines have besides their newest revision. Machines are named by namespace and name; of one
// that does not exist every method gives ErrNotFound.
type Versions interface {
	// CreateMachine stores a machine with its first revision, its tags and, with publish, its first version. If there is a
	// machine of that name, it gives that machine and ErrExists.
	CreateMachine(ctx context.Context, m StateMachine, tags map[string]string, publish *Publication) (StateMachine, *Version, error)
	// UpdateMachine stores a further revision, unless change leaves the newest one as it is, and publishes it with publish.
	UpdateMachine(ctx context.Context, namespace, name string, change MachineChange, publish *Publication) (StateMachine, *Version, error)
	// PublishVersion gives the newest revision the next number, unless it has one. It gives ErrConflict if the newest
	// revision is not the one that p expects, and ErrTooMany beyond MaxVersions.
	PublishVersion(ctx context.Context, namespace, name string, p Publication) (Version, error)
	// Version gives one version. VersionsOf lists versions, newest first, those with numbers below before if that is not 0.
	Version(ctx context.Context, namespace, name string, number int) (Version, error)
	VersionsOf(ctx context.Context, namespace, name string, before, limit int) ([]Version, error)
	// DeleteVersion deletes a version, or gives ErrConflict and the aliases that lead to it.
	DeleteVersion(ctx context.Context, namespace, name string, number int) (aliases []string, err error)

	// PutAlias makes an alias, or changes one. Making one that exists gives it and ErrExists; a version that does not exist
	// gives ErrNotFound for both, as does changing an alias that does not exist; more than MaxAliases give ErrTooMany.
	CreateAlias(ctx context.Context, namespace, name string, a Alias) (Alias, error)
	UpdateAlias(ctx context.Context, namespace, name string, a Alias) (Alias, error)
	Alias(ctx context.Context, namespace, name, alias string) (Alias, error)
	// Aliases lists aliases by name, those that lead to a version only if that is not 0.
	Aliases(ctx context.Context, namespace, name string, version int, page Page) ([]Alias, error)
	DeleteAlias(ctx context.Context, namespace, name, alias string) error

	// Tags gives the tags of a thing by its id. PutTags adds tags and changes those that are there; it gives ErrTooMany,
	// and changes nothing, if there were more than MaxTags then.
	Tags(ctx context.Context, owner uuid.UUID) (map[string]string, error)
	PutTags(ctx context.Context, owner uuid.UUID, tags map[string]string) error
	DeleteTags(ctx context.Context, owner uuid.UUID, keys []string) error

	// Routes tells by which versions and aliases executions were started. Those that were not have no entry.
	Routes(ctx context.Context, executions []uuid.UUID) (map[uuid.UUID]Route, error)
}

// Settings are what the AWS API keeps with a revision, as it was given it; nil: it was not. The engine makes no use of
// it, but for the log level, which StateMachine has too.
type Settings struct {
	Logging    json.RawMessage `json:"loggingConfiguration,omitempty"`
	Tracing    json.RawMessage `json:"tracingConfiguration,omitempty"`
	Encryption json.RawMessage `json:"encryptionConfiguration,omitempty"`
}

// Empty tells whether there are none.
func (s Settings) Empty() bool { return s.Logging == nil && s.Tracing == nil && s.Encryption == nil }

// Equal compares settings.
func (s Settings) Equal(other Settings) bool {
	return bytes.Equal(s.Logging, other.Logging) && bytes.Equal(s.Tracing, other.Tracing) && bytes.Equal(s.Encryption, other.Encryption)
}

// RevisionID names the revision as the Step Functions API does: the first one has no id.
func (m StateMachine) RevisionID() string {
	if m.Number <= 1 {
		return ""
	}
	return m.Revision.String()
}

// InitialRevision is how a caller names the first revision of a machine.
const InitialRevision = "INITIAL"

// MachineChange is what an update changes; nil leaves a thing as it is.
type MachineChange struct {
	Definition []byte
	RoleARN    *string
	LogLevel   *LogLevel
	Settings   Settings
}

// Apply makes the changes and tells whether anything is different.
func (c MachineChange) Apply(m *StateMachine) bool {
	before := *m
	if c.Definition != nil {
		m.Definition, m.File = c.Definition, ""
	}
	if c.RoleARN != nil {
		m.RoleARN = *c.RoleARN
	}
	if c.LogLevel != nil {
		m.LogLevel = *c.LogLevel
	}
	set := func(into *json.RawMessage, v json.RawMessage) {
		if v != nil {
			*into = v
		}
	}
	set(&m.Settings.Logging, c.Settings.Logging)
	set(&m.Settings.Tracing, c.Settings.Tracing)
	set(&m.Settings.Encryption, c.Settings.Encryption)
	return !bytes.Equal(before.Definition, m.Definition) || before.RoleARN != m.RoleARN || before.LogLevel != m.LogLevel ||
		!before.Settings.Equal(m.Settings)
}

// Publication says how to publish a revision.
type Publication struct {
	Description string
	Expect      string // the RevisionID that the newest revision must have, InitialRevision for the first; "": any
}

// Fits tells whether the newest revision is the expected one.
func (p Publication) Fits(m StateMachine) bool {
	switch p.Expect {
	case "":
		return true
	case InitialRevision:
		return m.RevisionID() == ""
	default:
		return p.Expect == m.RevisionID()
	}
}

// Version is a revision that was published: it stays, with its number, while newer revisions come.
type Version struct {
	Number      int
	Revision    uuid.UUID
	Description string
	CreatedAt   time.Time
}

// Alias is a name for one version, or for two that share what is started under it.
type Alias struct {
	Name        string
	Description string
	Targets     []Target // one or two
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Target is a version with its part of what is started under an alias.
type Target struct {
	Version int
	Weight  int // in percent; those of an alias sum up to 100
}

// Route is by what an execution was started.
type Route struct {
	Version int
	Alias   string // "" for none
}
