// Writes what Helm and helm-controller make of releases, one line of JSON for each file with the JSON of one.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"

	"go.yaml.in/yaml/v2"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	release "helm.sh/helm/v4/pkg/release/v1"
	sigs "sigs.k8s.io/yaml"
)

// observation has the fields of helm-controller's type of this name, in its order.
type observation struct {
	Name          string         `json:"name"`
	Version       int            `json:"version"`
	Info          release.Info   `json:"info"`
	ChartMetadata chart.Metadata `json:"chartMetadata"`
	Config        map[string]any `json:"config"`
	Manifest      string         `json:"manifest"`
	Hooks         []release.Hook `json:"hooks"`
	Namespace     string         `json:"namespace"`
	OCIDigest     string         `json:"ociDigest,omitempty"`
}

type answer struct {
	Input              string `json:"input"`
	JSON               string `json:"json"`
	Digest             string `json:"digest"`
	DigestWithArtifact string `json:"digest_with_artifact"`
	Values             string `json:"values"`
	ValuesDigest       string `json:"values_digest"`
}

func main() {
	for _, path := range os.Args[1:] {
		input, err := os.ReadFile(path)
		check(err)
		var rel release.Release
		check(json.Unmarshal(input, &rel))
		written, err := json.Marshal(&rel)
		check(err)
		seen := observation{Name: rel.Name, Version: rel.Version, Info: *rel.Info, ChartMetadata: *rel.Chart.Metadata,
			Manifest: rel.Manifest, Namespace: rel.Namespace}
		if len(rel.Config) > 0 {
			seen.Config = rel.Config
		}
		for _, hook := range rel.Hooks {
			if !slices.Contains(hook.Events, release.HookTest) {
				seen.Hooks = append(seen.Hooks, *hook)
			}
		}
		result := answer{Input: string(input), JSON: string(written), Digest: digestOf(seen)}
		seen.OCIDigest = "sha256:abc"
		result.DigestWithArtifact = digestOf(seen)
		var values bytes.Buffer
		if len(rel.Config) > 0 {
			object := sigs.JSONObjectToYAMLObject(rel.Config)
			sorted(object)
			check(yaml.NewEncoder(&values).Encode(object))
		}
		result.Values, result.ValuesDigest = values.String(), digest(values.Bytes())
		check(json.NewEncoder(os.Stdout).Encode(result))
	}
}

func digestOf(seen observation) string {
	var text bytes.Buffer
	check(json.NewEncoder(&text).Encode(seen))
	return digest(text.Bytes())
}

func digest(text []byte) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(text))
}

func sorted(value any) {
	switch value := value.(type) {
	case yaml.MapSlice:
		sort.Slice(value, func(i, j int) bool { return value[i].Key.(string) < value[j].Key.(string) })
		for _, item := range value {
			sorted(item.Value)
		}
	case []any:
		for _, item := range value {
			sorted(item)
		}
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
