package access

// Action is something that a caller can do, by the name that the audit gives it: that of the Step Functions API where it has one.
type Action struct {
	Scope   Scope // that it needs
	Changes bool  // it changes something, and is recorded
}

// AWSActions are the operations of the AWS Step Functions API. A worker that asks for a task changes nothing until it gets one, and asks all
// the time, so that is not recorded; what it answers is.
var AWSActions = map[string]Action{
	"DescribeActivity":                 {Scope: Read},
	"DescribeExecution":                {Scope: Read},
	"DescribeMapRun":                   {Scope: Read},
	"DescribeStateMachine":             {Scope: Read},
	"DescribeStateMachineAlias":        {Scope: Read},
	"DescribeStateMachineForExecution": {Scope: Read},
	"GetExecutionHistory":              {Scope: Read},
	"ListActivities":                   {Scope: Read},
	"ListExecutions":                   {Scope: Read},
	"ListMapRuns":                      {Scope: Read},
	"ListStateMachineAliases":          {Scope: Read},
	"ListStateMachineVersions":         {Scope: Read},
	"ListStateMachines":                {Scope: Read},
	"ListTagsForResource":              {Scope: Read},
	"ValidateStateMachineDefinition":   {Scope: Read},

	"GetActivityTask":    {Scope: Run},
	"RedriveExecution":   {Scope: Run, Changes: true},
	"SendTaskFailure":    {Scope: Run, Changes: true},
	"SendTaskHeartbeat":  {Scope: Run, Changes: true},
	"SendTaskSuccess":    {Scope: Run, Changes: true},
	"StartExecution":     {Scope: Run, Changes: true},
	"StartSyncExecution": {Scope: Run, Changes: true},
	"StopExecution":      {Scope: Run, Changes: true},
	"TestState":          {Scope: Run, Changes: true}, // it may call functions
	"UpdateMapRun":       {Scope: Run, Changes: true},

	"CreateActivity":             {Scope: Deploy, Changes: true},
	"CreateStateMachine":         {Scope: Deploy, Changes: true},
	"CreateStateMachineAlias":    {Scope: Deploy, Changes: true},
	"DeleteActivity":             {Scope: Deploy, Changes: true},
	"DeleteStateMachine":         {Scope: Deploy, Changes: true},
	"DeleteStateMachineAlias":    {Scope: Deploy, Changes: true},
	"DeleteStateMachineVersion":  {Scope: Deploy, Changes: true},
	"PublishStateMachineVersion": {Scope: Deploy, Changes: true},
	"TagResource":                {Scope: Deploy, Changes: true},
	"UntagResource":              {Scope: Deploy, Changes: true},
	"UpdateStateMachine":         {Scope: Deploy, Changes: true},
	"UpdateStateMachineAlias":    {Scope: Deploy, Changes: true},
}
