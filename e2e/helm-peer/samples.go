package main

import (
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	status "helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
)

// Times with and without fractions and offsets: all of them stay as they are.
var (
	inUTC     = time.Date(2024, 2, 29, 12, 30, 45, 123456789, time.UTC)
	eastwards = time.Date(2024, 3, 1, 0, 0, 0, 500_000_000, time.FixedZone("", 5*3600+1800))
	westwards = time.Date(2024, 3, 1, 9, 8, 7, 0, time.FixedZone("", -8*3600))
)

const jobManifest = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations:\n    helm.sh/hook: pre-upgrade,post-install\n"

// fullRelease has something in every field.
func fullRelease() *release.Release {
	return &release.Release{
		Name:      "full",
		Namespace: "shop",
		Version:   7,
		Info: &release.Info{
			FirstDeployed: inUTC,
			LastDeployed:  eastwards,
			Deleted:       westwards,
			Description:   "Upgrade \"full\" failed: <timeout> & more \u2028 ü",
			Status:        status.StatusFailed,
			Notes:         "Open http://shop.example\n",
		},
		Chart: fullChart(),
		Config: map[string]any{
			"replicas": float64(3), "ratio": 0.25, "large": 1e21, "none": nil, "list": []any{"a", true, map[string]any{}},
			"nested": map[string]any{"html": "<b>&</b>", "empty": ""},
		},
		Manifest: "---\n# Source: full/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  text: \"<ü>\\t\"\n",
		Hooks: []*release.Hook{
			{
				Name: "migrate", Kind: "Job", Path: "full/templates/job.yaml", Manifest: jobManifest,
				Events:            []release.HookEvent{release.HookPreUpgrade, release.HookPostInstall},
				LastRun:           release.HookExecution{StartedAt: inUTC, CompletedAt: westwards, Phase: release.HookPhaseFailed},
				Weight:            -5,
				DeletePolicies:    []release.HookDeletePolicy{release.HookBeforeHookCreation, release.HookSucceeded, release.HookFailed},
				OutputLogPolicies: []release.HookOutputLogPolicy{release.HookOutputOnFailed, release.HookOutputOnSucceeded},
			},
			{Name: "check", Kind: "Pod", Path: "full/templates/check.yaml", Manifest: "kind: Pod\n", Events: []release.HookEvent{release.HookTest}},
		},
		Labels:      map[string]string{"team": "checkout"},
		ApplyMethod: string(release.ApplyMethodServerSideApply),
	}
}

func fullChart() *chart.Chart {
	loaded := &chart.Chart{
		Metadata: &chart.Metadata{
			Name: "full", Home: "https://full.example", Sources: []string{"https://full.example/source"}, Version: "1.2.3-rc.1+build.5",
			Description: "Has everything", Keywords: []string{"sample"},
			Maintainers: []*chart.Maintainer{{Name: "Team", Email: "team@full.example", URL: "https://full.example/team"}, {Name: "Other"}},
			Icon:        "https://full.example/icon.svg", APIVersion: "v2", Condition: "full.enabled", Tags: "sample", AppVersion: "2024.1",
			Deprecated: true, Annotations: map[string]string{"b": "2", "a": "1"}, KubeVersion: ">=1.25.0-0", Type: "application",
			Dependencies: []*chart.Dependency{
				{
					Name: "database", Version: "~1.0", Repository: "https://charts.example", Condition: "database.enabled", Tags: []string{"back-end"},
					Enabled: true, ImportValues: []any{"data", map[string]any{"child": "a.b", "parent": "c"}}, Alias: "db",
				},
				{Name: "cache", Repository: ""},
			},
		},
		Lock: &chart.Lock{
			Generated: eastwards, Digest: "sha256:00",
			Dependencies: []*chart.Dependency{{Name: "database", Version: "1.0.4", Repository: "https://charts.example"}},
		},
		Templates:     []*common.File{{Name: "templates/a.yaml", ModTime: inUTC, Data: []byte("kind: {{ .Values.kind }}\n")}, {Name: "templates/empty.yaml", Data: []byte{}}},
		Values:        map[string]any{"kind": "ConfigMap", "port": float64(8080), "off": nil},
		Schema:        []byte(`{"type": "object"}`),
		SchemaModTime: westwards,
		Files:         []*common.File{{Name: "logo.png", ModTime: eastwards, Data: []byte{0x89, 0x50, 0, 0xff}}},
		ModTime:       inUTC,
	}
	loaded.AddDependency(&chart.Chart{Metadata: &chart.Metadata{Name: "database", Version: "1.0.4", APIVersion: "v1"}})
	return loaded
}

// leastRelease has nothing that may be left out.
func leastRelease() *release.Release {
	return &release.Release{
		Name: "least", Version: 1, Info: &release.Info{Status: status.StatusPendingInstall},
		Chart: &chart.Chart{Metadata: &chart.Metadata{Name: "least", Version: "0.1.0"}},
	}
}
