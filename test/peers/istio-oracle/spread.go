package main

import (
	"slices"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
)

type transport int

const (
	plain transport = iota
	// mutual is TLS with the mesh's certificates.
	mutual
	// foreign is any other TLS.
	foreign
)

// part is an endpoint, how it is reached, and what it gets of its cluster's requests.
type part struct {
	address   string
	port      uint32
	transport transport
	share     float64
}

// spread draws as Envoy does: a priority, then a locality where the cluster weights them, then a healthy endpoint. Not found: the proxy has no
// such cluster.
func (p *proxyConfig) spread(name string, target dialled, request Request) ([]part, bool) {
	known := p.clusters[name]
	if known == nil {
		return nil, false
	}
	assignment := known.GetLoadAssignment()
	switch known.GetType() {
	case cluster.Cluster_ORIGINAL_DST:
		// The client dials one of them.
		found := []part{{address: "unknown", share: 1}}
		if target.service != nil {
			found = p.dialled(target, request)
		}
		for i := range found {
			found[i].transport = transportOf(known, nil)
		}
		return found, true
	case cluster.Cluster_EDS:
		assignment = p.endpoints[name]
	}
	byPriority := map[uint32][]*endpoint.LocalityLbEndpoints{}
	var priorities []uint32
	for _, one := range assignment.GetEndpoints() {
		if byPriority[one.GetPriority()] == nil {
			priorities = append(priorities, one.GetPriority())
		}
		byPriority[one.GetPriority()] = append(byPriority[one.GetPriority()], one)
	}
	slices.Sort(priorities)
	var counts []count
	for _, priority := range priorities {
		counts = append(counts, countOf(byPriority[priority]))
	}
	var found []part
	for i, load := range priorityLoads(counts) {
		tier := byPriority[priorities[i]]
		if known.GetCommonLbConfig().GetLocalityWeightedLbConfig() == nil {
			found = append(found, balanced(known, tier, load)...)
			continue
		}
		sum := 0.0
		for _, locality := range tier {
			sum += effectiveWeight(locality)
		}
		for _, locality := range tier {
			if weight := effectiveWeight(locality); weight > 0 {
				found = append(found, balanced(known, []*endpoint.LocalityLbEndpoints{locality}, load*weight/sum)...)
			}
		}
	}
	return found, true
}

// transportOf is the cluster's own, or as the endpoint's metadata say.
func transportOf(known *cluster.Cluster, one *endpoint.LbEndpoint) transport {
	if len(known.GetTransportSocketMatches()) > 0 {
		fields := one.GetMetadata().GetFilterMetadata()["envoy.transport_socket_match"].GetFields()
		if fields["tlsMode"].GetStringValue() == "istio" {
			return mutual
		}
		return plain
	}
	if known.GetTransportSocket() == nil {
		return plain
	}
	context := &tls.UpstreamTlsContext{}
	if err := known.GetTransportSocket().GetTypedConfig().UnmarshalTo(context); err != nil {
		panic(err)
	}
	for _, certificate := range context.GetCommonTlsContext().GetTlsCertificateSdsSecretConfigs() {
		if certificate.GetName() == "default" {
			return mutual
		}
	}
	return foreign
}

// balanced spreads a load over the healthy endpoints by their weights.
func balanced(known *cluster.Cluster, localities []*endpoint.LocalityLbEndpoints, load float64) []part {
	var found []part
	sum := 0.0
	for _, locality := range localities {
		for _, one := range locality.GetLbEndpoints() {
			if !healthy(one) || load == 0 {
				continue
			}
			weight := 1.0
			if one.GetLoadBalancingWeight() != nil {
				weight = float64(one.GetLoadBalancingWeight().GetValue())
			}
			address := one.GetEndpoint().GetAddress().GetSocketAddress()
			found = append(found, part{address.GetAddress(), address.GetPortValue(), transportOf(known, one), weight})
			sum += weight
		}
	}
	for i := range found {
		found[i].share *= load / sum
	}
	return found
}

type count struct{ healthy, total int }

func countOf(localities []*endpoint.LocalityLbEndpoints) (found count) {
	for _, locality := range localities {
		for _, one := range locality.GetLbEndpoints() {
			found.total++
			if healthy(one) {
				found.healthy++
			}
		}
	}
	return found
}

// overprovisioning in per cent: what is missing of a priority or a locality moves on only when more than that is healthy of it.
const overprovisioning = 140

// priorityLoads is Envoy's LoadBalancerBase::recalculatePerPriorityState and distributeLoad, in whole per cent.
func priorityLoads(tiers []count) []float64 {
	health, sum := make([]int, len(tiers)), 0
	for i, tier := range tiers {
		if tier.total > 0 {
			health[i] = min(100, overprovisioning*tier.healthy/tier.total)
		}
		sum += health[i]
	}
	loads := make([]float64, len(tiers))
	if sum == 0 {
		return loads
	}
	left, first := 100, -1
	for i, each := range health {
		if first < 0 && each > 0 {
			first = i
		}
		load := min(left, each*100/min(100, sum))
		left -= load
		loads[i] = float64(load)
	}
	loads[first] += float64(left)
	for i := range loads {
		loads[i] /= 100
	}
	return loads
}

// effectiveWeight is Envoy's HostSetImpl::effectiveLocalityWeight.
func effectiveWeight(locality *endpoint.LocalityLbEndpoints) float64 {
	hosts := countOf([]*endpoint.LocalityLbEndpoints{locality})
	if hosts.total == 0 {
		return 0
	}
	available := min(1, overprovisioning/100.0*float64(hosts.healthy)/float64(hosts.total))
	return available * float64(locality.GetLoadBalancingWeight().GetValue())
}

func healthy(one *endpoint.LbEndpoint) bool {
	return one.GetHealthStatus() == core.HealthStatus_HEALTHY || one.GetHealthStatus() == core.HealthStatus_UNKNOWN
}
