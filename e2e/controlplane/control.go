package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// controlSocket is where a running instance takes requests, in its data
// directory: both sides go there first, because of the bound on a socket's path.
//
// A request is one line, "stop COMPONENT term|kill" or "start COMPONENT". The
// answer is one line, "ok" or a failure's text, sent when the component is gone
// or ready. Whoever may enter the directory may ask.
const controlSocket = "control.sock"

// control is the command that asks a running instance to stop or start one
// component, or both with a time between them.
func control(verb string, args []string) error {
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	dir := flags.String("dir", "", "data directory of the running instance")
	kill := flags.Bool("kill", false, "kill it instead of asking it to end")
	down := flags.Duration("down", 0, "how long it stays down on a restart")
	var component string
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		component, args = args[0], args[1:]
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if component == "" || *dir == "" || flags.NArg() != 0 {
		return errors.New(usage)
	}
	if err := os.Chdir(*dir); err != nil {
		return err
	}
	how := "term"
	if *kill {
		how = "kill"
	}
	if verb != "start" {
		if err := ask("stop " + component + " " + how); err != nil {
			return err
		}
	}
	if verb == "restart" {
		time.Sleep(*down)
	}
	if verb != "stop" {
		return ask("start " + component)
	}
	return nil
}

// ask sends one request to the instance on the working directory.
func ask(request string) error {
	connection, err := net.Dial("unix", controlSocket)
	if err != nil {
		return fmt.Errorf("no instance is ready here: %w", err)
	}
	defer connection.Close()
	if _, err := fmt.Fprintln(connection, request); err != nil {
		return err
	}
	answer, err := io.ReadAll(connection)
	if err != nil {
		return err
	}
	if text := strings.TrimSpace(string(answer)); text != "ok" {
		return fmt.Errorf("%s: %s", request, text)
	}
	return nil
}

// serveControl takes requests until ctx ends.
func (s *supervisor) serveControl(ctx context.Context) error {
	if err := os.Chdir(s.dir); err != nil {
		return err
	}
	if err := os.Remove(controlSocket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", controlSocket)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go s.answer(ctx, connection)
		}
	}()
	return nil
}

// answer reads one request, carries it out and says how that went.
func (s *supervisor) answer(ctx context.Context, connection net.Conn) {
	defer connection.Close()
	connection.SetReadDeadline(time.Now().Add(stopGrace))
	line, err := bufio.NewReader(io.LimitReader(connection, 256)).ReadString('\n')
	if err != nil {
		return
	}
	if err := s.carryOut(ctx, strings.Fields(line)); err != nil {
		fmt.Fprintln(connection, err)
		return
	}
	fmt.Fprintln(connection, "ok")
}

// carryOut does what a request asks for and waits until it is so.
func (s *supervisor) carryOut(ctx context.Context, words []string) error {
	switch {
	case len(words) == 3 && words[0] == "stop":
		signal := syscall.SIGTERM
		if words[2] == "kill" {
			signal = syscall.SIGKILL
		}
		return s.onMain(ctx, func() error { return s.stopComponent(words[1], signal) })
	case len(words) == 2 && words[0] == "start":
		if err := s.onMain(ctx, func() error { return s.startComponent(words[1]) }); err != nil {
			return err
		}
		return s.waitReady(ctx, words[1])
	default:
		return errors.New("unknown request")
	}
}

// onMain has the main goroutine call do, the only one that may start processes.
func (s *supervisor) onMain(ctx context.Context, do func() error) error {
	result := make(chan error, 1)
	select {
	case s.requests <- func() { result <- do() }:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// waitReady waits until a component that was started again works. Those beside
// the API server have no address to ask: they work as soon as they run.
func (s *supervisor) waitReady(ctx context.Context, name string) error {
	if name != apiServer && name != etcd {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if !s.isRunning(ctx, apiServer) {
		return nil // etcd was started while the API server is kept down
	}
	return poll(ctx, func() error { return readyz(ctx, s.client) })
}

// isRunning says whether the named component was started and not stopped.
func (s *supervisor) isRunning(ctx context.Context, name string) bool {
	running := false
	err := s.onMain(ctx, func() error {
		running = s.find(name) != nil
		return nil
	})
	return err == nil && running
}

// logPath is where the named component writes.
func (s *supervisor) logPath(name string) string {
	return s.path(filepath.Join("logs", name+".log"))
}
