package main

import (
	"os"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking/util"
	"istio.io/istio/pilot/pkg/serviceregistry/util/label"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pilot/test/xdstest"
	"istio.io/istio/pkg/config/schema/gatewayapi"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/test"
)

// proxyConfig is everything that Istio would send to one proxy.
type proxyConfig struct {
	world     *world
	caller    Caller
	listeners []*listener.Listener
	routes    map[string]*route.RouteConfiguration
	clusters  map[string]*cluster.Cluster
	endpoints map[string]*endpoint.ClusterLoadAssignment
	server    *xds.FakeDiscoveryServer
	// inbound is what was made of pods, by address.
	inbound map[string]*listener.Listener
}

const istioVersion = "1.31.0"

// compile starts Istio's control plane in this process, and stops it after use.
func compile(w *world, caller Caller, use func(*proxyConfig)) error {
	return test.Wrap(func(t test.Failer) {
		server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
			KubernetesObjects: w.kubernetes,
			Configs:           w.istio,
			MeshConfig:        w.mesh,
		})
		kind := model.SidecarProxy
		if caller.Gateway {
			kind = model.Router
		}
		proxy := server.SetupProxy(&model.Proxy{
			Type:            kind,
			ID:              caller.Workload + "-0." + caller.Namespace,
			IPAddresses:     []string{"10.99.0.1"},
			Labels:          placed(caller),
			Locality:        util.ConvertLocality(caller.Locality),
			ConfigNamespace: caller.Namespace,
			DNSDomain:       caller.Namespace + ".svc.cluster.local",
			Metadata: &model.NodeMetadata{
				Namespace:    caller.Namespace,
				Labels:       caller.Labels,
				IstioVersion: istioVersion,
				ClusterID:    "Kubernetes",
			},
		})
		config := &proxyConfig{
			world:     w,
			caller:    caller,
			listeners: server.Listeners(proxy),
			routes:    map[string]*route.RouteConfiguration{},
			clusters:  map[string]*cluster.Cluster{},
			endpoints: map[string]*endpoint.ClusterLoadAssignment{},
			server:    server,
			inbound:   map[string]*listener.Listener{},
		}
		request := &model.PushRequest{Push: server.PushContext()}
		resources, _ := server.ConfigGen.BuildHTTPRoutes(proxy, request, routeNames(config.listeners))
		for _, resource := range resources {
			one := &route.RouteConfiguration{}
			if err := resource.Resource.UnmarshalTo(one); err != nil {
				panic(err)
			}
			config.routes[one.Name] = one
		}
		for _, one := range server.Clusters(proxy) {
			config.clusters[one.Name] = one
		}
		for _, one := range server.Endpoints(proxy) {
			config.endpoints[one.ClusterName] = one
		}
		use(config)
	})
}

// placed are the caller's labels with those that Istio adds for its place when a proxy connects.
func placed(caller Caller) map[string]string {
	return label.AugmentLabels(caller.Labels, "Kubernetes", caller.Locality, "", "")
}

// Definitions in a fake cluster tell no version of the Gateway API, and Istio ignores kinds that need one: GRPCRoute, TLSRoute.
func init() {
	clear(gatewayapi.MinimumCRDVersions)
}

// routeNames has each name once, as a proxy asks for it: pods of a headless Service have listeners of one name, and Istio answers a name that
// it is asked for again without any host.
func routeNames(listeners []*listener.Listener) []string {
	var names []string
	known := map[string]bool{}
	for _, name := range xdstest.ExtractRoutesFromListeners(listeners) {
		if !known[name] {
			known[name] = true
			names = append(names, name)
		}
	}
	return names
}

// quiet keeps Istio's own log lines out of the results.
func quiet() {
	options := log.DefaultOptions()
	options.SetDefaultOutputLevel("default", log.NoneLevel)
	for _, scope := range log.Scopes() {
		scope.SetOutputLevel(log.NoneLevel)
	}
	_ = os.Setenv("TERM", "dumb")
}
