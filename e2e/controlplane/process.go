package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// stopGrace is how long a component may take to stop before it is killed. An
// API server with open watches would take a minute.
const stopGrace = 2 * time.Second

// process is one running component.
type process struct {
	name    string
	cmd     *exec.Cmd
	stopped bool          // this program asked it to end
	done    chan struct{} // closed when it has ended
}

// startProcess runs program as the named component in dir. It reports on exited when it ends.
// It must be called on the main goroutine: see init.
func startProcess(program, dir, logPath, name string, args []string, inherit *os.File, exited chan<- *process) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(program, append([]string{name}, args...)...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = log, log
	if inherit != nil {
		cmd.ExtraFiles = []*os.File{inherit} // becomes listenerFD
	}
	// Its own group, so that a terminal's ^C reaches only the supervisor; killed when the supervisor dies.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{name: name, cmd: cmd, done: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.done)
		exited <- p
	}()
	return p, nil
}

// stop ends the process and returns when it is gone.
func (p *process) stop(first os.Signal) {
	p.stopped = true
	p.cmd.Process.Signal(first) // an error says that it is gone already
	select {
	case <-p.done:
	case <-time.After(stopGrace):
		p.cmd.Process.Kill()
		<-p.done
	}
}

// lastLines is the end of a log, for messages about a component whose log may be removed.
func lastLines(path string, count int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) > count {
		lines = lines[len(lines)-count:]
	}
	return fmt.Sprintf("%s ends with:\n%s", path, strings.Join(lines, "\n"))
}
