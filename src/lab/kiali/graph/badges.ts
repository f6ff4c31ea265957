import type { KubeObject } from '../../../base/kubernetes.js';
import type { ClusterView } from '../cluster.js';
import { type GraphNode, isEgressCluster, isOk, type TrafficMap } from './nodes.js';

interface Route {
  readonly route?: readonly { readonly destination?: { readonly host?: string } }[];
  readonly timeout?: unknown;
  readonly fault?: unknown;
  readonly mirror?: unknown;
}

interface VirtualServiceSpec {
  readonly hosts?: readonly string[];
  readonly http?: readonly Route[];
  readonly tcp?: readonly Route[];
  readonly tls?: readonly Route[];
}

interface TrafficPolicy {
  readonly connectionPool?: unknown;
  readonly outlierDetection?: unknown;
}

interface DestinationRuleSpec {
  readonly host?: string;
  readonly trafficPolicy?: TrafficPolicy;
  readonly subsets?: readonly {
    readonly labels?: Readonly<Record<string, string>>;
    readonly trafficPolicy?: TrafficPolicy;
  }[];
}

/** Marks what Istio's objects say of services: virtual services on service nodes, circuit breakers, the app label, gateways. */
export function addBadges(traffic: TrafficMap, namespace: string, cluster: ClusterView): void {
  if (traffic.size === 0) return;
  const rules = cluster.destinationRules(namespace);
  const virtualServices = cluster.virtualServices();
  // Kiali reads virtual services only of clusters that have a node of the namespace being drawn.
  const drawn = [...traffic.values()].some((node) => node.namespace === namespace);
  for (const node of traffic.values()) {
    if (node.namespace === namespace && rules.some((rule) => breaksCircuit(rule, node))) node.marks.hasCB = true;
    if (drawn && node.nodeType === 'service') addVirtualService(node, virtualServices);
    if (
      node.nodeType === 'service' &&
      node.namespace === namespace &&
      node.app === '' &&
      !isEgressCluster(node.service)
    ) {
      node.app = cluster.service(namespace, node.service)?.metadata.labels?.app ?? '';
    }
  }
  addGateways(traffic, cluster);
}

/** How a host in a rule can name a service; the bare name only in the service's own namespace. */
function names(
  host: string | undefined,
  hostNamespace: string | undefined,
  service: string,
  namespace: string,
): boolean {
  if (host === service) return hostNamespace === namespace;
  const full = `${service}.${namespace}`;
  return host === full || host === `${full}.svc` || host === `${full}.svc.cluster.local`;
}

function addVirtualService(node: GraphNode, virtualServices: readonly KubeObject[]): void {
  const { marks } = node;
  // The first that routes to the service speaks for it, whatever others say.
  const found = virtualServices.find((object) =>
    destinationHosts(object.spec as VirtualServiceSpec | undefined).some((host) =>
      names(host, object.metadata.namespace, node.service, node.namespace),
    ),
  );
  if (!found) return;
  const { hosts = [], http = [], tcp = [], tls = [] } = (found.spec ?? {}) as VirtualServiceSpec;
  const routes = (route: Route) => route.route?.length ?? 0;
  marks.hasVS = hosts.length > 0 ? { hostnames: [...hosts] } : {};
  if ([...http, ...tcp, ...tls].some((route) => routes(route) > 0)) marks.hasRequestRouting = true;
  if (http.some(({ timeout }) => timeout !== undefined)) marks.hasRequestTimeout = true;
  if (http.some(({ fault }) => fault !== undefined)) marks.hasFaultInjection = true;
  if (http.some((route) => routes(route) > 1)) marks.hasTrafficShifting = true;
  if (tcp.some((route) => routes(route) > 1)) marks.hasTCPTrafficShifting = true;
  if (http.some(({ mirror }) => mirror !== undefined)) marks.hasMirroring = true;
}

function destinationHosts(spec: VirtualServiceSpec | undefined): (string | undefined)[] {
  const routes = [...(spec?.http ?? []), ...(spec?.tcp ?? []), ...(spec?.tls ?? [])];
  return routes.flatMap((route) =>
    (route.route ?? []).flatMap(({ destination }) => (destination ? [destination.host] : [])),
  );
}

function breaksCircuit(rule: KubeObject, node: GraphNode): boolean {
  const spec = rule.spec as DestinationRuleSpec | undefined;
  const has = (policy: TrafficPolicy | undefined) =>
    policy?.connectionPool !== undefined || policy?.outlierDetection !== undefined;
  const appliesTo = (namespace: string, service: string, version: string) =>
    names(spec?.host, rule.metadata.namespace, service, namespace) &&
    (has(spec?.trafficPolicy) ||
      (spec?.subsets ?? []).some(
        (subset) => has(subset.trafficPolicy) && (version === '' || subset.labels?.version === version),
      ));
  if (node.nodeType === 'service') return appliesTo(node.namespace, node.service, '');
  const version = isOk(node.version) ? node.version : '';
  if (version === '' && node.nodeType !== 'app') return false;
  return [...node.destServices.values()].some(({ namespace, name }) => appliesTo(namespace, name, version));
}

/** Nodes of gateway workloads carry the hosts of the Gateways that select them. */
function addGateways(traffic: TrafficMap, cluster: ClusterView): void {
  const gateways = cluster.gateways();
  for (const { name: namespace } of cluster.namespaces()) {
    for (const workload of cluster.workloads(namespace)) {
      const component = workload.labels['operator.istio.io/component'];
      const kind = { IngressGateways: 'ingressInfo', EgressGateways: 'egressInfo' }[component ?? ''];
      if (workload.type !== 'Deployment' || kind === undefined) continue;
      const hosts = gateways.filter((gateway) => selects(gateway, workload.labels)).flatMap(hostsOf);
      for (const node of traffic.values()) {
        if (
          node.namespace !== namespace ||
          node.app === '' ||
          node.app !== workload.labels.app ||
          node.nodeType === 'service'
        )
          continue;
        const info = { ingressInfo: {}, egressInfo: {}, gatewayAPIInfo: {} };
        node.marks.isGateway = { ...info, [kind]: hosts.length > 0 ? { hostnames: hosts } : {} };
      }
    }
  }
}

function selects(gateway: KubeObject, labels: Readonly<Record<string, string>>): boolean {
  const selector = (gateway.spec as { selector?: Record<string, string> } | undefined)?.selector ?? {};
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

function hostsOf(gateway: KubeObject): string[] {
  const servers = (gateway.spec as { servers?: { hosts?: string[] }[] } | undefined)?.servers ?? [];
  return servers.flatMap(({ hosts }) => hosts ?? []);
}
