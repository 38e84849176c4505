package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// figures are what a command took.
type figures struct {
	// Load holds the time of each loading, in nanoseconds.
	Load []int64 `json:"load,omitempty"`
	// Run holds the time of each repetition, in nanoseconds.
	Run []int64 `json:"run"`
	// Peak is the most memory that the process held at once, in bytes.
	Peak int64 `json:"peak"`
	// Anonymous is the part of it that is no page of a file.
	Anonymous int64 `json:"anonymous"`
}

func (f *figures) loaded(time time.Duration) { f.Load = append(f.Load, time.Nanoseconds()) }
func (f *figures) ran(time time.Duration)    { f.Run = append(f.Run, time.Nanoseconds()) }

// print ends a command: the memory is that of the whole process.
func (f *figures) print() error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	if f.Peak, err = memory(string(status), "VmHWM"); err != nil {
		return err
	}
	files, err := memory(string(status), "RssFile")
	if err != nil {
		return err
	}
	f.Anonymous = f.Peak - files
	return json.NewEncoder(os.Stdout).Encode(f)
}

// memory is a figure of /proc/self/status, which counts kibibytes, in bytes.
func memory(status, name string) (int64, error) {
	for line := range strings.Lines(status) {
		rest, found := strings.CutPrefix(line, name+":")
		if !found {
			continue
		}
		kibibytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		return kibibytes << 10, err
	}
	return 0, fmt.Errorf("the kernel tells no %s", name)
}

func newFlags(name string) *pflag.FlagSet {
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.Usage = func() { fmt.Fprintln(os.Stderr, usage) }
	return flags
}
