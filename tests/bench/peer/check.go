// The checks of the fields, as one writes them with field.ErrorList.
package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	partition = `arn:aws(-[a-z]+)*`
	kmsKey    = partition + `:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+`
	tagChars  = "[^\\]!\"#$%&'()*,;<>?\\[\\\\^`{|}~[:cntrl:]]"
)

func pattern(text string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + text + `)$`) }

var (
	reName     = pattern(`[a-zA-Z0-9_-]+`)
	reRegion   = pattern(`[a-z]+(-[a-z]+)+-[0-9]+`)
	reBucket   = pattern(`[0-9A-Za-z._-]*[0-9A-Za-z_-]`)
	reKMS      = pattern(kmsKey)
	reImage    = pattern(`[a-zA-Z0-9.:-]+/[a-zA-Z0-9._/-]+((:[a-zA-Z0-9._-]+)?(@sha256:[0-9a-f]{64})?)`)
	reHandler  = pattern(`[^ \t\n\r]+`)
	reRole     = pattern(partition + `:iam::[0-9]{12}:role/[a-zA-Z0-9_+=,.@/-]+`)
	reVariable = pattern(`[a-zA-Z][a-zA-Z0-9_]+`)
	reObject   = pattern(`[a-z0-9]([a-z0-9.-]*[a-z0-9])?`)
	reKey      = pattern(`[a-zA-Z0-9._-]+`)
	reLayer    = pattern(partition + `:lambda:[a-z0-9-]+:[0-9]{12}:layer:[a-zA-Z0-9_-]+:[0-9]+`)
	reSubnet   = pattern(`subnet-[0-9a-z]+`)
	reGroup    = pattern(`sg-[0-9a-zA-Z]+`)
	reEFS      = pattern(partition + `:(elasticfilesystem|s3files):[a-z0-9-]+:[0-9]{12}:.*access-point/fsap-[0-9a-f]+`)
	reMount    = pattern(`/mnt/[a-zA-Z0-9._-]+`)
	reTarget   = pattern(partition + `:(sqs|sns):[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9._-]+`)
	reDest     = pattern(partition + `:(sqs|sns|lambda|events|s3):[a-z0-9-]*:([0-9]{12})?:.+`)
	reGroupLog = pattern(`[a-zA-Z0-9._/#-]+`)
	reTagKey   = pattern(tagChars + `+`)
	reTag      = pattern(tagChars + `*`)
	reSigning  = pattern(partition + `:lambda:[a-z0-9-]+:[0-9]{12}:code-signing-config:csc-[a-z0-9]{17}`)
)

var runtimes = map[string]bool{
	"nodejs22.x": true, "nodejs24.x": true, "python3.10": true, "python3.11": true, "python3.12": true, "python3.13": true,
	"python3.14": true, "java8.al2": true, "java11": true, "java17": true, "java21": true, "java25": true, "dotnet8": true,
	"dotnet10": true, "ruby3.3": true, "ruby3.4": true, "provided.al2": true, "provided.al2023": true, "custom": true,
}

type checks struct {
	errs   field.ErrorList
	region string
}

func (c *checks) add(err *field.Error) { c.errs = append(c.errs, err) }

func (c *checks) text(at *field.Path, value string, most int, re *regexp.Regexp, hint string) {
	if value == "" {
		return
	}
	if utf8.RuneCountInString(value) > most {
		c.add(field.TooLong(at, "", most))
	} else if re != nil && !re.MatchString(value) {
		c.add(field.Invalid(at, value, "must be "+hint))
	}
}

// An ARN must also be of the function's partition, and of its region where it has one.
func (c *checks) arn(at *field.Path, value string, most int, re *regexp.Regexp, hint string) {
	before := len(c.errs)
	c.text(at, value, most, re, hint)
	if value == "" || len(c.errs) > before || c.region == "" {
		return
	}
	parts := strings.SplitN(value, ":", 6)
	want := "aws"
	if strings.HasPrefix(c.region, "cn-") {
		want = "aws-cn"
	} else if strings.HasPrefix(c.region, "us-gov-") {
		want = "aws-us-gov"
	}
	if parts[1] != want {
		c.add(field.Invalid(at, value, "it is in the partition "+parts[1]+", the function in "+want))
	} else if parts[3] != "" && parts[3] != c.region {
		c.add(field.Invalid(at, value, "it is in "+parts[3]+", the function in "+c.region))
	}
}

func (c *checks) number(at *field.Path, value *int64, least, most int64) {
	if value != nil && (*value < least || *value > most) {
		c.add(field.Invalid(at, *value, fmt.Sprintf("must be between %d and %d", least, most)))
	}
}

func (c *checks) oneOf(at *field.Path, value string, supported ...string) {
	if value != "" && !slices.Contains(supported, value) {
		c.add(field.NotSupported(at, value, supported))
	}
}

func (c *checks) list(at *field.Path, values []string, most int, re *regexp.Regexp, hint string) {
	if len(values) > most {
		c.add(field.TooMany(at, len(values), most))
	}
	for i, one := range values {
		c.text(at.Index(i), one, 2048, re, hint)
	}
}

