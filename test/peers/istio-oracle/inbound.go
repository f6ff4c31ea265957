package main

import (
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"

	"istio.io/istio/pilot/pkg/model"
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
	// Not asked: what becomes of other TLS at a port that takes plain text too, which depends on the port's protocol.
	sent := connection{ip: one.address, port: one.port, tls: one.transport == mutual}
	if sent.tls {
		sent.protocols = []string{"istio", "istio-peer-exchange", "istio-http/1.1"}
	} else {
		sent.protocols = []string{"http/1.1"}
	}
	chain := choose(inbound, sent)
	if chain == nil {
		return false
	}
	ends := chain.GetTransportSocket() != nil
	return ends == (one.transport == mutual)
}
