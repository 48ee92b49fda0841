// What kubelambda's webhook would be with controller-runtime: typed structs, a defaulter and a validator for
// the same fields, namespaces from the manager's cache. The S3 question counts as answered from a cache.
// It does less than kubelambda: no policies, no names in use, no judging in the mutating phase, no metrics page.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

var group = schema.GroupVersion{Group: "kubelambda.io", Version: "v1alpha1"}

type handler struct {
	namespaces client.Reader
	region     string
}

func (h handler) Default(ctx context.Context, f *LambdaFunction) error {
	request, err := admission.RequestFromContext(ctx)
	if err != nil {
		return err
	}
	var namespace corev1.Namespace
	if err := h.namespaces.Get(ctx, client.ObjectKey{Name: request.Namespace}, &namespace); err != nil {
		return err
	}
	if f.Spec.FunctionName == "" {
		f.Spec.FunctionName = f.Name
		if environment := namespace.Labels["kubelambda.io/environment"]; environment != "" {
			f.Spec.FunctionName = environment + "-" + f.Name
		}
	}
	if f.Spec.Region == "" {
		f.Spec.Region = h.region
	}
	return nil
}

func judge(f *LambdaFunction, old *Spec) error {
	if errs := validate(&f.Spec, old); len(errs) > 0 {
		return apierrors.NewInvalid(group.WithKind("LambdaFunction").GroupKind(), f.Name, errs)
	}
	return nil
}

func (handler) ValidateCreate(_ context.Context, f *LambdaFunction) (admission.Warnings, error) {
	return nil, judge(f, nil)
}

func (handler) ValidateUpdate(_ context.Context, old, f *LambdaFunction) (admission.Warnings, error) {
	return nil, judge(f, &old.Spec)
}

func (handler) ValidateDelete(context.Context, *LambdaFunction) (admission.Warnings, error) {
	return nil, nil
}

func run() error {
	kubeconfig := flag.String("config", "", "kubeconfig")
	port := flag.Int("port", 0, "port to serve on")
	certificates := flag.String("cert-dir", "", "folder of tls.crt and tls.key")
	flag.Parse()

	ctrl.SetLogger(logr.Discard())
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return err
	}
	scheme.AddKnownTypes(group, &LambdaFunction{})
	options := webhook.Options{Host: "127.0.0.1", Port: *port, CertDir: *certificates}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, WebhookServer: webhook.NewServer(options), Metrics: metricsserver.Options{BindAddress: "0"}})
	if err != nil {
		return err
	}
	both := handler{manager.GetClient(), "us-east-1"}
	server := manager.GetWebhookServer()
	server.Register("/mutate", admission.WithDefaulter[*LambdaFunction](scheme, both))
	server.Register("/validate", admission.WithValidator[*LambdaFunction](scheme, both))
	return manager.Start(ctrl.SetupSignalHandler())
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
