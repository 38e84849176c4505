package main

import (
	"time"

	chart "helm.sh/helm/v3/pkg/chart"
	release "helm.sh/helm/v3/pkg/release"
	driver "helm.sh/helm/v3/pkg/storage/driver"
	helmtime "helm.sh/helm/v3/pkg/time"
)

// writeHelm3 stores a sample as Helm 3's driver does, whose times may be empty texts.
func writeHelm3(secrets *memorySecrets) error {
	sample := &release.Release{
		Name: "old", Namespace: "shop", Version: 2,
		Info: &release.Info{
			FirstDeployed: helmtime.Time{Time: inUTC}, LastDeployed: helmtime.Time{Time: eastwards},
			Description: "Upgrade complete", Status: release.StatusSuperseded,
		},
		Chart: &chart.Chart{
			Metadata:  &chart.Metadata{Name: "old", Version: "0.9.0", APIVersion: "v1"},
			Templates: []*chart.File{{Name: "templates/a.yaml", Data: []byte("kind: ConfigMap\n")}},
			Values:    map[string]any{"a": float64(1)},
		},
		Config:   map[string]any{"b": []any{"c"}},
		Manifest: "---\n# Source: old/templates/a.yaml\nkind: ConfigMap\n",
		Hooks: []*release.Hook{
			{
				Name: "done", Kind: "Job", Path: "old/templates/done.yaml", Manifest: "kind: Job\n", Events: []release.HookEvent{release.HookPostInstall},
				LastRun: release.HookExecution{
					StartedAt: helmtime.Time{Time: inUTC}, CompletedAt: helmtime.Time{Time: inUTC.Add(time.Minute)}, Phase: release.HookPhaseSucceeded,
				},
				DeletePolicies: []release.HookDeletePolicy{release.HookBeforeHookCreation},
			},
			{Name: "later", Kind: "Pod", Path: "old/templates/later.yaml", Manifest: "kind: Pod\n", Events: []release.HookEvent{release.HookTest}},
		},
		Labels: map[string]string{"team": "checkout"},
	}
	return driver.NewSecrets(secrets).Create("sh.helm.release.v1.old.v2", sample)
}