func (c *checks) code(at *field.Path, s *Spec) {
	image := s.PackageType == "Image" || (s.PackageType == "" && s.Code.ImageURI != "")
	if image {
		if s.Code.ImageURI == "" {
			c.add(field.Required(at.Child("code", "imageUri"), "container image in Amazon ECR"))
		}
		if s.Runtime != "" || s.Handler != "" || len(s.Layers) > 0 {
			c.add(field.Forbidden(at.Child("runtime"), "a function of packageType Image cannot have it"))
		}
	} else {
		for name, value := range map[string]string{"code.s3Bucket": s.Code.S3Bucket, "code.s3Key": s.Code.S3Key, "runtime": s.Runtime, "handler": s.Handler} {
			if value == "" {
				c.add(field.Required(at.Child(name), "a function of packageType Zip needs it"))
			}
		}
	}
	c.text(at.Child("code", "s3Bucket"), s.Code.S3Bucket, 63, reBucket, "the name of an S3 bucket")
	c.text(at.Child("code", "s3Key"), s.Code.S3Key, 1024, nil, "")
	c.text(at.Child("code", "s3ObjectVersion"), s.Code.S3ObjectVersion, 1024, nil, "")
	c.oneOf(at.Child("code", "s3ObjectStorageMode"), s.Code.S3ObjectStorageMode, "COPY", "REFERENCE")
	c.arn(at.Child("code", "sourceKMSKeyArn"), s.Code.SourceKMSKeyArn, 2048, reKMS, "the ARN of a KMS key")
	c.text(at.Child("code", "imageUri"), s.Code.ImageURI, 1024, reImage, "an image in ECR")
	if s.Code.S3ObjectStorageMode == "REFERENCE" && s.Code.S3ObjectVersion == "" {
		c.add(field.Required(at.Child("code", "s3ObjectVersion"), "REFERENCE needs it"))
	}
	if s.Runtime != "" && !runtimes[s.Runtime] {
		c.add(field.NotSupported(at.Child("runtime"), s.Runtime, []string{"python3.13", "nodejs24.x"}))
	}
}

func (c *checks) environment(at *field.Path, env *Environment) {
	if env == nil {
		return
	}
	for name, value := range env.Variables {
		where := at.Child("variables").Key(name)
		c.text(where, name, 4096, reVariable, "letters, digits and underscores")
		c.text(where, value, 4096, nil, "")
		if strings.HasPrefix(name, "AWS_LAMBDA_") || name == "AWS_REGION" || name == "AWS_ACCESS_KEY_ID" || name == "_HANDLER" {
			c.add(field.Forbidden(where, "AWS reserves the name"))
		}
	}
	if compact, err := json.Marshal(env.Variables); err == nil && len(compact) > 4096 {
		c.add(field.TooLong(at.Child("variables"), "", 4096))
	}
	for i, one := range env.ValueFrom {
		where := at.Child("valueFrom").Index(i)
		c.text(where.Child("name"), one.Name, 256, reVariable, "letters, digits and underscores")
		for _, ref := range []*KeyRef{one.SecretKeyRef, one.ConfigMapKeyRef} {
			if ref != nil {
				c.text(where.Child("name"), ref.Name, 253, reObject, "lower-case letters, digits, hyphens and dots")
				c.text(where.Child("key"), ref.Key, 253, reKey, "letters, digits, hyphens, underscores and dots")
			}
		}
	}
}

