// Package project reads tercel.yaml, the registry file: the functions and the state machines of an application.
//
//	namespace: shop
//	functions:
//	  charge: {http: {url: http://localhost:9000/charge}}
//	  resize: {command: {argv: [./resize.sh]}}
//	connections:
//	  crm: {api_key: {header: X-Api-Key, value_secret: crm-key}}
//	state_machines:
//	  order: {definition: order.asl.yaml}
//
// Reading is strict: a field that does not exist, a wrong type, a name used twice, or a definition that is not there is
// a finding with line and column, and all of them are reported together. Relative paths are taken from the file.
package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/engine/notify"
	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// DefaultFile is the name that `tercel dev` and `tercel deploy` look for.
const DefaultFile = "tercel.yaml"

// Project is what a registry file says.
type Project struct {
	File      string // as it was given to Load
	Namespace string // "" if the file names none
	Functions []Function
	// Connections are those of http:invoke.
	Connections []Connection
	Machines    []Machine
	// Notifications say how people are told of approvals; nil if the file says nothing of it.
	Notifications *notify.Config
}

// Connection is a connection to register.
type Connection struct {
	Name   string
	Config invoke.ConnectionConfig
}

// Function is a function to register.
type Function struct {
	Name   string
	Config engine.FunctionConfig
}

// Machine is a state machine to deploy.
type Machine struct {
	Name     string
	Type     string // "" if the file names none
	LogLevel string // of EXPRESS; "" if the file names none
	File     string // of the definition, seen from the working directory, as messages show it
	Text     []byte // the definition itself, if it stands in no file; File is a name for it then
}

// file is the shape of a registry file.
type file struct {
	Namespace string                           `yaml:"namespace"`
	Functions map[string]engine.FunctionConfig `yaml:"functions"`

	Connections map[string]invoke.ConnectionConfig `yaml:"connections"`
	Machines    map[string]machine                 `yaml:"state_machines"`

	Notifications *notify.Config `yaml:"notifications"`
}

type machine struct {
	Definition string `yaml:"definition"`
	Type       string `yaml:"type"`
	LogLevel   string `yaml:"log_level"`
}

// Load reads a registry file. What is wrong in it comes back as a diag.List; a file that cannot be read as any other
// error.
func Load(path string) (*Project, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the registry file: %w", err)
	}
	return Parse(path, text)
}

// Parse reads the text of a registry file; path is where it stands.
func Parse(path string, text []byte) (*Project, error) {
	d := &decoder{file: path, lines: strings.Split(string(text), "\n")}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		d.syntax(err)
		return nil, d.found
	}
	var f file
	d.positions = map[string]*yaml.Node{}
	if len(doc.Content) > 0 {
		d.decode(doc.Content[0], reflect.ValueOf(&f).Elem(), "")
	}
	p := d.project(f)
	if d.found.HasErrors() {
		d.found.Sort()
		return nil, d.found
	}
	return p, nil
}

// project checks what was read beyond its types, and resolves paths.
func (d *decoder) project(f file) *Project {
	dir := filepath.Dir(d.file)
	p := &Project{File: d.file, Namespace: f.Namespace, Notifications: f.Notifications}
	if p.Notifications != nil {
		if err := p.Notifications.Check(); err != nil {
			d.finding(d.positions["/notifications"], "/notifications", "INVALID_VALUE", err.Error(), "")
		}
	}
	for _, name := range sortedKeys(f.Functions) {
		config := f.Functions[name]
		if config.Command != nil {
			// The server runs elsewhere than this command, so what is relative here must not be there.
			command := *config.Command
			command.Dir = absolute(dir, command.Dir)
			config.Command = &command
		}
		p.Functions = append(p.Functions, Function{Name: name, Config: config})
	}
	for _, name := range sortedKeys(f.Connections) {
		config := f.Connections[name]
		if err := config.Check(); err != nil {
			pointer := "/connections/" + escape(name)
			d.finding(d.positions[pointer], pointer, "INVALID_VALUE", fmt.Sprintf("connection %q: %v", name, err), "")
		}
		p.Connections = append(p.Connections, Connection{Name: name, Config: config})
	}
	for _, name := range sortedKeys(f.Machines) {
		m := f.Machines[name]
		pointer := "/state_machines/" + escape(name)
		if m.Type != "" && m.Type != "STANDARD" && m.Type != "EXPRESS" {
			d.finding(d.positions[pointer+"/type"], pointer+"/type", "INVALID_VALUE",
				fmt.Sprintf("the type of a state machine is STANDARD or EXPRESS, not %q", m.Type), "")
		}
		if m.LogLevel != "" && !slices.Contains([]string{"ALL", "ERROR", "FATAL", "OFF"}, m.LogLevel) {
			d.finding(d.positions[pointer+"/log_level"], pointer+"/log_level", "INVALID_VALUE",
				fmt.Sprintf("the log level of a state machine is ALL, ERROR, FATAL or OFF, not %q", m.LogLevel), "")
		}
		if m.Definition == "" {
			d.finding(d.positions[pointer], pointer, "MISSING_FIELD", fmt.Sprintf("state machine %q has no definition", name),
				"name the file that holds it: definition: "+name+".asl.yaml")
			continue
		}
		path := m.Definition
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			d.finding(d.positions[pointer+"/definition"], pointer+"/definition", "FILE_NOT_FOUND",
				missing(path, err), "paths are relative to the folder of "+filepath.Base(d.file))
		}
		p.Machines = append(p.Machines, Machine{Name: name, Type: m.Type, LogLevel: m.LogLevel, File: path})
	}
	return p
}

func missing(path string, err error) string {
	switch {
	case err == nil:
		return path + " is a folder, not a definition"
	case errors.Is(err, fs.ErrNotExist):
		return "there is no file " + path
	default:
		return fmt.Sprintf("the file %s cannot be read: %v", path, err)
	}
}

// absolute resolves a path against a folder; "" is the folder itself.
func absolute(dir, path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// syntax reports what the YAML parser found; it knows the line only.
func (d *decoder) syntax(err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = strings.Replace(message, m[0], "", 1)
	}
	d.finding(&yaml.Node{Line: line, Column: 1}, "", "INVALID_YAML", "this is not valid YAML: "+message, "")
}

// finding adds an error at a node.
func (d *decoder) finding(node *yaml.Node, pointer, code, message, hint string) {
	f := diag.Diagnostic{
		Severity: diag.Error, Code: code, Message: message, Hint: hint, File: d.file, Pointer: pointer,
	}
	if node != nil {
		f.Line, f.Column = node.Line, node.Column
		if node.Line >= 1 && node.Line <= len(d.lines) {
			f.Source = strings.TrimRight(d.lines[node.Line-1], "\r")
		}
	}
	d.found = append(d.found, f)
}
