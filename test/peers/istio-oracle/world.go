package main

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/resource"
	kubelib "istio.io/istio/pkg/kube"
)

// world is what a cluster would hold after all objects were applied.
type world struct {
	kubernetes []runtime.Object
	istio      []config.Config
	mesh       *meshconfig.MeshConfig
	services   []*corev1.Service
	pods       []*corev1.Pod
	refused    map[string]string
}

// read does what the API server and the controllers of a cluster do: validation, defaults, endpoint slices, namespaces.
func read(objects []json.RawMessage, admission *admission) (*world, error) {
	w := &world{mesh: mesh.DefaultMeshConfig(), refused: map[string]string{}}
	byHand := map[string]bool{}
	for _, raw := range objects {
		var head metav1.PartialObjectMetadata
		if err := json.Unmarshal(raw, &head); err != nil {
			return nil, err
		}
		group, _, found := strings.Cut(head.APIVersion, "/")
		if !found {
			group = ""
		}
		if reason := admission.schema(raw); reason != "" {
			w.refused[refOf(head)] = reason
			continue
		}
		if strings.HasSuffix(group, "istio.io") {
			if err := w.addIstio(raw, head); err != nil {
				return nil, err
			}
			continue
		}
		if group == "gateway.networking.k8s.io" {
			raw = withRouteDefaults(raw)
		}
		decoded, _, err := kubelib.IstioCodec.UniversalDeserializer().Decode(raw, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", refOf(head), err)
		}
		switch object := decoded.(type) {
		case *corev1.Service:
			for i := range object.Spec.Ports {
				port := &object.Spec.Ports[i]
				if port.TargetPort == (intstr.IntOrString{}) {
					port.TargetPort = intstr.FromInt32(port.Port)
				}
				if port.Protocol == "" {
					port.Protocol = corev1.ProtocolTCP
				}
			}
			w.services = append(w.services, object)
		case *corev1.Pod:
			for i := range object.Spec.Containers {
				for j := range object.Spec.Containers[i].Ports {
					if port := &object.Spec.Containers[i].Ports[j]; port.Protocol == "" {
						port.Protocol = corev1.ProtocolTCP
					}
				}
			}
			w.pods = append(w.pods, object)
		case *discoveryv1.EndpointSlice:
			byHand[object.Namespace+"/"+object.Labels[discoveryv1.LabelServiceName]] = true
		case *corev1.ConfigMap:
			if object.Namespace == "istio-system" && object.Name == "istio" {
				if w.mesh, err = mesh.ApplyMeshConfigDefaults(object.Data["mesh"]); err != nil {
					return nil, err
				}
			}
		}
		w.kubernetes = append(w.kubernetes, decoded)
	}
	for _, service := range w.services {
		if len(service.Spec.Selector) > 0 && service.Spec.Type != corev1.ServiceTypeExternalName {
			w.kubernetes = append(w.kubernetes, sliceOf(service, w.pods))
		}
	}
	w.addNamespaces()
	return w, nil
}

func (w *world) addIstio(raw json.RawMessage, head metav1.PartialObjectMetadata) error {
	var kind crd.IstioKind
	if err := json.Unmarshal(raw, &kind); err != nil {
		return err
	}
	gvk := kind.GroupVersionKind()
	schema, found := collections.PilotGatewayAPI().FindByGroupVersionAliasesKind(resource.FromKubernetesGVK(&gvk))
	if !found {
		return nil
	}
	object, err := crd.ConvertObject(schema, &kind, "cluster.local")
	if err != nil {
		w.refused[refOf(head)] = err.Error()
		return nil
	}
	if _, err := schema.ValidateConfig(*object); err != nil {
		w.refused[refOf(head)] = err.Error()
		return nil
	}
	w.istio = append(w.istio, *object)
	return nil
}

// addNamespaces creates those that objects are in and nobody wrote.
func (w *world) addNamespaces() {
	known := map[string]bool{}
	for _, object := range w.kubernetes {
		if namespace, ok := object.(*corev1.Namespace); ok {
			known[namespace.Name] = true
		}
	}
	add := func(name string) {
		if name != "" && !known[name] {
			known[name] = true
			meta := metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/metadata.name": name}}
			w.kubernetes = append(w.kubernetes, &corev1.Namespace{ObjectMeta: meta})
		}
	}
	for _, object := range w.kubernetes {
		if accessor, ok := object.(metav1.Object); ok {
			add(accessor.GetNamespace())
		}
	}
	for _, object := range w.istio {
		add(object.Namespace)
	}
	add("istio-system")
}

func refOf(head metav1.PartialObjectMetadata) string {
	return head.Kind + "/" + head.Namespace + "/" + head.Name
}

