package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// The kernel sends a child its parent-death signal when the thread that started
// it ends, so everything is started from the one thread that lives as long as
// the process: the main goroutine's.
func init() { runtime.LockOSThread() }

// supervisor is one instance of the control plane, in one directory.
type supervisor struct {
	program        string // this program's file
	dir            string
	port           *port
	apiServerFlags []string
	timeout        time.Duration // for one component to become ready
	client         kubernetes.Interface
	processes      []*process    // in the order in which they were started; of the main goroutine alone
	exited         chan *process // each component that ended, asked to or not
	requests       chan func()   // what the main goroutine is asked to do
}

// up runs an instance until it is told to end, or a component ends that was not asked to.
func up(args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	dir := flags.String("dir", "", "data directory, made when missing; kept data is used again")
	remove := flags.Bool("remove", false, "remove the data directory at the end, and now those beside it that killed instances left")
	nodes := flags.Int("nodes", 1, "number of fake nodes")
	apiServerExtra := flags.String("apiserver-flags", "", "more kube-apiserver flags, separated by spaces")
	watchStdin := flags.Bool("watch-stdin", false, "stop when standard input ends, as it does when the starting process dies")
	timeout := flags.Duration("timeout", time.Minute, "how long to wait for readiness")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" {
		return errors.New("--dir is required")
	}
	root, err := filepath.Abs(*dir)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	if *watchStdin {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	closeFolder, err := openFolder(root, *remove)
	if err != nil {
		return err
	}
	defer closeFolder()
	if err := logTo(filepath.Join(root, "logs", "supervisor.log")); err != nil {
		return err
	}
	s := &supervisor{
		program: program, dir: root, timeout: *timeout,
		apiServerFlags: append(slices.Clone(apiServerFlags), strings.Fields(*apiServerExtra)...),
		exited:         make(chan *process, 8), requests: make(chan func()),
	}
	defer s.stopAll()
	return s.run(ctx, *nodes)
}

// logTo has what Kubernetes' packages log in this process written to a file, not to standard error.
func logTo(path string) error {
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	klog.LogToStderr(false)
	klog.SetOutput(log)
	return nil
}

// run starts everything, says so, and supervises until ctx ends.
func (s *supervisor) run(ctx context.Context, nodes int) error {
	begin := time.Now()
	config, err := s.startServers()
	if err != nil {
		return err
	}
	defer s.port.release()
	wait, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.startClients(ctx, wait, config, nodes); err != nil {
		return err
	}
	if err := s.serveControl(ctx); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "controlplane: ready at %s in %v\n", config.Host, time.Since(begin).Round(time.Millisecond))
	fmt.Println(s.path("kubeconfig"))
	os.Stdout.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case request := <-s.requests:
			request()
		case p := <-s.exited:
			if !p.stopped {
				return s.ended(p)
			}
		}
	}
}

// startServers starts etcd and the API server and returns the administrator's configuration.
func (s *supervisor) startServers() (*rest.Config, error) {
	keys, err := openPKI(s.path("pki"))
	if err != nil {
		return nil, err
	}
	if s.port, err = reservePort(s.path("port")); err != nil {
		return nil, err
	}
	for path, identity := range map[string][]string{
		"kubeconfig":                 {"admin", "system:masters"},
		"pki/controllers.kubeconfig": {"system:kube-controller-manager", "system:masters"},
		"pki/scheduler.kubeconfig":   {"system:kube-scheduler"},
	} {
		if err := keys.writeKubeconfig(s.path(path), "https://"+s.port.address(), identity[0], identity[1:]...); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{etcd, apiServer} {
		if err := s.startComponent(name); err != nil {
			return nil, err
		}
	}
	config, err := clientcmd.BuildConfigFromFlags("", s.path("kubeconfig"))
	if err != nil {
		return nil, err
	}
	config.QPS = -1 // no client-side limit
	config.ContentType = "application/vnd.kubernetes.protobuf"
	return config, nil
}

// startClients starts, once the API server is ready, all that works through it,
// here until ctx ends or as components, and waits until that does its work.
func (s *supervisor) startClients(ctx, wait context.Context, config *rest.Config, nodes int) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	s.client = client
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := s.until(wait, func() error { return readyz(wait, client) }); err != nil {
		return fmt.Errorf("%s: %w\n%s", apiServer, err, lastLines(s.logPath(apiServer), 10))
	}
	for _, name := range []string{controllerManager, scheduler} {
		if err := s.startComponent(name); err != nil {
			return err
		}
	}
	deleteNamespaces(ctx, client, metadataClient)
	if err := collectGarbage(ctx, client, metadataClient); err != nil {
		return err
	}
	if err := runNodes(ctx, client, nodes); err != nil {
		return err
	}
	if err := s.until(wait, func() error { return hasDefaultAccount(wait, client) }); err != nil {
		return fmt.Errorf("%s: %w\n%s", controllerManager, err, lastLines(s.logPath(controllerManager), 10))
	}
	return nil
}

// startComponent runs this program again as the named component, in the data directory.
func (s *supervisor) startComponent(name string) error {
	if s.find(name) != nil {
		return fmt.Errorf("%s is running", name)
	}
	var args []string
	var socket *os.File
	switch name {
	case etcd:
		args = etcdFlags
	case apiServer:
		var err error
		if socket, err = s.port.listen(); err != nil {
			return err
		}
		defer socket.Close()
		args = s.apiServerFlags
	case controllerManager:
		args = controllerManagerFlags
	case scheduler:
		args = schedulerFlags
	default:
		return fmt.Errorf("no component is named %q", name)
	}
	p, err := startProcess(s.program, s.dir, s.logPath(name), name, args, socket, s.exited)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.processes = append(s.processes, p)
	return nil
}

// stopComponent ends the named component, with first as its first signal, and keeps it down.
func (s *supervisor) stopComponent(name string, first os.Signal) error {
	p := s.find(name)
	if p == nil {
		return fmt.Errorf("%s is not running", name)
	}
	p.stop(first)
	s.processes = slices.DeleteFunc(s.processes, func(other *process) bool { return other == p })
	return nil
}

// find is the running component of that name, or nil.
func (s *supervisor) find(name string) *process {
	for _, p := range s.processes {
		if p.name == name {
			return p
		}
	}
	return nil
}

// stopAll stops clients before the servers that they use, etcd last.
func (s *supervisor) stopAll() {
	for _, name := range []string{scheduler, controllerManager, apiServer, etcd} {
		if p := s.find(name); p != nil {
			p.stop(syscall.SIGTERM)
		}
	}
}

// ended says that a component is no longer there and what its last words were.
func (s *supervisor) ended(p *process) error {
	return fmt.Errorf("%s ended (%v): %s", p.name, p.cmd.ProcessState, lastLines(s.logPath(p.name), 10))
}

// path is that of a file in the data directory.
func (s *supervisor) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// until polls check until it passes, a component ends or the context does.
func (s *supervisor) until(ctx context.Context, check func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	passed := make(chan error, 1)
	go func() { passed <- poll(ctx, check) }()
	select {
	case err := <-passed:
		return err
	case p := <-s.exited:
		return s.ended(p)
	}
}

// poll calls check until it passes or the context ends.
func poll(ctx context.Context, check func() error) error {
	var last error
	for {
		err := check()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w (last answer: %v)", ctx.Err(), last)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// readyz asks the API server whether it is ready.
func readyz(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
	return err
}

// hasDefaultAccount passes when the controller manager has made the default namespace's ServiceAccount.
func hasDefaultAccount(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	return err
}
