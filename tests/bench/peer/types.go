// The resource as typed structs, with the deep copies that controller-gen would write.
package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

type LambdaFunction struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec `json:"spec,omitempty"`
}

type Spec struct {
	FunctionName         string            `json:"functionName,omitempty"`
	Region               string            `json:"region,omitempty"`
	PackageType          string            `json:"packageType,omitempty"`
	Code                 Code              `json:"code,omitempty"`
	ImageConfig          *ImageConfig      `json:"imageConfig,omitempty"`
	Runtime              string            `json:"runtime,omitempty"`
	Handler              string            `json:"handler,omitempty"`
	Role                 string            `json:"role,omitempty"`
	Description          string            `json:"description,omitempty"`
	MemorySize           *int64            `json:"memorySize,omitempty"`
	Timeout              *int64            `json:"timeout,omitempty"`
	KMSKeyArn            string            `json:"kmsKeyArn,omitempty"`
	Architectures        []string          `json:"architectures,omitempty"`
	Environment          *Environment      `json:"environment,omitempty"`
	Layers               []string          `json:"layers,omitempty"`
	EphemeralStorage     *EphemeralStorage `json:"ephemeralStorage,omitempty"`
	VpcConfig            *VpcConfig        `json:"vpcConfig,omitempty"`
	FileSystemConfigs    []FileSystem      `json:"fileSystemConfigs,omitempty"`
	DeadLetterConfig     *DeadLetter       `json:"deadLetterConfig,omitempty"`
	TracingConfig        *Tracing          `json:"tracingConfig,omitempty"`
	SnapStart            *SnapStart        `json:"snapStart,omitempty"`
	LoggingConfig        *Logging          `json:"loggingConfig,omitempty"`
	Tags                 map[string]string `json:"tags,omitempty"`
	ReservedConcurrency  *int64            `json:"reservedConcurrency,omitempty"`
	AsyncInvoke          *AsyncInvoke      `json:"asyncInvoke,omitempty"`
	RecursiveLoop        string            `json:"recursiveLoop,omitempty"`
	CodeSigningConfigArn string            `json:"codeSigningConfigArn,omitempty"`
	DeletionPolicy       string            `json:"deletionPolicy,omitempty"`
	Suspend              bool              `json:"suspend,omitempty"`
}

type Code struct {
	S3Bucket            string `json:"s3Bucket,omitempty"`
	S3Key               string `json:"s3Key,omitempty"`
	S3ObjectVersion     string `json:"s3ObjectVersion,omitempty"`
	S3ObjectStorageMode string `json:"s3ObjectStorageMode,omitempty"`
	SourceKMSKeyArn     string `json:"sourceKMSKeyArn,omitempty"`
	ImageURI            string `json:"imageUri,omitempty"`
}

type ImageConfig struct {
	EntryPoint       []string `json:"entryPoint,omitempty"`
	Command          []string `json:"command,omitempty"`
	WorkingDirectory string   `json:"workingDirectory,omitempty"`
}

type Environment struct {
	Variables map[string]string `json:"variables,omitempty"`
	ValueFrom []ValueFrom       `json:"valueFrom,omitempty"`
}

type ValueFrom struct {
	Name            string  `json:"name"`
	SecretKeyRef    *KeyRef `json:"secretKeyRef,omitempty"`
	ConfigMapKeyRef *KeyRef `json:"configMapKeyRef,omitempty"`
	Optional        bool    `json:"optional,omitempty"`
}

type KeyRef struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

type EphemeralStorage struct {
	Size int64 `json:"size"`
}

type VpcConfig struct {
	SubnetIDs        []string `json:"subnetIds,omitempty"`
	SecurityGroupIDs []string `json:"securityGroupIds,omitempty"`
	Ipv6             bool     `json:"ipv6AllowedForDualStack,omitempty"`
}

type FileSystem struct {
	Arn            string `json:"arn"`
	LocalMountPath string `json:"localMountPath"`
}

type DeadLetter struct {
	TargetArn string `json:"targetArn,omitempty"`
}

type Tracing struct {
	Mode string `json:"mode,omitempty"`
}

type SnapStart struct {
	ApplyOn string `json:"applyOn,omitempty"`
}

type Logging struct {
	LogFormat           string `json:"logFormat,omitempty"`
	ApplicationLogLevel string `json:"applicationLogLevel,omitempty"`
	SystemLogLevel      string `json:"systemLogLevel,omitempty"`
	LogGroup            string `json:"logGroup,omitempty"`
}

type AsyncInvoke struct {
	MaximumRetryAttempts     *int64 `json:"maximumRetryAttempts,omitempty"`
	MaximumEventAgeInSeconds *int64 `json:"maximumEventAgeInSeconds,omitempty"`
	OnSuccess                string `json:"onSuccess,omitempty"`
	OnFailure                string `json:"onFailure,omitempty"`
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

func cloneList[T any](list []T) []T {
	if list == nil {
		return nil
	}
	return append(make([]T, 0, len(list)), list...)
}

func cloneMap(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func (in *LambdaFunction) DeepCopyObject() runtime.Object {
	out := &LambdaFunction{TypeMeta: in.TypeMeta, Spec: in.Spec}
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	s := &out.Spec
	s.ImageConfig = clone(s.ImageConfig)
	if s.ImageConfig != nil {
		s.ImageConfig.EntryPoint = cloneList(s.ImageConfig.EntryPoint)
		s.ImageConfig.Command = cloneList(s.ImageConfig.Command)
	}
	s.MemorySize, s.Timeout = clone(s.MemorySize), clone(s.Timeout)
	s.Architectures, s.Layers = cloneList(s.Architectures), cloneList(s.Layers)
	s.Environment = clone(s.Environment)
	if s.Environment != nil {
		s.Environment.Variables = cloneMap(s.Environment.Variables)
		s.Environment.ValueFrom = cloneList(s.Environment.ValueFrom)
		for i := range s.Environment.ValueFrom {
			one := &s.Environment.ValueFrom[i]
			one.SecretKeyRef, one.ConfigMapKeyRef = clone(one.SecretKeyRef), clone(one.ConfigMapKeyRef)
		}
	}
	s.EphemeralStorage = clone(s.EphemeralStorage)
	s.VpcConfig = clone(s.VpcConfig)
	if s.VpcConfig != nil {
		s.VpcConfig.SubnetIDs = cloneList(s.VpcConfig.SubnetIDs)
		s.VpcConfig.SecurityGroupIDs = cloneList(s.VpcConfig.SecurityGroupIDs)
	}
	s.FileSystemConfigs = cloneList(s.FileSystemConfigs)
	s.DeadLetterConfig, s.TracingConfig = clone(s.DeadLetterConfig), clone(s.TracingConfig)
	s.SnapStart, s.LoggingConfig = clone(s.SnapStart), clone(s.LoggingConfig)
	s.Tags = cloneMap(s.Tags)
	s.ReservedConcurrency = clone(s.ReservedConcurrency)
	s.AsyncInvoke = clone(s.AsyncInvoke)
	if s.AsyncInvoke != nil {
		s.AsyncInvoke.MaximumRetryAttempts = clone(s.AsyncInvoke.MaximumRetryAttempts)
		s.AsyncInvoke.MaximumEventAgeInSeconds = clone(s.AsyncInvoke.MaximumEventAgeInSeconds)
	}
	return out
}
