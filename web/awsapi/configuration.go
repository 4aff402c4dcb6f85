package awsapi

import (
	"encoding/json"
	"strings"

	"github.com/tercel-workflows/tercel/engine"
)

// The configurations of a state machine, as requests and answers have them.
type (
	loggingConfiguration struct {
		Level                *string          `aws:"enum=ALL|ERROR|FATAL|OFF"       json:"level"`
		IncludeExecutionData *bool            `json:"includeExecutionData"`
		Destinations         []logDestination `json:"destinations,omitempty"`
	}
	logDestination struct {
		Group *logGroup `json:"cloudWatchLogsLogGroup,omitempty"`
	}
	logGroup struct {
		Arn *string `aws:"len=1..256" json:"logGroupArn,omitempty"`
	}
	tracingConfiguration struct {
		Enabled *bool `json:"enabled"`
	}
	encryptionConfiguration struct {
		Type    *string `aws:"required;enum=AWS_OWNED_KEY|CUSTOMER_MANAGED_KMS_KEY" json:"type"`
		KeyID   *string `aws:"len=1..2048"                                          json:"kmsKeyId,omitempty"`
		Seconds *int    `aws:"range=60..900"                                        json:"kmsDataKeyReusePeriodSeconds,omitempty"`
	}
)

// configurations are those that a create or an update is given; nil: it is not.
type configurations struct {
	logging    *loggingConfiguration
	tracing    *tracingConfiguration
	encryption *encryptionConfiguration
}

// The answers where nothing was given.
var (
	noLogging = json.RawMessage(`{"level":"OFF","includeExecutionData":false}`)
	noTracing = json.RawMessage(`{"enabled":false}`)
)

// settings checks configurations and gives them with the service's defaults, as they are kept and shown.
func (c configurations) settings() (engine.Settings, error) {
	var s engine.Settings
	if l := c.logging; l != nil {
		if len(l.Destinations) > 1 || len(l.Destinations) == 0 && l.Level != nil && *l.Level != "OFF" {
			return s, fault400("InvalidLoggingConfiguration", "Invalid Logging Configuration: Must specify exactly one Log Destination.")
		}
		for _, d := range l.Destinations {
			if d.Group == nil || !strings.HasPrefix(text(d.Group.Arn), "arn:") {
				return s, fault400("InvalidLoggingConfiguration", "Invalid Logging Configuration: The Log Destination must have the ARN of a log group.")
			}
		}
		shown := struct {
			Destinations         *[]logDestination `json:"destinations,omitempty"`
			IncludeExecutionData bool              `json:"includeExecutionData"`
			Level                string            `json:"level"`
		}{Level: "OFF", IncludeExecutionData: l.IncludeExecutionData != nil && *l.IncludeExecutionData}
		if l.Destinations != nil {
			shown.Destinations = &l.Destinations
		}
		if l.Level != nil {
			shown.Level = *l.Level
		}
		s.Logging = encoded(shown)
	}
	if t := c.tracing; t != nil {
		s.Tracing = encoded(map[string]bool{"enabled": t.Enabled != nil && *t.Enabled})
	}
	if e := c.encryption; e != nil {
		switch {
		case *e.Type == "CUSTOMER_MANAGED_KMS_KEY":
			return s, fault400("InvalidEncryptionConfiguration", "Invalid Encryption Configuration: Keys of AWS KMS are not supported here; "+
				"what is stored is encrypted, if at all, by the database. Use AWS_OWNED_KEY, or leave the configuration out.")
		case e.KeyID != nil || e.Seconds != nil:
			return s, fault400("InvalidEncryptionConfiguration",
				"Invalid Encryption Configuration: kmsKeyId and kmsDataKeyReusePeriodSeconds cannot be set for the type AWS_OWNED_KEY.")
		}
		s.Encryption = encoded(map[string]string{"type": *e.Type})
	}
	return s, nil
}

// logLevel gives the level that was asked for in so many words, nil for none: Tercel keeps the histories of Express
// executions that the service would log, and those with errors where it is told nothing.
func (c configurations) logLevel() *engine.LogLevel {
	if c.logging == nil || c.logging.Level == nil {
		return nil
	}
	level := engine.LogLevel(*c.logging.Level)
	return &level
}

func encoded(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic("awsapi: encoding a configuration: " + err.Error()) // they hold texts and numbers
	}
	return text
}

func or(given, otherwise json.RawMessage) json.RawMessage {
	if given == nil {
		return otherwise
	}
	return given
}
