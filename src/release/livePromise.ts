import { type KubeObject, labelsMatch } from '../base/kubernetes.js';
import { type Ratio, ratio } from '../base/units.js';
import { compileProxyConfig } from '../mesh/compile.js';
import { isGateway } from '../mesh/gatewayServers.js';
import { workloadOf } from '../mesh/pods.js';
import { labels, number, records } from '../mesh/read.js';
import { compileRouter } from '../mesh/router.js';
import type { ProxyConfig, Route } from '../mesh/types.js';
import type { Scenario } from '../scenario/types.js';

/**
 * What the route in force gives each version of a plain GET: the promise of a cluster about which nothing was said. Undefined: no route
 * with weights, or one whose destinations are no versions.
 */
export function routedShare(
  objects: readonly KubeObject[],
  { namespace, service, from, versions }: Scenario,
): Readonly<Record<string, Ratio>> | undefined {
  const live = objects.find(
    ({ kind, metadata }) => kind === 'Service' && metadata.name === service && metadata.namespace === namespace,
  );
  const port = number(records(live?.spec?.ports)[0]?.port);
  if (port === undefined) return undefined;
  const caller = objects.find(
    (object) => object.kind === 'Pod' && object.metadata.namespace === namespace && workloadOf(object) === from,
  );
  const own = { ...labels(caller?.metadata.labels) };
  const gateway = isGateway(objects, own);
  const config = compileProxyConfig(objects, {
    workload: from ?? '',
    namespace,
    labels: own,
    gateway,
  });
  const route = gateway
    ? gatewayRoute(config, `${service}.${namespace}.svc.cluster.local`)
    : compileRouter(config).match(port, service, 'GET', '/', {})?.route;
  const action = route?.action;
  if (action?.kind !== 'forward') return undefined;
  const total = action.destinations.reduce((sum, { weight }) => sum + weight, 0);
  const share: Record<string, Ratio> = {};
  for (const { host, subset, weight } of action.destinations) {
    const version = subset in versions ? subset : versionOfService(objects, host, versions);
    if (version === undefined) return undefined;
    share[version] = ratio((share[version] ?? 0) + weight / total);
  }
  return share;
}

/** By what host a gateway is called nobody knows: its first route that leads to the Service. */
const gatewayRoute = ({ ports }: ProxyConfig, host: string): Route | undefined =>
  ports
    .flatMap(({ virtualHosts }) => virtualHosts.flatMap(({ routes }) => routes))
    .find(({ action }) => action.kind === 'forward' && action.destinations.some((each) => each.host === host));

/** Of the Gateway API's Services, one for each version. */
function versionOfService(
  objects: readonly KubeObject[],
  host: string,
  versions: Scenario['versions'],
): string | undefined {
  const [name, namespace] = host.split('.');
  const found = objects.find(
    ({ kind, metadata }) => kind === 'Service' && metadata.name === name && metadata.namespace === namespace,
  );
  const selector = { ...labels(found?.spec?.selector) };
  return Object.entries(versions).find(([, own]) => labelsMatch({ ...own }, selector))?.[0];
}
