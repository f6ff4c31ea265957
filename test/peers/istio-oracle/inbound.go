package main

import (
	"slices"

	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"

	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pkg/wellknown"
)

// inboundOf is the listener for everything that comes to a pod; nil: no sidecar stands before it.
func (p *proxyConfig) inboundOf(address string) *listener.Listener {
	if known, found := p.inbound[address]; found {
		return known
	}
	p.inbound[address] = nil
	for _, pod := range p.world.pods {
		if pod.Status.PodIP != address || pod.Labels["security.istio.io/tlsMode"] != "istio" {
			continue
		}
		proxy := p.server.SetupProxy(&model.Proxy{
			Type:            model.SidecarProxy,
			ID:              pod.Name + "." + pod.Namespace,
			IPAddresses:     []string{address},
			Labels:          pod.Labels,
			ConfigNamespace: pod.Namespace,
			DNSDomain:       pod.Namespace + ".svc.cluster.local",
			Metadata: &model.NodeMetadata{
				Namespace:    pod.Namespace,
				Labels:       pod.Labels,
				IstioVersion: istioVersion,
				ClusterID:    "Kubernetes",
			},
		})
		for _, one := range p.server.Listeners(proxy) {
			if one.GetName() == model.VirtualInboundListenerName {
				p.inbound[address] = one
			}
		}
	}
	return p.inbound[address]
}

// letsIn: whether what comes to an endpoint gets past its own proxy, or to the application without one.
func (p *proxyConfig) letsIn(one part) bool {
	inbound := p.inboundOf(one.address)
	if inbound == nil {
		return one.transport != mutual
	}
	sent := connection{ip: one.address, port: one.port}
	switch one.transport {
	case plain:
		sent.protocols = []string{"http/1.1"}
	case mutual:
		sent.tls, sent.protocols = true, []string{"istio", "istio-peer-exchange", "istio-http/1.1"}
	case foreign:
		sent.tls = inspectsTLS(inbound, one.port)
	}
	chain := choose(inbound, sent)
	if chain == nil {
		return false
	}
	ends := chain.GetTransportSocket() != nil
	if one.transport == foreign {
		last := chain.GetFilters()[len(chain.GetFilters())-1]
		return !ends && last.GetName() != wellknown.HTTPConnectionManager
	}
	return ends == (one.transport == mutual)
}

// inspectsTLS: a listener looks for TLS only on ports where some chain asks for it.
func inspectsTLS(inbound *listener.Listener, port uint32) bool {
	own := specificTo(inbound, port)
	if len(own) == 0 {
		own = specificTo(inbound, 0)
	}
	return slices.ContainsFunc(own, func(chain *listener.FilterChain) bool {
		return chain.GetFilterChainMatch().GetTransportProtocol() == "tls"
	})
}

func specificTo(inbound *listener.Listener, port uint32) (found []*listener.FilterChain) {
	for _, chain := range inbound.GetFilterChains() {
		if chain.GetFilterChainMatch().GetDestinationPort().GetValue() == port {
			found = append(found, chain)
		}
	}
	return found
}
