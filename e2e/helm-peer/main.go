// Runs Helm's own library, so that flux-helm can be compared with it: what it renders, how long that takes, and what
// release records it writes and reads.
package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
)

const usage = `Runs Helm's own library for comparisons.

Usage:
  helm-peer template NAME CHART [-f FILE]              print the manifests as "helm template" does
  helm-peer render CHART [-f FILE] [--repeat N]        load once, render N times, print the figures as JSON
  helm-peer index FILE CHART [VERSION] [--repeat N]    read a repository index and look for a chart, N times
  helm-peer release-write DIR                          write Secrets as Helm 3 and Helm 4 store releases
  helm-peer release-read FILE...                       print what Helm 4 reads from such Secrets, one JSON line each

template, render and index take --output FILE for what came out.`

func main() {
	// Helm warns of charts on standard error; a figure must not hold the time of that.
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	switch args[0] {
	case "template":
		return templateCommand(args[1:])
	case "render":
		return renderCommand(args[1:])
	case "index":
		return indexCommand(args[1:])
	case "release-write":
		return releaseWriteCommand(args[1:])
	case "release-read":
		return releaseReadCommand(args[1:])
	case "-h", "--help", "help":
		fmt.Println(usage)
		return nil
	default:
		return errors.New(usage)
	}
}
