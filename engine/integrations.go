package engine

import (
	"context"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/engine/invoke/aws"
	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// IntegrationConfig is what the integrations with services need: http:invoke and those with AWS.
type IntegrationConfig struct {
	AllowPrivate bool           // calls of definitions reach any address, also private ones and this machine
	Allow        []netip.Prefix // and these networks, besides public addresses
	// Endpoints are URLs of services of AWS by their names (dynamodb, sqs, ...); "" is for all others. The environment's
	// AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE> count too.
	Endpoints  map[string]string
	Region     string              // in which the services of AWS are; empty: AWS_REGION, or Config.Region
	Getenv     func(string) string // default os.Getenv
	SecretsDir string              // a folder of secrets for connections, besides TERCEL_SECRET_<NAME>
}

// integrations are the services that tasks can call.
type integrations struct {
	http     *invoke.Endpoint
	aws      *aws.Client
	inEngine map[string]*function // what the engine does itself, by the resource behind arn:PARTITION:states:::
	own      func(action string) invoke.Invoker

	mu    sync.RWMutex
	found map[string]*function
}

func (e *Engine) newIntegrations() *integrations {
	cfg := e.cfg.Integrations
	if cfg.Getenv == nil {
		cfg.Getenv = os.Getenv
	}
	region := cfg.Region
	for _, more := range []string{cfg.Getenv("AWS_REGION"), cfg.Getenv("AWS_DEFAULT_REGION"), e.cfg.Region} {
		if region == "" {
			region = more
		}
	}
	guard := invoke.Guard{AllowPrivate: cfg.AllowPrivate, Allow: cfg.Allow}
	return &integrations{
		http: &invoke.Endpoint{
			Client: invoke.NewGuardedClient(guard), Connection: e.connection,
			Secrets: invoke.Secrets{Getenv: cfg.Getenv, Dir: cfg.SecretsDir},
		},
		aws: aws.New(aws.Config{Region: region, Endpoints: cfg.Endpoints, Getenv: cfg.Getenv, Guard: guard}),
		inEngine: map[string]*function{
			"states:startExecution":         {invoker: &childStarter{engine: e}, starts: true},
			"aws-sdk:sfn:startExecution":    {invoker: &childStarter{engine: e, sdk: true}},
			"aws-sdk:sfn:describeExecution": {invoker: sdkCall{e, describeExecution}},
			"aws-sdk:sfn:stopExecution":     {invoker: sdkCall{e, stopExecution}},
			"aws-sdk:sfn:sendTaskSuccess":   {invoker: sdkCall{e, sendTaskSuccess}},
			"aws-sdk:sfn:sendTaskFailure":   {invoker: sdkCall{e, sendTaskFailure}},
			"aws-sdk:sfn:sendTaskHeartbeat": {invoker: sdkCall{e, sendTaskHeartbeat}},
		},
		own:   func(action string) invoke.Invoker { return sdkCall{e, ownCall{e, action}.do} },
		found: map[string]*function{},
	}
}

// find gives what a resource such as arn:aws:states:::sqs:sendMessage stands for; nil if it is none that is known.
func (i *integrations) find(resource string) *function {
	i.mu.RLock()
	f, ok := i.found[resource]
	i.mu.RUnlock()
	if ok {
		return f
	}
	service, action, ok := integrationName(resource)
	if !ok {
		return nil
	}
	if f = i.inEngine[service+":"+action]; f != nil {
		f = &function{invoker: f.invoker, starts: f.starts}
	} else if service == "http" && action == "invoke" {
		f = &function{invoker: i.http}
	} else if name, ok := strings.CutPrefix(action, "sfn:"); ok && service == "aws-sdk" && name != "" {
		f = &function{invoker: i.own(name)}
	} else if a := i.aws.Find(service, action); a != nil {
		f = &function{invoker: a}
	}
	if f == nil {
		return nil
	}
	f.key.name = resource
	i.mu.Lock()
	i.found[resource] = f
	i.mu.Unlock()
	return f
}

// knows tells whether a resource is an integration that there is.
func (i *integrations) knows(resource string) bool {
	service, action, ok := integrationName(resource)
	return ok && (service == "lambda" && action == "invoke" || service == "aws-sdk" && action == "lambda:invoke" ||
		i.find(resource) != nil)
}

// known are the integrations for people who misspelt one.
func (i *integrations) known() []string {
	list := []string{
		"lambda:invoke", "http:invoke", "sqs:sendMessage", "sns:publish", "events:putEvents", "dynamodb:getItem",
		"dynamodb:putItem", "dynamodb:updateItem", "dynamodb:deleteItem",
	}
	for name := range i.inEngine {
		list = append(list, name)
	}
	for _, name := range aws.Names() {
		list = append(list, "aws-sdk:"+name)
	}
	slices.Sort(list)
	return list
}

// hint says what there is instead of a resource that is not known.
func (i *integrations) hint(resource string) string {
	service, action, ok := integrationName(resource)
	if !ok {
		return "name a function, as in function:NAME, or an integration, as in arn:aws:states:::http:invoke"
	}
	wanted := service + ":" + action
	if service == "aws-sdk" {
		wanted, _, _ = strings.Cut(action, ":")
		wanted = "aws-sdk:" + wanted
	}
	if near := diag.Closest(wanted, i.known()); near != "" && near != wanted {
		return "did you mean arn:aws:states:::" + near + "?"
	}
	return "there are lambda:invoke, states:startExecution, http:invoke, sqs:sendMessage, sns:publish, events:putEvents, dynamodb:*, " +
		"aws-sdk:s3:getObject and putObject, and aws-sdk:SERVICE:ACTION for services with a JSON protocol"
}

// connection gives a connection of the registry; nil if there is none.
func (e *Engine) connection(ctx context.Context, namespace, name string) (*invoke.ConnectionConfig, error) {
	var info ConnectionInfo
	err := e.persist(ctx, func(ctx context.Context) (err error) {
		info, err = e.Connection(ctx, namespace, name)
		return err
	})
	if isCode(err, CodeResourceNotFound) {
		return nil, nil //nolint:nilnil // there is none
	}
	return &info.Config, err
}
