import { type KubeObject, labelsMatch, objectRef } from '../../base/kubernetes.js';
import { compileProxyConfig } from '../../mesh/compile.js';
import { exampleOf, PLAIN } from '../../mesh/examples.js';
import { GATEWAY_NAME } from '../../mesh/kubernetesGateway.js';
import type { MeshRequest } from '../../mesh/router.js';
import type { MeshWarning, ProxyConfig, Route } from '../../mesh/types.js';
import { callerLabels } from './callers.js';
import { at, type DiagnosisInput, find, labels, namespaceOf, ofKind, openSelector, text } from './objects.js';
import type { LiveRoute } from './routeEntries.js';

/** The name of the Gateway of the Gateway API that the caller's pods were made for; it is in their namespace. */
export const callerGatewayName = (input: DiagnosisInput): string | undefined => callerLabels(input)[GATEWAY_NAME];

export const callerKubernetesGateway = (input: DiagnosisInput): KubeObject | undefined =>
  ofKind(input, 'Gateway').find(
    (object) =>
      object.apiVersion.startsWith('gateway.networking.k8s.io/') &&
      object.metadata.name === callerGatewayName(input) &&
      namespaceOf(object) === input.scenario.namespace,
  );

const compiled = new WeakMap<DiagnosisInput, ProxyConfig>();

/** What the control plane makes of the objects for the gateway that calls. */
function gatewayConfig(input: DiagnosisInput): ProxyConfig {
  const known = compiled.get(input);
  if (known) return known;
  const { from = '', namespace } = input.scenario;
  const caller = { workload: from, namespace, labels: callerLabels(input), gateway: true };
  const config = compileProxyConfig(input.objects, caller);
  compiled.set(input, config);
  return config;
}

interface Served {
  readonly port: number;
  /** `*`: every host. */
  readonly host: string;
  readonly route: Route;
}

/** Where the calling gateway follows a route object; empty: nowhere. */
export const servedAtGateway = (input: DiagnosisInput, object: KubeObject): Served[] =>
  gatewayConfig(input).ports.flatMap(({ port, virtualHosts }) =>
    virtualHosts.flatMap(({ domains: [host = '*'], routes }) =>
      routes.filter(({ source }) => source === objectRef(object)).map((route) => ({ port, host, route })),
    ),
  );

/** Why listeners of the gateway do not take a route that names them. */
export const refusedAtGateway = (input: DiagnosisInput, object: KubeObject): readonly MeshWarning[] =>
  gatewayConfig(input).warnings.filter(
    (warning) => warning.code === 'HTTPROUTE_NOT_ATTACHED' && warning.object === objectRef(object),
  );

/** A request of the gateway that meets the rule in force. undefined: no example of it is known. */
export function requestOf(input: DiagnosisInput, { object, rule }: LiveRoute): MeshRequest | undefined {
  const served = servedAtGateway(input, object).find(({ route }) => route.field === rule);
  if (!served) return undefined;
  const [match] = served.route.matches;
  const example = match ? exampleOf(match) : PLAIN;
  return example && { port: served.port, host: served.host.replace('*', 'any'), ...example };
}

/** Is it the Service under release, or the Service of one of its versions? */
export function isBackend(input: DiagnosisInput, route: KubeObject, ref: unknown): boolean {
  const { namespace, service: name, versions } = input.scenario;
  const backend = text(at(ref, 'name')) ?? '';
  if ((text(at(ref, 'namespace')) ?? namespaceOf(route)) !== namespace) return false;
  if (backend === name) return true;
  const selector = labels(find(input, 'Service', namespace, backend)?.spec?.selector);
  const open = openSelector(input);
  const ofVersion = Object.values(versions).some((wanted) => labelsMatch({ ...wanted }, selector));
  return Object.keys(open).length > 0 && labelsMatch(open, selector) && ofVersion;
}
