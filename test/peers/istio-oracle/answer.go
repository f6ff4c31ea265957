package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	fault "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcp "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	types "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	corev1 "k8s.io/api/core/v1"

	"istio.io/istio/pkg/wellknown"
)

// Answer says where first attempts of a request go in the long run.
type Answer struct {
	// Arrived: address of an endpoint, or `unknown` outside of the cluster -> share.
	Arrived map[string]float64 `json:"arrived"`
	// Failed: status and flag -> share.
	Failed map[string]float64 `json:"failed"`
	// Copied: address of an endpoint, or `lost` -> mirrored copies per request.
	Copied   map[string]float64 `json:"copied"`
	Protocol string             `json:"protocol"`
	// Received: address of an endpoint -> share that arrives and that the proxy there lets in.
	Received map[string]float64 `json:"received"`
	// Encrypted is the share that arrives and that the client's proxy has encrypted.
	Encrypted float64 `json:"encrypted"`
	// Delayed is the share of requests that wait DelayMs.
	Delayed   float64 `json:"delayed"`
	DelayMs   float64 `json:"delayMs"`
	TimeoutMs float64 `json:"timeoutMs"`
	Retries   int     `json:"retries"`
	RetryOn   string  `json:"retryOn"`
	PerTryMs  float64 `json:"perTryMs"`
}

func newAnswer(protocol string) Answer {
	return Answer{
		Arrived: map[string]float64{}, Received: map[string]float64{}, Failed: map[string]float64{}, Copied: map[string]float64{},
		Protocol: protocol,
	}
}

// dialled is an address that the client's resolver finds for a host; nil: it is outside of the cluster.
type dialled struct {
	ip      string
	service *corev1.Service
}

const outside = "203.0.113.9"

// resolve is the cluster's DNS. A headless Service has the addresses of its ready pods.
func (p *proxyConfig) resolve(host string) dialled {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	name = strings.TrimSuffix(name, ".")
	for _, service := range p.world.services {
		short := service.Name + "." + service.Namespace
		names := []string{short, short + ".svc", short + ".svc.cluster.local", service.Spec.ClusterIP}
		if service.Namespace == p.caller.Namespace {
			names = append(names, service.Name)
		}
		for _, candidate := range names {
			if candidate == name && service.Spec.Type == corev1.ServiceTypeExternalName {
				return p.resolve(service.Spec.ExternalName)
			}
			if candidate == name {
				return dialled{service.Spec.ClusterIP, service}
			}
		}
	}
	if net.ParseIP(name) != nil {
		return dialled{name, nil}
	}
	return dialled{outside, nil}
}

func (p *proxyConfig) answer(request Request) Answer {
	if p.caller.Gateway {
		return p.answerAt(p.find(request.Port, "0.0.0.0"), dialled{"0.0.0.0", nil}, request)
	}
	target := p.resolve(request.Host)
	if target.service != nil && target.service.Spec.ClusterIP == corev1.ClusterIPNone {
		ready := p.readyPods(target.service)
		if len(ready) == 0 {
			// The resolver knows no address.
			answer := newAnswer("none")
			answer.Failed["000 refused"] = 1
			return answer
		}
		target.ip = ready[0].Status.PodIP
	}
	found := p.find(request.Port, target.ip)
	if found == nil {
		found = p.find(request.Port, "0.0.0.0")
	}
	return p.answerAt(found, target, request)
}

func (p *proxyConfig) find(port uint32, ip string) *listener.Listener {
	for _, one := range p.listeners {
		if one.GetTrafficDirection() == core.TrafficDirection_INBOUND {
			continue
		}
		for _, address := range append([]*core.Address{one.GetAddress()}, additional(one)...) {
			socket := address.GetSocketAddress()
			if socket.GetPortValue() == port && socket.GetAddress() == ip {
				return one
			}
		}
	}
	return nil
}

func additional(one *listener.Listener) []*core.Address {
	var found []*core.Address
	for _, each := range one.GetAdditionalAddresses() {
		found = append(found, each.GetAddress())
	}
	return found
}

