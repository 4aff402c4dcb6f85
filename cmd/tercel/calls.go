package main

import (
	"net/netip"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/invoke"
)

// loopback is what calls out may reach in development besides public addresses.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// callFlags say what the calls out of definitions may reach: those of http:invoke and of the services of AWS.
type callFlags struct {
	allowPrivate bool
	allow        []string
	endpoints    []string
	awsRegion    string
	secretsDir   string
}

func (f *callFlags) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.allowPrivate, "allow-private-addresses", false,
		"let http:invoke and AWS integrations reach loopback, link-local and private addresses")
	flags.StringSliceVar(&f.allow, "allow-addresses", nil, "networks that they may reach besides public ones, such as 10.0.0.0/8")
	flags.StringSliceVar(&f.endpoints, "aws-endpoint", nil, "where services of AWS are, as URL for all or SERVICE=URL")
	flags.StringVar(&f.awsRegion, "aws-region", "", "region of the services of AWS (default AWS_REGION, or --region)")
	flags.StringVar(&f.secretsDir, "secrets-dir", "", "folder of the secrets of connections, a file each")
}

func (f *callFlags) config() (engine.IntegrationConfig, error) {
	allow, err := invoke.ParsePrefixes(f.allow)
	if err != nil {
		return engine.IntegrationConfig{}, usagef("--allow-addresses: %w", err)
	}
	endpoints := map[string]string{}
	for _, text := range f.endpoints {
		service, url, ok := strings.Cut(text, "=")
		if !ok || strings.Contains(service, "/") {
			service, url = "", text
		}
		if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
			return engine.IntegrationConfig{}, usagef("--aws-endpoint is %q, but must be a URL, or SERVICE=URL", text)
		}
		endpoints[service] = url
	}
	return engine.IntegrationConfig{
		AllowPrivate: f.allowPrivate, Allow: allow, Endpoints: endpoints, Region: f.awsRegion, SecretsDir: f.secretsDir,
	}, nil
}
