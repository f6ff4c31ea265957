import { apiGroup, expandHost, type KubeObject, labelsMatch, namespaceOf, objectRef } from '../base/kubernetes.js';
import { compileProxyConfig } from '../mesh/compile.js';
import { type Example, exampleOf, PLAIN } from '../mesh/examples.js';
import { GATEWAY_NAME } from '../mesh/kubernetesGateway.js';
import { labels, records, text, texts } from '../mesh/read.js';
import { type CallerChoice, isOwnWorkload, podLabels, type Release, servicesOfRelease } from '../mesh/releases.js';
import type { Route } from '../mesh/types.js';
import { gatewayMadeOf } from './explainInput.js';

/** A gateway whose route leads to the service. */
export interface GatewayCaller extends CallerChoice {
  /** What its route takes. host undefined: any. */
  readonly request: Example & { readonly port: number; readonly host: string | undefined };
  /** Its pods, their Service, and a Gateway of another namespace: what the lab plays instead of the real ones. */
  readonly stands: readonly KubeObject[];
}

/** Gateways whose routes lead to the service. Their workloads may be missing: Istio's own lie in a namespace of their own. */
export function gatewayCallers(objects: readonly KubeObject[], release: Release): GatewayCaller[] {
  const found = new Map<string, GatewayCaller>();
  for (const gateway of objects.filter(({ kind }) => kind === 'Gateway')) {
    const pods = podsOf(objects, gateway, release);
    const caller = pods && !found.has(pods.name) ? callerAt(objects, gateway, pods, release) : undefined;
    if (caller) found.set(caller.workload, caller);
  }
  return [...found.values()];
}

interface Pods {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** They are in the namespace of the service, by manifest or because Istio makes them there. */
  readonly here: boolean;
}

/** The workload that serves a Gateway, by its manifest or by the name that Istio's installation gives it. */
function podsOf(objects: readonly KubeObject[], gateway: KubeObject, { namespace }: Release): Pods | undefined {
  if (apiGroup(gateway.apiVersion) !== 'networking.istio.io') {
    const here = namespaceOf(gateway) === namespace;
    return here ? { name: gatewayMadeOf(gateway), labels: { [GATEWAY_NAME]: gateway.metadata.name }, here } : undefined;
  }
  const selector = labels(gateway.spec?.selector);
  if (Object.keys(selector).length === 0) return undefined;
  const there = objects.find(
    (object) =>
      isOwnWorkload(object) &&
      namespaceOf(object) === namespace &&
      labelsMatch({ ...selector }, { ...podLabels(object) }),
  );
  if (there) return { name: there.metadata.name, labels: podLabels(there), here: true };
  const name = selector.istio === undefined ? Object.values(selector)[0] : `istio-${selector.istio}`;
  return { name: name ?? '', labels: selector, here: false };
}

function callerAt(
  objects: readonly KubeObject[],
  gateway: KubeObject,
  pods: Pods,
  release: Release,
): GatewayCaller | undefined {
  const { namespace } = release;
  const caller = { workload: pods.name, namespace, labels: pods.labels, gateway: true };
  const config = compileProxyConfig(objects, caller);
  // The Service, and Services of its versions.
  const services = servicesOfRelease(objects, release);
  const hosts = new Set(services.map(({ metadata: { name } }) => `${name}.${namespace}.svc.cluster.local`));
  for (const { port, virtualHosts } of config.ports) {
    for (const { domains, routes } of virtualHosts) {
      const route = routes.find((each) => leadsTo(each, hosts));
      const [match] = route?.matches ?? [];
      const example = route && (match ? exampleOf(match) : PLAIN);
      if (!example) continue;
      const [host = '*'] = domains;
      const others = config.ports.map((each) => each.port).filter((each) => each !== port);
      const elsewhere = namespaceOf(gateway) === namespace ? [] : [gateway];
      return {
        workload: pods.name,
        why: `the only route to the Service comes from ${objectRef(gateway)}${pods.here ? '' : `; on a cluster the gateway's pods must be in namespace ${namespace}`}`,
        request: { ...example, host: host === '*' ? undefined : host.replace('*', 'any'), port },
        stands: [...standIn(pods, namespace, [port, ...others]), ...elsewhere],
      };
    }
  }
  return undefined;
}

const leadsTo = ({ action }: Route, hosts: ReadonlySet<string>): boolean =>
  action.kind === 'forward' && action.destinations.some(({ host }) => hosts.has(host));

/** Does the mesh have a route of its own for the service, so that its callers split the calls? */
export function routedInMesh(objects: readonly KubeObject[], { service, namespace }: Release): boolean {
  const fqdn = `${service}.${namespace}.svc.cluster.local`;
  return objects.some(({ kind, metadata, spec }) => {
    if (kind === 'VirtualService') {
      const gateways = texts(spec?.gateways);
      return (
        (gateways.length === 0 || gateways.includes('mesh')) &&
        texts(spec?.hosts).some((host) => expandHost(host, namespaceOf({ metadata })) === fqdn)
      );
    }
    return records(spec?.parentRefs).some((parent) => text(parent.kind) === 'Service' && text(parent.name) === service);
  });
}

/** A gateway as Istio's injector makes it, and the load balancer before it. */
function standIn({ name, labels: own }: Pods, namespace: string, ports: readonly number[]): KubeObject[] {
  const metadata = { name, namespace };
  const annotations = { 'sidecar.istio.io/inject': 'true', 'inject.istio.io/templates': 'gateway' };
  const template = {
    metadata: { labels: own, annotations },
    spec: { containers: [{ name: 'istio-proxy', image: 'auto' }] },
  };
  return [
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { selector: { matchLabels: own }, template } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        type: 'LoadBalancer',
        selector: own,
        ports: ports.map((port) => ({ name: `http-${port}`, port, targetPort: port })),
      },
    },
  ];
}