func (p *proxyConfig) answerAt(found *listener.Listener, target dialled, request Request) Answer {
	if found == nil {
		if p.caller.Gateway {
			answer := newAnswer("none")
			answer.Failed["000 refused"] = 1
			return answer
		}
		for _, one := range p.listeners {
			if one.GetName() == "virtualOutbound" {
				found = one
			}
		}
	}
	chain := choose(found, sentBy(request, target.ip))
	if chain == nil {
		answer := newAnswer("none")
		answer.Failed["000 reset"] = 1
		return answer
	}
	for _, filter := range chain.GetFilters() {
		switch filter.GetName() {
		case wellknown.HTTPConnectionManager:
			manager := &hcm.HttpConnectionManager{}
			if err := filter.GetTypedConfig().UnmarshalTo(manager); err != nil {
				panic(err)
			}
			table := manager.GetRouteConfig()
			name := manager.GetRds().GetRouteConfigName()
			if name != "" {
				table = p.routes[name]
			}
			if os.Getenv("ISTIO_ORACLE_DEBUG") != "" {
				fmt.Fprintf(os.Stderr, "%s -> %s, route configuration %q: %v\n", request.Host, found.GetName(), name, table)
			}
			return p.http(table, target, request)
		case wellknown.TCPProxy:
			proxy := &tcp.TcpProxy{}
			if err := filter.GetTypedConfig().UnmarshalTo(proxy); err != nil {
				panic(err)
			}
			return p.tcp(proxy, target, request)
		}
	}
	panic(fmt.Sprintf("listener %s: no filter that routes", found.GetName()))
}

func (p *proxyConfig) tcp(proxy *tcp.TcpProxy, target dialled, request Request) Answer {
	answer := newAnswer("tcp")
	weights := map[string]uint32{}
	for _, one := range proxy.GetWeightedClusters().GetClusters() {
		weights[one.GetName()] += one.GetWeight()
	}
	if len(weights) == 0 {
		weights[proxy.GetCluster()] = 1
	}
	if weights["BlackHoleCluster"] > 0 {
		answer.Protocol = "none"
		answer.Failed["000 reset"] = 1
		return answer
	}
	if weights["PassthroughCluster"] > 0 {
		answer.Protocol = "passthrough"
	}
	sum := 0.0
	for _, weight := range weights {
		sum += float64(weight)
	}
	for name, weight := range weights {
		p.draw(name, float64(weight)/sum, target, request, &answer, "000 NC", "000 UH")
	}
	return answer
}

func (p *proxyConfig) http(table *route.RouteConfiguration, target dialled, request Request) Answer {
	answer := newAnswer("http")
	if table == nil {
		answer.Failed["404 NR"] = 1
		return answer
	}
	host := virtualHost(table, request.Host)
	if host == nil {
		answer.Failed["404 NR"] = 1
		return answer
	}
	for _, one := range host.GetRoutes() {
		if matches(one.GetMatch(), request) {
			p.follow(one, target, request, &answer)
			return answer
		}
	}
	answer.Failed["404 NR"] = 1
	return answer
}

func (p *proxyConfig) follow(one *route.Route, target dialled, request Request, answer *Answer) {
	if direct := one.GetDirectResponse(); direct != nil {
		answer.Failed[fmt.Sprintf("%d -", direct.GetStatus())] = 1
		// Istio's catch-all host under REGISTRY_ONLY.
		if one.GetName() == "block_all" {
			answer.Protocol = "none"
		}
		return
	}
	passed := 1.0
	if config := one.GetTypedPerFilterConfig()[wellknown.Fault]; config != nil {
		injected := &fault.HTTPFault{}
		if err := config.UnmarshalTo(injected); err != nil {
			panic(err)
		}
		if delay := injected.GetDelay(); delay != nil {
			answer.Delayed = fraction(delay.GetPercentage())
			answer.DelayMs = float64(delay.GetFixedDelay().AsDuration().Microseconds()) / 1000
		}
		if abort := injected.GetAbort(); abort != nil {
			share := fraction(abort.GetPercentage())
			status := abort.GetHttpStatus()
			if _, isGrpc := abort.GetErrorType().(*fault.FaultAbort_GrpcStatus); isGrpc {
				status = 200
			}
			if share > 0 {
				answer.Failed[fmt.Sprintf("%d FI", status)] += share
			}
			passed -= share
		}
	}
	// The fault filter stands before the router: redirects are not spared.
	if redirect := one.GetRedirect(); redirect != nil {
		answer.Failed[fmt.Sprintf("%d -", redirectStatus(redirect))] += passed
		return
	}
	action := one.GetRoute()
	missing := "503 NC"
	if action.GetClusterNotFoundResponseCode() == route.RouteAction_INTERNAL_SERVER_ERROR {
		missing = "500 NC"
	}
	if action.GetClusterNotFoundResponseCode() == route.RouteAction_NOT_FOUND {
		missing = "404 NC"
	}
	if name := action.GetCluster(); name != "" {
		if name == "PassthroughCluster" {
			answer.Protocol = "passthrough"
		}
		p.draw(name, passed, target, request, answer, missing, "503 UH")
	}
	sum := 0.0
	for _, part := range action.GetWeightedClusters().GetClusters() {
		sum += float64(part.GetWeight().GetValue())
	}
	for _, part := range action.GetWeightedClusters().GetClusters() {
		p.draw(part.GetName(), passed*float64(part.GetWeight().GetValue())/sum, target, request, answer, missing, "503 UH")
	}
	for _, mirror := range action.GetRequestMirrorPolicies() {
		share := 1.0
		if mirror.GetRuntimeFraction() != nil {
			share = fraction(mirror.GetRuntimeFraction().GetDefaultValue())
		}
		p.copy(mirror.GetCluster(), passed*share, target, request, answer)
	}
	if action.GetTimeout() != nil {
		answer.TimeoutMs = float64(action.GetTimeout().AsDuration().Microseconds()) / 1000
	}
	if policy := action.GetRetryPolicy(); policy != nil {
		answer.Retries = 1
		if policy.GetNumRetries() != nil {
			answer.Retries = int(policy.GetNumRetries().GetValue())
		}
		answer.RetryOn = policy.GetRetryOn()
		answer.PerTryMs = float64(policy.GetPerTryTimeout().AsDuration().Microseconds()) / 1000
		for _, code := range policy.GetRetriableStatusCodes() {
			answer.RetryOn += fmt.Sprintf(",%d", code)
		}
	}
}

