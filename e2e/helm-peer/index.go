package main

import (
	"encoding/json"
	"errors"
	"time"

	"helm.sh/helm/v4/pkg/repo/v1"
)

// indexCommand reads a repository's index and looks for one chart, again and again.
func indexCommand(args []string) error {
	flags := newFlags("index")
	repeat := flags.Int("repeat", 1, "how many times")
	output := flags.String("output", "", "write what was found into this file, as JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() < 2 || flags.NArg() > 3 || *repeat < 1 {
		return errors.New(usage)
	}
	var figures figures
	var found *repo.ChartVersion
	for range *repeat {
		begin := time.Now()
		index, err := repo.LoadIndexFile(flags.Arg(0))
		if err != nil {
			return err
		}
		if found, err = index.Get(flags.Arg(1), flags.Arg(2)); err != nil {
			return err
		}
		figures.ran(time.Since(begin))
	}
	if *output != "" {
		text, err := json.Marshal(found)
		if err != nil {
			return err
		}
		if err := put(*output, append(text, '\n')); err != nil {
			return err
		}
	}
	return figures.print()
}
