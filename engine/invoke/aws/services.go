package aws

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// protocol is how a service is spoken to.
type protocol uint8

const (
	json10 protocol = iota + 1 // JSON 1.0 and 1.1: X-Amz-Target and an object
	json11
	query  // a form, answered in XML
	restS3 // S3's own
)

// service is a service of AWS as requests need it.
type service struct {
	name     string // in resources, which is that of the SDK for Java: aws-sdk:NAME:action
	protocol protocol
	target   string // before the action in X-Amz-Target
	endpoint string // the first part of its host, if it is not the name
	signing  string // if it is not the endpoint
	error    string // before the names of its errors, where capitals do not follow from the name
	camel    bool   // its own names of members begin with a small letter; those of resources with a capital
	version  string // of the API, where the protocol sends it
	global   bool   // it has one endpoint, without a region
}

// services are those whose protocols this package speaks.
var services = index(
	service{name: "dynamodb", protocol: json10, target: "DynamoDB_20120810", error: "DynamoDb"},
	service{name: "dynamodbstreams", protocol: json10, target: "DynamoDBStreams_20120810", endpoint: "streams.dynamodb", signing: "dynamodb", error: "DynamoDbStreams"},
	service{name: "sqs", protocol: json10, target: "AmazonSQS"},
	service{name: "sns", protocol: query, version: "2010-03-31"},
	service{name: "s3", protocol: restS3},
	service{name: "eventbridge", protocol: json11, target: "AWSEvents", endpoint: "events", error: "EventBridge"},
	service{name: "cloudwatchevents", protocol: json11, target: "AWSEvents", endpoint: "events", error: "CloudWatchEvents"},
	service{name: "sfn", protocol: json10, target: "AWSStepFunctions", endpoint: "states", camel: true},
	service{name: "kinesis", protocol: json11, target: "Kinesis_20131202"},
	service{name: "firehose", protocol: json11, target: "Firehose_20150804"},
	service{name: "secretsmanager", protocol: json11, target: "secretsmanager", error: "SecretsManager"},
	service{name: "ssm", protocol: json11, target: "AmazonSSM"},
	service{name: "kms", protocol: json11, target: "TrentService"},
	service{name: "cloudwatchlogs", protocol: json11, target: "Logs_20140328", endpoint: "logs", error: "CloudWatchLogs", camel: true},
	service{name: "cloudtrail", protocol: json11, target: "CloudTrail_20131101", error: "CloudTrail"},
	service{name: "ecs", protocol: json11, target: "AmazonEC2ContainerServiceV20141113", camel: true},
	service{name: "ecr", protocol: json11, target: "AmazonEC2ContainerRegistry_V20150921", endpoint: "api.ecr", signing: "ecr", camel: true},
	service{name: "codebuild", protocol: json11, target: "CodeBuild_20161006", error: "CodeBuild", camel: true},
	service{name: "codecommit", protocol: json11, target: "CodeCommit_20150413", error: "CodeCommit", camel: true},
	service{name: "codedeploy", protocol: json11, target: "CodeDeploy_20141006", error: "CodeDeploy", camel: true},
	service{name: "codepipeline", protocol: json11, target: "CodePipeline_20150709", error: "CodePipeline", camel: true},
	service{name: "glue", protocol: json11, target: "AWSGlue"},
	service{name: "athena", protocol: json11, target: "AmazonAthena"},
	service{name: "emr", protocol: json11, target: "ElasticMapReduce", endpoint: "elasticmapreduce"},
	service{name: "sagemaker", protocol: json11, target: "SageMaker", endpoint: "api.sagemaker", signing: "sagemaker", error: "SageMaker"},
	service{name: "comprehend", protocol: json11, target: "Comprehend_20171127"},
	service{name: "rekognition", protocol: json11, target: "RekognitionService"},
	service{name: "textract", protocol: json11, target: "Textract"},
	service{name: "transcribe", protocol: json11, target: "Transcribe"},
	service{name: "translate", protocol: json11, target: "AWSShineFrontendService_20170701"},
	service{name: "redshiftdata", protocol: json11, target: "RedshiftData", endpoint: "redshift-data", error: "RedshiftData"},
	service{name: "cognitoidentityprovider", protocol: json11, target: "AWSCognitoIdentityProviderService", endpoint: "cognito-idp", error: "CognitoIdentityProvider"},
	service{name: "databasemigration", protocol: json11, target: "AmazonDMSv20160101", endpoint: "dms", error: "DatabaseMigration"},
	service{name: "acm", protocol: json11, target: "CertificateManager"},
	service{name: "config", protocol: json11, target: "StarlingDoveService"},
	service{name: "directory", protocol: json11, target: "DirectoryService_20150416", endpoint: "ds"},
	service{name: "organizations", protocol: json11, target: "AWSOrganizationsV20161128", global: true},
	service{name: "resourcegroupstaggingapi", protocol: json11, target: "ResourceGroupsTaggingAPI_20170126", endpoint: "tagging", error: "ResourceGroupsTaggingApi"},
	service{name: "servicediscovery", protocol: json11, target: "Route53AutoNaming_v20170314", error: "ServiceDiscovery"},
	service{name: "applicationautoscaling", protocol: json11, target: "AnyScaleFrontendService", endpoint: "application-autoscaling", error: "ApplicationAutoScaling"},
	service{name: "transfer", protocol: json11, target: "TransferService"},
	service{name: "datasync", protocol: json11, target: "FmrsService", error: "DataSync"},
	service{name: "wafv2", protocol: json11, target: "AWSWAF_20190729", error: "Wafv2"},
	service{name: "support", protocol: json11, target: "AWSSupport_20130415", camel: true},
	service{name: "personalize", protocol: json11, target: "AmazonPersonalize", camel: true},
	service{name: "forecast", protocol: json11, target: "AmazonForecast"},
	service{name: "health", protocol: json11, target: "AWSHealth_20160804", camel: true},
	service{name: "workspaces", protocol: json11, target: "WorkspacesService", error: "WorkSpaces"},
)

