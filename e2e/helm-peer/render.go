package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart"
	"helm.sh/helm/v4/pkg/chart/loader"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/cli"
	"helm.sh/helm/v4/pkg/cli/values"
	"helm.sh/helm/v4/pkg/getter"
	release "helm.sh/helm/v4/pkg/release/v1"
)

// releaseName is the name of every release that is rendered many times.
const releaseName = "bench"

// templateCommand is one whole command: load, render, print.
func templateCommand(args []string) error {
	flags := newFlags("template")
	files := flags.StringArrayP("values", "f", nil, "values files")
	output := flags.String("output", "", "print into this file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return errors.New(usage)
	}
	loaded, err := loadV2(flags.Arg(1))
	if err != nil {
		return err
	}
	given, err := readValues(*files)
	if err != nil {
		return err
	}
	text, err := render(flags.Arg(0), loaded, given)
	if err != nil {
		return err
	}
	return put(*output, text)
}

// renderCommand renders a chart again and again; loading is not part of a rendering's time.
func renderCommand(args []string) error {
	flags := newFlags("render")
	files := flags.StringArrayP("values", "f", nil, "values files")
	repeat := flags.Int("repeat", 1, "how many renderings")
	output := flags.String("output", "", "write the last rendering into this file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *repeat < 1 {
		return errors.New(usage)
	}
	var figures figures
	var text []byte
	for range *repeat {
		begin := time.Now()
		// A rendering changes the chart: it drops subcharts that are not enabled, so each one has its own.
		loaded, err := loadV2(flags.Arg(0))
		if err != nil {
			return err
		}
		given, err := readValues(*files)
		if err != nil {
			return err
		}
		figures.loaded(time.Since(begin))
		begin = time.Now()
		if text, err = render(releaseName, loaded, given); err != nil {
			return err
		}
		figures.ran(time.Since(begin))
	}
	if *output != "" {
		if err := put(*output, text); err != nil {
			return err
		}
	}
	return figures.print()
}

// loadV2 loads a chart as "helm template" does, with its checks.
func loadV2(path string) (*chartv2.Chart, error) {
	charter, err := loader.Load(path)
	if err != nil {
		return nil, err
	}
	loaded, ok := charter.(*chartv2.Chart)
	if !ok {
		return nil, fmt.Errorf("%s is not a chart of version v1 or v2", path)
	}
	if kind := loaded.Metadata.Type; kind != "" && kind != "application" {
		return nil, fmt.Errorf("%s charts are not installable", kind)
	}
	var required []chart.Dependency
	for _, dependency := range loaded.Metadata.Dependencies {
		required = append(required, dependency)
	}
	if len(required) > 0 {
		if err := action.CheckDependencies(loaded, required); err != nil {
			return nil, err
		}
	}
	return loaded, nil
}

func readValues(files []string) (map[string]any, error) {
	options := values.Options{ValueFiles: files}
	return options.MergeValues(getter.All(cli.New()))
}

// render is a dry run of an installation without a cluster, printed as "helm template" prints it.
func render(name string, loaded *chartv2.Chart, given map[string]any) ([]byte, error) {
	client := action.NewInstall(action.NewConfiguration())
	client.DryRunStrategy = action.DryRunClient
	client.ReleaseName = name
	client.Namespace = "default"
	client.Replace = true
	releaser, err := client.Run(loaded, given)
	if err != nil {
		return nil, err
	}
	rendered, ok := releaser.(*release.Release)
	if !ok {
		return nil, errors.New("the release is of an unknown kind")
	}
	var text bytes.Buffer
	fmt.Fprintln(&text, strings.TrimSpace(rendered.Manifest))
	for _, hook := range rendered.Hooks {
		fmt.Fprintf(&text, "---\n# Source: %s\n%s\n", hook.Path, hook.Manifest)
	}
	return text.Bytes(), nil
}

// put writes into a file, or on standard output where there is none.
func put(path string, text []byte) error {
	if path != "" {
		return os.WriteFile(path, text, 0o644)
	}
	_, err := os.Stdout.Write(text)
	return err
}
