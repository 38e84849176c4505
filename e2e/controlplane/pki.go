package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// pki is one instance's certificate authority and the directory it lives in.
type pki struct {
	dir   string
	ca    *x509.Certificate
	caKey *ecdsa.PrivateKey
	caPEM []byte
}

// openPKI loads the authority kept in dir, making it (and the service account
// key and the serving certificate) on the first start.
func openPKI(dir string) (*pki, error) {
	p := &pki{dir: dir}
	certPEM, err := os.ReadFile(p.path("ca.crt"))
	if errors.Is(err, fs.ErrNotExist) {
		return p, p.create()
	}
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(p.path("ca.key"))
	if err != nil {
		return nil, err
	}
	cert, _ := pem.Decode(certPEM)
	key, _ := pem.Decode(keyPEM)
	if cert == nil || key == nil {
		return nil, fmt.Errorf("%s: damaged certificate authority", dir)
	}
	p.caPEM = certPEM
	if p.ca, err = x509.ParseCertificate(cert.Bytes); err != nil {
		return nil, err
	}
	p.caKey, err = x509.ParseECPrivateKey(key.Bytes)
	return p, err
}

// path is that of a file in the authority's directory.
func (p *pki) path(name string) string { return filepath.Join(p.dir, name) }

// create makes the authority and everything that one instance needs of it.
func (p *pki) create() error {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	var err error
	if p.caKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	template := template(pkix.Name{CommonName: "controlplane-ca"})
	template.ExtKeyUsage = nil // a CA's would limit what it may sign
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	p.ca = template
	caPEM, caKeyPEM, err := p.sign(template, p.caKey)
	if err != nil {
		return err
	}
	serving := templateFor("kube-apiserver", nil)
	serving.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	serving.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	serving.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)}
	servingPEM, servingKeyPEM, err := p.issue(serving)
	if err != nil {
		return err
	}
	_, accountKeyPEM, err := p.issue(templateFor("service-accounts", nil))
	if err != nil {
		return err
	}
	p.caPEM = caPEM
	for _, file := range []struct {
		name string
		data []byte
	}{
		{"apiserver.crt", servingPEM}, {"apiserver.key", servingKeyPEM},
		{"service-accounts.key", accountKeyPEM},
		{"ca.key", caKeyPEM}, {"ca.crt", caPEM}, // last: its presence says that all the others are there
	} {
		if err := os.WriteFile(p.path(file.name), file.data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// template is a client certificate's.
func template(subject pkix.Name) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	return &x509.Certificate{
		SerialNumber: serial, Subject: subject,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// templateFor is the client certificate of a Kubernetes user and its groups.
func templateFor(user string, groups []string) *x509.Certificate {
	return template(pkix.Name{CommonName: user, Organization: groups})
}

// issue makes a key and signs template for it.
func (p *pki) issue(template *x509.Certificate) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	return p.sign(template, key)
}

// sign signs template for key and encodes both.
func (p *pki) sign(template *x509.Certificate, key *ecdsa.PrivateKey) (certPEM, keyPEM []byte, err error) {
	cert, err := x509.CreateCertificate(rand.Reader, template, p.ca, key.Public(), p.caKey)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

// writeKubeconfig writes a self-contained kubeconfig for a client certificate.
func (p *pki) writeKubeconfig(path, server, user string, groups ...string) error {
	cert, key, err := p.issue(templateFor(user, groups))
	if err != nil {
		return err
	}
	encode := base64.StdEncoding.EncodeToString
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: default
contexts: [{name: default, context: {cluster: default, user: default}}]
clusters: [{name: default, cluster: {server: %q, certificate-authority-data: %q}}]
users: [{name: default, user: {client-certificate-data: %q, client-key-data: %q}}]
`, server, encode(p.caPEM), encode(cert), encode(key))
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
