package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net"
	"time"

	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/component-base/version"
	"k8s.io/utils/ptr"
)

// outcomeAnnotation on a pod says what its containers do. Without it a Job's
// pod succeeds and any other pod runs and is ready. It may be changed at any time.
const outcomeAnnotation = "controlplane.test/outcome" // run, unready, pending, succeed, fail

// runNodes registers fake nodes and plays kubelet for the pods bound to them, until ctx ends.
func runNodes(ctx context.Context, client kubernetes.Interface, count int) error {
	for i := range count {
		if err := registerNode(ctx, client, fmt.Sprintf("node-%d", i)); err != nil {
			return fmt.Errorf("node-%d: %w", i, err)
		}
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermNotEqualSelector("spec.nodeName", "").String()
	}))
	pods := factory.Core().V1().Pods()
	reconcile := func(key string) error {
		namespace, name, _ := cache.SplitMetaNamespaceKey(key)
		pod, err := pods.Lister().Pods(namespace).Get(name)
		if err != nil {
			return nil // gone
		}
		return syncPod(ctx, client, pod.DeepCopy())
	}
	runQueue(ctx, pods.Informer(), 8, reconcile)
	factory.Start(ctx.Done())
	return nil
}

// runQueue calls reconcile for each object that informer reports, again when it fails.
func runQueue(ctx context.Context, informer cache.SharedInformer, workers int, reconcile func(key string) error) {
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](20*time.Millisecond, 5*time.Second))
	context.AfterFunc(ctx, queue.ShutDown)
	add := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			queue.Add(key)
		}
	}
	informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, object any) { add(object) }})
	for range workers {
		go func() {
			for {
				key, shutdown := queue.Get()
				if shutdown {
					return
				}
				if err := reconcile(key); err != nil {
					queue.AddRateLimited(key)
				} else {
					queue.Forget(key)
				}
				queue.Done(key)
			}
		}()
	}
}

// registerNode makes a Ready node and keeps its lease.
func registerNode(ctx context.Context, client kubernetes.Interface, name string) error {
	node := &core.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		core.LabelHostname: name, core.LabelOSStable: "linux", core.LabelArchStable: "amd64",
	}}}
	node.Status.Capacity = core.ResourceList{
		core.ResourceCPU: resource.MustParse("1000"), core.ResourceMemory: resource.MustParse("4Ti"),
		core.ResourceEphemeralStorage: resource.MustParse("4Ti"), core.ResourcePods: resource.MustParse("10000"),
	}
	node.Status.Allocatable = node.Status.Capacity
	node.Status.Conditions = []core.NodeCondition{{Type: core.NodeReady, Status: core.ConditionTrue, Reason: "KubeletReady",
		LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now()}}
	node.Status.Addresses = []core.NodeAddress{{Type: core.NodeInternalIP, Address: "192.0.2.10"}, {Type: core.NodeHostName, Address: name}}
	node.Status.NodeInfo = core.NodeSystemInfo{KubeletVersion: version.Get().GitVersion, OperatingSystem: "linux", Architecture: "amd64"}
	if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	go func() {
		for ticker := time.Tick(10 * time.Second); ; {
			lease := &coordination.Lease{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: core.NamespaceNodeLease},
				Spec: coordination.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: ptr.To[int32](40), RenewTime: ptr.To(metav1.NowMicro())}}
			if _, err := client.CoordinationV1().Leases(lease.Namespace).Update(ctx, lease, metav1.UpdateOptions{}); apierrors.IsNotFound(err) {
				client.CoordinationV1().Leases(lease.Namespace).Create(ctx, lease, metav1.CreateOptions{})
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker:
			}
		}
	}()
	return nil
}

// syncPod brings a bound pod's status to what its outcome asks for.
func syncPod(ctx context.Context, client kubernetes.Interface, pod *core.Pod) error {
	if pod.DeletionTimestamp != nil {
		err := client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name,
			metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0), Preconditions: metav1.NewUIDPreconditions(string(pod.UID))})
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil
		}
		return err
	}
	if pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed {
		return nil
	}
	before := pod.Status.DeepCopy()
	setStatus(pod)
	if equality.Semantic.DeepEqual(before, &pod.Status) {
		return nil
	}
	_, err := client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// setStatus makes pod's status that of its outcome.
func setStatus(pod *core.Pod) {
	outcome := pod.Annotations[outcomeAnnotation]
	if owner := metav1.GetControllerOf(pod); outcome == "" && owner != nil && owner.Kind == "Job" {
		outcome = "succeed"
	}
	status, now := &pod.Status, metav1.Now()
	if status.StartTime == nil {
		status.StartTime = &now
	}
	ready, state := core.ConditionTrue, core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: *status.StartTime}}
	status.Phase = core.PodRunning
	switch outcome {
	case "pending":
		ready, status.Phase = core.ConditionFalse, core.PodPending
		state = core.ContainerState{Waiting: &core.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "the outcome annotation asks for it"}}
	case "unready":
		ready = core.ConditionFalse
	case "succeed":
		ready, status.Phase, state = core.ConditionFalse, core.PodSucceeded, terminated(0, now)
	case "fail":
		ready, status.Phase, state = core.ConditionFalse, core.PodFailed, terminated(1, now)
	}
	if status.Phase != core.PodPending && status.PodIP == "" {
		hash := fnv.New32a()
		hash.Write([]byte(pod.UID))
		ip := make(net.IP, 4)
		binary.BigEndian.PutUint32(ip, 10<<24|hash.Sum32()>>8)
		status.HostIP, status.HostIPs = "192.0.2.10", []core.HostIP{{IP: "192.0.2.10"}}
		status.PodIP, status.PodIPs = ip.String(), []core.PodIP{{IP: ip.String()}}
	}
	setCondition(status, core.PodInitialized, core.ConditionTrue, now)
	setCondition(status, core.ContainersReady, ready, now)
	setCondition(status, core.PodReady, ready, now)
	status.InitContainerStatuses = containerStatuses(pod.Spec.InitContainers, terminated(0, *status.StartTime), true)
	status.ContainerStatuses = containerStatuses(pod.Spec.Containers, state, ready == core.ConditionTrue)
}

// terminated is the state of a container that ended with code.
func terminated(code int32, at metav1.Time) core.ContainerState {
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	return core.ContainerState{Terminated: &core.ContainerStateTerminated{ExitCode: code, Reason: reason, StartedAt: at, FinishedAt: at}}
}

// containerStatuses gives every container the same state.
func containerStatuses(containers []core.Container, state core.ContainerState, ready bool) []core.ContainerStatus {
	var statuses []core.ContainerStatus
	for _, c := range containers {
		statuses = append(statuses, core.ContainerStatus{Name: c.Name, Image: c.Image, ImageID: c.Image,
			ContainerID: "fake://" + c.Name, State: state, Ready: ready, Started: ptr.To(state.Running != nil)})
	}
	return statuses
}

// setCondition sets a pod's condition and moves its transition time when the value changes.
func setCondition(status *core.PodStatus, kind core.PodConditionType, value core.ConditionStatus, now metav1.Time) {
	for i := range status.Conditions {
		if c := &status.Conditions[i]; c.Type == kind {
			if c.Status != value {
				c.Status, c.LastTransitionTime = value, now
			}
			return
		}
	}
	status.Conditions = append(status.Conditions, core.PodCondition{Type: kind, Status: value, LastTransitionTime: now})
}
