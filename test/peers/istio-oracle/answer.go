package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
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
	return Answer{Arrived: map[string]float64{}, Failed: map[string]float64{}, Copied: map[string]float64{}, Protocol: protocol}
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
	chain := choose(found, target.ip, request)
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

// choose picks the filter chain as Envoy does: by port, then by the narrowest subnet, then by server name, transport and application
// protocol. Each step keeps only the best, and nothing goes back to a worse one.
func choose(from *listener.Listener, ip string, request Request) *listener.FilterChain {
	serverName := ""
	if request.TLS {
		serverName = nameOf(request.Host)
	}
	steps := []func(*listener.FilterChainMatch) int{
		func(match *listener.FilterChainMatch) int {
			return specific(match.GetDestinationPort() != nil, match.GetDestinationPort().GetValue() == request.Port)
		},
		func(match *listener.FilterChainMatch) int { return prefixScore(match, ip) },
		func(match *listener.FilterChainMatch) int { return serverNameScore(match.GetServerNames(), serverName) },
		func(match *listener.FilterChainMatch) int {
			transport := "raw_buffer"
			if request.TLS {
				transport = "tls"
			}
			return specific(match.GetTransportProtocol() != "", match.GetTransportProtocol() == transport)
		},
		func(match *listener.FilterChainMatch) int {
			protocols := match.GetApplicationProtocols()
			return specific(len(protocols) > 0, !request.TLS && contains(protocols, "http/1.1"))
		},
	}
	left := from.GetFilterChains()
	for _, score := range steps {
		best, kept := 0, []*listener.FilterChain(nil)
		for _, chain := range left {
			points := score(chain.GetFilterChainMatch())
			if points > best {
				best, kept = points, nil
			}
			if points == best {
				kept = append(kept, chain)
			}
		}
		left = kept
	}
	if len(left) == 0 {
		return from.GetDefaultFilterChain()
	}
	return left[0]
}

// specific: 1 beats 0, and -1 is no match at all.
func specific(asked, holds bool) int {
	switch {
	case !asked:
		return 0
	case holds:
		return 1
	default:
		return -1
	}
}

func prefixScore(match *listener.FilterChainMatch, ip string) int {
	ranges := match.GetPrefixRanges()
	if len(ranges) == 0 {
		return 0
	}
	longest := -1
	for _, one := range ranges {
		length := int(one.GetPrefixLen().GetValue())
		_, network, err := net.ParseCIDR(fmt.Sprintf("%s/%d", one.GetAddressPrefix(), length))
		if err == nil && network.Contains(net.ParseIP(ip)) && length+1 > longest {
			longest = length + 1
		}
	}
	return longest
}

func serverNameScore(names []string, wanted string) int {
	if len(names) == 0 {
		return 0
	}
	best := -1
	for _, name := range names {
		if wanted != "" && name == wanted {
			return 1 << 20
		}
		if strings.HasPrefix(name, "*") && len(wanted) >= len(name) && strings.HasSuffix(wanted, name[1:]) && len(name) > best {
			best = len(name)
		}
	}
	return best
}

// nameOf is what a client says in its TLS handshake when it calls a host; nothing for an address.
func nameOf(host string) string {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	name = strings.TrimSuffix(name, ".")
	if net.ParseIP(name) != nil {
		return ""
	}
	return name
}

func contains(list []string, wanted string) bool {
	for _, one := range list {
		if one == wanted {
			return true
		}
	}
	return false
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
		p.copy(mirror.GetCluster(), passed*share, target, answer)
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
	to, found := p.spread(name, target)
	if !found {
		answer.Failed[missing] += share
		return
	}
	if len(to) == 0 {
		answer.Failed[empty] += share
	}
	for address, part := range to {
		answer.Arrived[address] += share * part
	}
	answer.Encrypted += share * p.encrypted(name, target)
}

func (p *proxyConfig) copy(name string, share float64, target dialled, answer *Answer) {
	if share == 0 {
		return
	}
	to, found := p.spread(name, target)
	if !found || len(to) == 0 {
		answer.Copied["lost"] += share
	}
	for address, part := range to {
		answer.Copied[address] += share * part
	}
}

// spread: address -> part of what the cluster gets; not found: the proxy has no such cluster.
func (p *proxyConfig) spread(name string, target dialled) (map[string]float64, bool) {
	known := p.clusters[name]
	if known == nil {
		return nil, false
	}
	if known.GetType() == cluster.Cluster_ORIGINAL_DST {
		to := map[string]float64{}
		if target.service == nil {
			to["unknown"] = 1
			return to, true
		}
		// The client dials one of them.
		ready := p.readyPods(target.service)
		for _, pod := range ready {
			to[pod.Status.PodIP] = 1 / float64(len(ready))
		}
		return to, true
	}
	assignment := known.GetLoadAssignment()
	if known.GetType() == cluster.Cluster_EDS {
		assignment = p.endpoints[name]
	}
	weights, sum := map[string]float64{}, 0.0
	for _, locality := range assignment.GetEndpoints() {
		for _, one := range locality.GetLbEndpoints() {
			if !healthy(one) {
				continue
			}
			weight := 1.0
			if one.GetLoadBalancingWeight() != nil {
				weight = float64(one.GetLoadBalancingWeight().GetValue())
			}
			weights[one.GetEndpoint().GetAddress().GetSocketAddress().GetAddress()] += weight
			sum += weight
		}
	}
	for address := range weights {
		weights[address] /= sum
	}
	return weights, true
}

// encrypted is the part of what a cluster gets that leaves the proxy by TLS: all or nothing, or as the endpoints' metadata say.
func (p *proxyConfig) encrypted(name string, target dialled) float64 {
	known := p.clusters[name]
	if len(known.GetTransportSocketMatches()) == 0 {
		to, _ := p.spread(name, target)
		if known.GetTransportSocket() != nil && len(to) > 0 {
			return 1
		}
		return 0
	}
	if known.GetType() != cluster.Cluster_EDS {
		return 0
	}
	encrypted, sum := 0.0, 0.0
	for _, locality := range p.endpoints[name].GetEndpoints() {
		for _, one := range locality.GetLbEndpoints() {
			if !healthy(one) {
				continue
			}
			weight := 1.0
			if one.GetLoadBalancingWeight() != nil {
				weight = float64(one.GetLoadBalancingWeight().GetValue())
			}
			sum += weight
			fields := one.GetMetadata().GetFilterMetadata()["envoy.transport_socket_match"].GetFields()
			if fields["tlsMode"].GetStringValue() == "istio" {
				encrypted += weight
			}
		}
	}
	if sum == 0 {
		return 0
	}
	return encrypted / sum
}

func healthy(one *endpoint.LbEndpoint) bool {
	return one.GetHealthStatus() == core.HealthStatus_HEALTHY || one.GetHealthStatus() == core.HealthStatus_UNKNOWN
}

// pass is a connection that the proxy lets through to where the client dialled: kube-proxy balances it.
func (p *proxyConfig) pass(share float64, target dialled, request Request, answer *Answer) {
	if target.service == nil {
		answer.Arrived["unknown"] += share
		return
	}
	has := false
	for _, port := range target.service.Spec.Ports {
		has = has || port.Port == int32(request.Port)
	}
	ready := p.readyPods(target.service)
	if !has || len(ready) == 0 {
		answer.Failed["000 refused"] += share
		return
	}
	for _, pod := range ready {
		answer.Arrived[pod.Status.PodIP] += share / float64(len(ready))
	}
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
