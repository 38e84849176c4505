package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"

	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage/driver"
)

// releaseWriteCommand writes one Secret for each way in which Helm stores a release.
func releaseWriteCommand(args []string) error {
	if len(args) != 1 {
		return errors.New(usage)
	}
	secrets := &memorySecrets{}
	for _, write := range []func(*memorySecrets) error{writeHelm4, writeHelm3} {
		if err := write(secrets); err != nil {
			return err
		}
	}
	for _, secret := range secrets.all {
		text, err := json.MarshalIndent(secret, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(args[0], secret.Name+".json"), append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeHelm4 stores the samples as Helm 4's driver does.
func writeHelm4(secrets *memorySecrets) error {
	storage := driver.NewSecrets(secrets)
	for key, sample := range map[string]*release.Release{
		"sh.helm.release.v1.full.v7":  fullRelease(),
		"sh.helm.release.v1.least.v1": leastRelease(),
	} {
		if err := storage.Create(key, sample); err != nil {
			return err
		}
	}
	return nil
}

// readRelease is what Helm 4 makes of a Secret.
type readRelease struct {
	Release *release.Release  `json:"release"`
	Labels  map[string]string `json:"labels"`
}

// releaseReadCommand reads Secrets with Helm 4's driver.
func releaseReadCommand(args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	for _, path := range args {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var secret core.Secret
		if err := json.Unmarshal(text, &secret); err != nil {
			return err
		}
		releaser, err := driver.NewSecrets(&memorySecrets{all: []*core.Secret{&secret}}).Get(secret.Name)
		if err != nil {
			return err
		}
		read, ok := releaser.(*release.Release)
		if !ok {
			return errors.New("the release is of an unknown kind")
		}
		if err := json.NewEncoder(os.Stdout).Encode(readRelease{read, read.Labels}); err != nil {
			return err
		}
	}
	return nil
}

// memorySecrets keeps Secrets in memory; what is not written here is never called.
type memorySecrets struct {
	typed.SecretInterface
	all []*core.Secret
}

func (m *memorySecrets) Create(_ context.Context, secret *core.Secret, _ meta.CreateOptions) (*core.Secret, error) {
	m.all = append(m.all, secret)
	return secret, nil
}

func (m *memorySecrets) Get(_ context.Context, name string, _ meta.GetOptions) (*core.Secret, error) {
	for _, secret := range m.all {
		if secret.Name == name {
			return secret, nil
		}
	}
	return nil, os.ErrNotExist
}