func (c *checks) parts(at *field.Path, s *Spec) {
	if v := s.VpcConfig; v != nil {
		c.list(at.Child("vpcConfig", "subnetIds"), v.SubnetIDs, 16, reSubnet, "the id of a subnet")
		c.list(at.Child("vpcConfig", "securityGroupIds"), v.SecurityGroupIDs, 5, reGroup, "the id of a security group")
		if (len(v.SubnetIDs) == 0) != (len(v.SecurityGroupIDs) == 0) {
			c.add(field.Required(at.Child("vpcConfig"), "subnets need security groups"))
		}
	}
	for i, one := range s.FileSystemConfigs {
		where := at.Child("fileSystemConfigs").Index(i)
		c.arn(where.Child("arn"), one.Arn, 256, reEFS, "the ARN of an access point")
		c.text(where.Child("localMountPath"), one.LocalMountPath, 160, reMount, "a folder below /mnt")
		if s.VpcConfig == nil {
			c.add(field.Required(at.Child("vpcConfig"), "file systems need a VPC"))
		}
	}
	if s.EphemeralStorage != nil {
		c.number(at.Child("ephemeralStorage", "size"), &s.EphemeralStorage.Size, 512, 32768)
	}
	if s.DeadLetterConfig != nil {
		c.arn(at.Child("deadLetterConfig", "targetArn"), s.DeadLetterConfig.TargetArn, 2048, reTarget, "the ARN of a queue or topic")
	}
	if s.TracingConfig != nil {
		c.oneOf(at.Child("tracingConfig", "mode"), s.TracingConfig.Mode, "Active", "PassThrough")
	}
	if s.SnapStart != nil {
		c.oneOf(at.Child("snapStart", "applyOn"), s.SnapStart.ApplyOn, "PublishedVersions", "None")
	}
	if l := s.LoggingConfig; l != nil {
		c.oneOf(at.Child("loggingConfig", "logFormat"), l.LogFormat, "JSON", "Text")
		c.oneOf(at.Child("loggingConfig", "applicationLogLevel"), l.ApplicationLogLevel, "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
		c.oneOf(at.Child("loggingConfig", "systemLogLevel"), l.SystemLogLevel, "DEBUG", "INFO", "WARN")
		c.text(at.Child("loggingConfig", "logGroup"), l.LogGroup, 512, reGroupLog, "letters, digits and ._/#-")
		if (l.ApplicationLogLevel != "" || l.SystemLogLevel != "") && l.LogFormat != "JSON" {
			c.add(field.Forbidden(at.Child("loggingConfig"), "log levels need the format JSON"))
		}
	}
	if a := s.AsyncInvoke; a != nil {
		c.number(at.Child("asyncInvoke", "maximumRetryAttempts"), a.MaximumRetryAttempts, 0, 2)
		c.number(at.Child("asyncInvoke", "maximumEventAgeInSeconds"), a.MaximumEventAgeInSeconds, 60, 21600)
		c.text(at.Child("asyncInvoke", "onSuccess"), a.OnSuccess, 350, reDest, "the ARN of a destination")
		c.text(at.Child("asyncInvoke", "onFailure"), a.OnFailure, 350, reDest, "the ARN of a destination")
	}
}

func validate(s *Spec, old *Spec) field.ErrorList {
	c, at := checks{region: s.Region}, field.NewPath("spec")
	for name, value := range map[string]string{"functionName": s.FunctionName, "region": s.Region, "role": s.Role} {
		if value == "" {
			c.add(field.Required(at.Child(name), "every function needs it"))
		}
	}
	c.text(at.Child("functionName"), s.FunctionName, 64, reName, "letters, digits, hyphens and underscores")
	c.text(at.Child("region"), s.Region, 32, reRegion, "an AWS region, such as eu-central-1")
	c.oneOf(at.Child("packageType"), s.PackageType, "Zip", "Image")
	c.code(at, s)
	c.text(at.Child("handler"), s.Handler, 128, reHandler, "without blanks, such as app.handler")
	c.arn(at.Child("role"), s.Role, 2048, reRole, "the ARN of an IAM role, such as arn:aws:iam::123456789012:role/name")
	c.text(at.Child("description"), s.Description, 256, nil, "")
	c.number(at.Child("memorySize"), s.MemorySize, 128, 10240)
	c.number(at.Child("timeout"), s.Timeout, 1, 900)
	c.arn(at.Child("kmsKeyArn"), s.KMSKeyArn, 2048, reKMS, "the ARN of a KMS key")
	for i, one := range s.Architectures {
		c.oneOf(at.Child("architectures").Index(i), one, "x86_64", "arm64")
	}
	c.environment(at.Child("environment"), s.Environment)
	if len(s.Layers) > 5 {
		c.add(field.TooMany(at.Child("layers"), len(s.Layers), 5))
	}
	seen := map[string]bool{}
	for i, one := range s.Layers {
		c.arn(at.Child("layers").Index(i), one, 2048, reLayer, "the ARN of a layer's version")
		name := one[:max(0, strings.LastIndexByte(one, ':'))]
		if seen[name] {
			c.add(field.Duplicate(at.Child("layers").Index(i), one))
		}
		seen[name] = true
	}
	c.parts(at, s)
	if len(s.Tags) > 49 {
		c.add(field.TooMany(at.Child("tags"), len(s.Tags), 49))
	}
	for key, value := range s.Tags {
		where := at.Child("tags").Key(key)
		c.text(where, key, 128, reTagKey, "letters, digits, blanks and _.:/=+-@")
		c.text(where, value, 256, reTag, "letters, digits, blanks and _.:/=+-@")
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			c.add(field.Forbidden(where, "AWS reserves it"))
		}
	}
	c.number(at.Child("reservedConcurrency"), s.ReservedConcurrency, 0, 1<<31-1)
	c.oneOf(at.Child("recursiveLoop"), s.RecursiveLoop, "Allow", "Terminate")
	c.arn(at.Child("codeSigningConfigArn"), s.CodeSigningConfigArn, 200, reSigning, "the ARN of a code signing configuration")
	c.oneOf(at.Child("deletionPolicy"), s.DeletionPolicy, "Delete", "Retain")
	if old != nil {
		for name, pair := range map[string][2]string{"functionName": {s.FunctionName, old.FunctionName}, "region": {s.Region, old.Region}} {
			if pair[0] != pair[1] && pair[1] != "" {
				c.add(field.Invalid(at.Child(name), pair[0], "it cannot be changed from "+pair[1]))
			}
		}
	}
	return c.errs
}
