// Command controlplane is a whole Kubernetes control plane in one binary, for
// tests and demonstrations on one machine.
//
// "controlplane up" supervises re-executions of itself as etcd, kube-apiserver,
// kube-controller-manager and kube-scheduler, and plays kubelet for fake nodes.
// "controlplane stop|start|restart" act on one component of a running instance.
// "controlplane kubectl", also through a link named kubectl, is kubectl.
//
// There is no kubelet and no proxy: no pod logs, no exec, no Service routing.
// Data survives the death of the processes, not that of the machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"go.etcd.io/etcd/server/v3/storage/wal"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/cli"
	basecompatibility "k8s.io/component-base/compatibility"
	logsapi "k8s.io/component-base/logs/api/v1"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	kubescheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

const usage = `usage: controlplane up --dir DIR [flags]
       controlplane stop|start|restart COMPONENT --dir DIR [--kill] [--down DURATION]
       controlplane etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kubectl [flags]`

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	if name != "kubectl" { // a link named kubectl runs as kubectl
		if len(args) == 0 {
			fmt.Fprintln(os.Stderr, usage)
			os.Exit(2)
		}
		name, args = args[0], args[1:]
	}
	switch name {
	case "up":
		exitOn(up(args))
	case "stop", "start", "restart":
		exitOn(control(name, args))
	case etcd:
		wal.SegmentSizeBytes = 4 << 20 // preallocated per instance; the default is 64 MB
		etcdmain.Main(append([]string{name}, args...))
	case apiServer:
		exitOn(runAPIServer(args))
	case controllerManager:
		command := controllermanager.NewControllerManagerCommand()
		command.SetArgs(args)
		os.Exit(cli.Run(command))
	case scheduler:
		command := kubescheduler.NewSchedulerCommand()
		command.SetArgs(args)
		os.Exit(cli.Run(command))
	case "kubectl":
		os.Args = append([]string{name}, args...)
		kubectlutil.CheckErr(cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()))
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
}

func exitOn(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "controlplane:", err)
		os.Exit(1)
	}
}

// listenerFD is where the supervisor leaves the API server's bound socket, so
// that choosing a free port and serving on it cannot race.
const listenerFD = 3

// runAPIServer is kube-apiserver's own command body, plus the inherited listener.
func runAPIServer(args []string) error {
	ctx := genericapiserver.SetupSignalContext()
	options := apiserveroptions.NewServerRunOptions()
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range options.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.FileListener(os.NewFile(listenerFD, "listener"))
	if err != nil {
		return fmt.Errorf("inherited listener: %w", err)
	}
	options.SecureServing.Listener = listener
	registry := options.GenericServerRunOptions.ComponentGlobalsRegistry
	if err := registry.Set(); err != nil {
		return err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	if err := logsapi.ValidateAndApply(options.Logs, registry.FeatureGateFor(basecompatibility.DefaultKubeComponent)); err != nil {
		return err
	}
	completed, err := options.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) != 0 {
		return errors.Join(errs...)
	}
	return apiserver.Run(ctx, completed)
}
