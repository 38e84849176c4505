package main

// Paths are relative to the data directory, where the components run: a unix
// socket's path may not be longer than 107 bytes.
const etcdURL = "unix://etcd.sock"

// The components' names, which are also this program's subcommands.
const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
)

var etcdFlags = []string{
	"--data-dir=etcd", "--listen-client-urls=" + etcdURL, "--listen-peer-urls=unix://peer.sock",
	"--advertise-client-urls=http://127.0.0.1:0", // never used
	"--unsafe-no-fsync",                          // survives the process's death, not the machine's
	"--log-level=warn",
}

var apiServerFlags = []string{
	"--etcd-servers=" + etcdURL, "--bind-address=127.0.0.1",
	"--advertise-address=192.0.2.1", // never used, but found by looking for a network interface when not given
	"--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/16",
	"--tls-cert-file=pki/apiserver.crt", "--tls-private-key-file=pki/apiserver.key",
	"--client-ca-file=pki/ca.crt", "--authorization-mode=RBAC",
	"--service-account-issuer=https://kubernetes.default.svc",
	"--service-account-key-file=pki/service-accounts.key",
	"--service-account-signing-key-file=pki/service-accounts.key",
	"--allow-privileged=true", "--profiling=false",
	"--disable-admission-plugins=TaintNodesByCondition", // no node-lifecycle controller takes the taint off
}

var controllerManagerFlags = []string{
	"--kubeconfig=pki/controllers.kubeconfig", "--secure-port=0", "--leader-elect=false", "--profiling=false",
	"--root-ca-file=pki/ca.crt", "--service-account-private-key-file=pki/service-accounts.key",
	"--kube-api-qps=1000", "--kube-api-burst=1000", "--kube-api-content-type=application/vnd.kubernetes.protobuf",
	"--controllers=*,-node-lifecycle-controller,-node-ipam-controller,-taint-eviction-controller,-device-taint-eviction-controller," +
		"-persistentvolume-attach-detach-controller,-persistentvolume-expander-controller,-ephemeral-volume-controller," +
		"-certificatesigningrequest-signing-controller,-certificatesigningrequest-approving-controller,-horizontal-pod-autoscaler-controller" +
		ownControllers,
}

var schedulerFlags = []string{
	"--kubeconfig=pki/scheduler.kubeconfig", "--secure-port=0", "--leader-elect=false", "--profiling=false",
	"--kube-api-qps=1000", "--kube-api-burst=1000", "--kube-api-content-type=application/vnd.kubernetes.protobuf",
}