func redirectStatus(redirect *route.RedirectAction) int {
	switch redirect.GetResponseCode() {
	case route.RedirectAction_FOUND:
		return 302
	case route.RedirectAction_SEE_OTHER:
		return 303
	case route.RedirectAction_TEMPORARY_REDIRECT:
		return 307
	case route.RedirectAction_PERMANENT_REDIRECT:
		return 308
	default:
		return 301
	}
}

func fraction(percent *types.FractionalPercent) float64 {
	switch percent.GetDenominator() {
	case types.FractionalPercent_TEN_THOUSAND:
		return float64(percent.GetNumerator()) / 1e4
	case types.FractionalPercent_MILLION:
		return float64(percent.GetNumerator()) / 1e6
	default:
		return float64(percent.GetNumerator()) / 1e2
	}
}

// draw spreads a share over the endpoints of a cluster.
func (p *proxyConfig) draw(name string, share float64, target dialled, request Request, answer *Answer, missing, empty string) {
	if share == 0 {
		return
	}
	if name == "PassthroughCluster" {
		p.pass(share, target, request, answer)
		return
	}
	parts, found := p.spread(name, target, request)
	if !found {
		answer.Failed[missing] += share
		return
	}
	if len(parts) == 0 {
		answer.Failed[empty] += share
	}
	for _, one := range parts {
		p.arrive(one, share, answer)
	}
}

func (p *proxyConfig) arrive(one part, share float64, answer *Answer) {
	answer.Arrived[one.address] += share * one.share
	if one.transport != plain {
		answer.Encrypted += share * one.share
	}
	if p.letsIn(one) {
		answer.Received[one.address] += share * one.share
	}
}

func (p *proxyConfig) copy(name string, share float64, target dialled, request Request, answer *Answer) {
	if share == 0 {
		return
	}
	parts, found := p.spread(name, target, request)
	if !found || len(parts) == 0 {
		answer.Copied["lost"] += share
	}
	for _, one := range parts {
		answer.Copied[one.address] += share * one.share
	}
}

// pass is a connection that the proxy lets through to where the client dialled: kube-proxy balances it.
func (p *proxyConfig) pass(share float64, target dialled, request Request, answer *Answer) {
	if target.service == nil {
		p.arrive(part{address: "unknown", share: 1}, share, answer)
		return
	}
	has := false
	for _, port := range target.service.Spec.Ports {
		has = has || port.Port == int32(request.Port)
	}
	dialled := p.dialled(target, request)
	if !has || len(dialled) == 0 {
		answer.Failed["000 refused"] += share
		return
	}
	for _, one := range dialled {
		p.arrive(one, share, answer)
	}
}

// dialled are the ready pods of a Service, alike.
func (p *proxyConfig) dialled(target dialled, request Request) []part {
	ready := p.readyPods(target.service)
	var found []part
	for _, pod := range ready {
		one := part{address: pod.Status.PodIP, share: 1 / float64(len(ready))}
		for _, port := range target.service.Spec.Ports {
			if port.Port == int32(request.Port) {
				one.port = uint32(targetOf(port, pod))
			}
		}
		found = append(found, one)
	}
	return found
}

func (p *proxyConfig) readyPods(service *corev1.Service) []*corev1.Pod {
	var ready []*corev1.Pod
	for _, pod := range podsOf(service, p.world.pods) {
		if isReady(pod) {
			ready = append(ready, pod)
		}
	}
	return ready
}
