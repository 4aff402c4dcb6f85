package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tercel-workflows/tercel/examples/local"
)

// composeFile is what is read of docker-compose.yml.
type composeFile struct {
	Services map[string]struct {
		Image       string            `yaml:"image"`
		Command     []string          `yaml:"command"`
		Environment map[string]string `yaml:"environment"`
		Healthcheck struct {
			Test []string `yaml:"test"`
		} `yaml:"healthcheck"`
		Ports     []string  `yaml:"ports"`
		DependsOn yaml.Node `yaml:"depends_on"`
	} `yaml:"services"`
}

// TestCompose reads docker-compose.yml and the Dockerfile, which cannot run in a test, and checks that every command of
// Tercel in them is one that the binary takes.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var compose composeFile
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "tercel")
	if err := local.Build(t.Context(), "../cmd/tercel", binary); err != nil {
		t.Fatal(err)
	}
	nodes := 0
	var ports []string
	for name, s := range compose.Services {
		for _, on := range dependencies(s.DependsOn) {
			if _, there := compose.Services[on]; !there {
				t.Errorf("%s depends on %s, which is not there", name, on)
			}
		}
		ports = append(ports, s.Ports...)
		if s.Image != "tercel:latest" {
			continue
		}
		checkCommand(t, binary, s.Command)
		if s.Command[0] != "serve" {
			continue // it ends when its work is done
		}
		nodes++
		if test := s.Healthcheck.Test; len(test) < 3 || test[0] != "CMD" || test[1] != "/tercel" {
			t.Errorf("the health check of %s is %q", name, test)
		} else {
			checkCommand(t, binary, test[2:])
		}
		for variable := range s.Environment {
			flag, ok := strings.CutPrefix(variable, "TERCEL_")
			if !ok {
				t.Errorf("%s has a variable %s that Tercel does not read", name, variable)
				continue
			}
			checkCommand(t, binary, []string{"serve", "--" + strings.ToLower(strings.ReplaceAll(flag, "_", "-"))})
		}
	}
	if nodes != 3 {
		t.Errorf("there are %d nodes, want 3", nodes)
	}
	slices.Sort(ports)
	if len(slices.Compact(slices.Clone(ports))) != len(ports) {
		t.Errorf("a port is published twice: %q", ports)
	}
	for _, p := range ports {
		if !strings.HasPrefix(p, "127.0.0.1:") {
			t.Errorf("port %s is published to the world", p)
		}
	}
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, command, found := strings.Cut(string(dockerfile), "\nCMD ")
	var words []string
	if err := yaml.Unmarshal([]byte(command), &words); err != nil || !found {
		t.Fatalf("the Dockerfile's CMD is %q: %v", command, err)
	}
	checkCommand(t, binary, words)
}

// dependencies gives the services of depends_on, in either of its forms.
func dependencies(n yaml.Node) []string {
	var names []string
	for i, c := range n.Content {
		if n.Kind == yaml.SequenceNode || i%2 == 0 {
			names = append(names, c.Value)
		}
	}
	return names
}

// checkCommand checks that a verb and its flags are in the help of the binary.
func checkCommand(t *testing.T, binary string, words []string) {
	t.Helper()
	if len(words) == 0 {
		t.Error("a node without a command")
		return
	}
	flags := max(1, slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") })) // after the verb and its arguments
	help, err := exec.CommandContext(t.Context(), binary, append(slices.Clone(words[:flags]), "--help")...).CombinedOutput()
	if err != nil {
		t.Errorf("tercel %q --help: %v", words[:flags], err)
	}
	for _, w := range words[flags:] {
		if strings.HasPrefix(w, "--") && !strings.Contains(string(help), " "+w+" ") {
			t.Errorf("tercel %s has no flag %s", words[0], w)
		}
	}
}