// sliceOf is what the endpoint slice controller makes of a Service: its pods with an address, unready ones marked so.
func sliceOf(service *corev1.Service, pods []*corev1.Pod) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name:      service.Name + "-made",
			Namespace: service.Namespace,
			Labels:    map[string]string{discoveryv1.LabelServiceName: service.Name},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	var first *corev1.Pod
	for _, pod := range podsOf(service, pods) {
		if first == nil {
			first = pod
		}
		ready := isReady(pod)
		no := false
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{pod.Status.PodIP},
			Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &ready, Terminating: &no},
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Name: pod.Name, Namespace: pod.Namespace},
		})
	}
	for _, port := range service.Spec.Ports {
		name, protocol := port.Name, port.Protocol
		target := targetOf(port, first)
		if target == 0 {
			continue
		}
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &name, Port: &target, Protocol: &protocol})
	}
	return slice
}

func podsOf(service *corev1.Service, pods []*corev1.Pod) []*corev1.Pod {
	var found []*corev1.Pod
	for _, pod := range pods {
		finished := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if pod.Namespace != service.Namespace || pod.Status.PodIP == "" || finished || pod.DeletionTimestamp != nil {
			continue
		}
		selected := len(service.Spec.Selector) > 0
		for key, value := range service.Spec.Selector {
			selected = selected && pod.Labels[key] == value
		}
		if selected {
			found = append(found, pod)
		}
	}
	return found
}

func targetOf(port corev1.ServicePort, pod *corev1.Pod) int32 {
	if port.TargetPort.Type == intstr.Int {
		return port.TargetPort.IntVal
	}
	if pod != nil {
		for _, container := range pod.Spec.Containers {
			for _, named := range container.Ports {
				if named.Name == port.TargetPort.StrVal {
					return named.ContainerPort
				}
			}
		}
	}
	return 0
}

func isReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// withRouteDefaults writes what the CRD's schema writes into an HTTPRoute that leaves it out.
func withRouteDefaults(raw json.RawMessage) json.RawMessage {
	var object map[string]any
	if json.Unmarshal(raw, &object) != nil {
		return raw
	}
	spec, _ := object["spec"].(map[string]any)
	if object["kind"] == "Gateway" {
		each(spec["listeners"], func(listener map[string]any) {
			allowed := fill(listener, "allowedRoutes", map[string]any{})
			fill(fill(allowed, "namespaces", map[string]any{}), "from", "Same")
		})
	}
	each(spec["parentRefs"], func(parent map[string]any) {
		fill(parent, "group", "gateway.networking.k8s.io")
		fill(parent, "kind", "Gateway")
	})
	backend := func(reference map[string]any) {
		fill(reference, "group", "")
		fill(reference, "kind", "Service")
	}
	filters := func(holder map[string]any) {
		each(holder["filters"], func(filter map[string]any) {
			if mirror, ok := filter["requestMirror"].(map[string]any); ok {
				if reference, ok := mirror["backendRef"].(map[string]any); ok {
					backend(reference)
				}
				if fraction, ok := mirror["fraction"].(map[string]any); ok {
					fill(fraction, "denominator", 100)
				}
			}
			if redirect, ok := filter["requestRedirect"].(map[string]any); ok {
				fill(redirect, "statusCode", 302)
			}
		})
	}
	everything := func() []any {
		return []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/"}}}
	}
	if object["kind"] == "HTTPRoute" && spec != nil {
		if rules, ok := spec["rules"].([]any); !ok || len(rules) == 0 {
			spec["rules"] = []any{map[string]any{}}
		}
	}
	each(spec["rules"], func(rule map[string]any) {
		filters(rule)
		each(rule["backendRefs"], func(reference map[string]any) {
			backend(reference)
			fill(reference, "weight", 1)
			filters(reference)
		})
		if object["kind"] != "HTTPRoute" {
			return
		}
		fill(rule, "matches", everything())
		each(rule["matches"], func(match map[string]any) {
			path := fill(match, "path", map[string]any{})
			fill(path, "type", "PathPrefix")
			fill(path, "value", "/")
			each(match["headers"], func(header map[string]any) { fill(header, "type", "Exact") })
			each(match["queryParams"], func(query map[string]any) { fill(query, "type", "Exact") })
		})
	})
	text, err := json.Marshal(object)
	if err != nil {
		return raw
	}
	return text
}

func each(list any, visit func(map[string]any)) {
	items, _ := list.([]any)
	for _, item := range items {
		if fields, ok := item.(map[string]any); ok {
			visit(fields)
		}
	}
}

// fill sets a field that is absent, and returns the field when it is an object.
func fill(fields map[string]any, key string, value any) map[string]any {
	if fields[key] == nil {
		fields[key] = value
	}
	object, _ := fields[key].(map[string]any)
	return object
}