func index(list ...service) map[string]*service {
	found := make(map[string]*service, len(list))
	for i := range list {
		found[list[i].name] = &list[i]
	}
	return found
}

// Names gives the names of the services that tasks can call.
func Names() []string {
	names := make([]string, 0, len(services))
	for name := range services {
		names = append(names, name)
	}
	return names
}

func (s *service) endpointName() string {
	if s.endpoint != "" {
		return s.endpoint
	}
	return s.name
}

func (s *service) signingName() string {
	if s.signing != "" {
		return s.signing
	}
	return s.endpointName()
}

func (s *service) host(region string) string {
	if s.global {
		return s.endpointName() + ".us-east-1"
	}
	return s.endpointName() + "." + region
}

// variables are the names of services in AWS_ENDPOINT_URL_<SERVICE>, which are those of the SDKs, where they differ.
var variables = map[string]string{
	"cloudwatchevents": "CLOUDWATCH_EVENTS", "cloudwatchlogs": "CLOUDWATCH_LOGS", "secretsmanager": "SECRETS_MANAGER",
	"dynamodbstreams": "DYNAMODB_STREAMS", "redshiftdata": "REDSHIFT_DATA",
	"cognitoidentityprovider":  "COGNITO_IDENTITY_PROVIDER",
	"databasemigration":        "DATABASE_MIGRATION_SERVICE",
	"config":                   "CONFIG_SERVICE",
	"directory":                "DIRECTORY_SERVICE",
	"resourcegroupstaggingapi": "RESOURCE_GROUPS_TAGGING_API",
	"applicationautoscaling":   "APPLICATION_AUTO_SCALING",
}

func (s *service) variable() string {
	if v := variables[s.name]; v != "" {
		return v
	}
	return strings.ToUpper(s.name)
}

// errorPrefix is what the names of errors of the AWS SDK integration begin with.
func (s *service) errorPrefix() string {
	if s.error != "" {
		return s.error
	}
	return Capital(s.name)
}

// Capital lets a name begin with a capital.
func Capital(name string) string {
	r, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(r)) + name[size:]
}

func small(name string) string {
	r, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(r)) + name[size:]
}
