import { expandHost, type KubeObject, labelsMatch } from '../../base/kubernetes.js';
import { callerIsGateway, callerLabels } from './callers.js';
import { at, type DiagnosisInput, items, labels, namespaceOf, ofKind, text } from './objects.js';

export const serviceHost = ({ scenario }: DiagnosisInput): string =>
  `${scenario.service}.${scenario.namespace}.svc.cluster.local`;

/** Gateways of Istio, `namespace/name`, that the caller's pods are. */
export function callerGateways(input: DiagnosisInput): readonly string[] {
  const own = callerLabels(input);
  return ofKind(input, 'Gateway').flatMap((gateway) => {
    const selector = labels(gateway.spec?.selector);
    const selects = Object.keys(selector).length > 0 && labelsMatch(selector, own);
    return selects ? [`${namespaceOf(gateway)}/${gateway.metadata.name}`] : [];
  });
}

/** Do the proxies on the way of the calls follow this VirtualService? */
export function isFollowed(input: DiagnosisInput, object: KubeObject): boolean {
  const named = items(object.spec?.gateways).map((each) => text(each) ?? '');
  if (!callerIsGateway(input)) return named.length === 0 || named.includes('mesh');
  const gateways = callerGateways(input);
  return named.some((each) => gateways.includes(each.includes('/') ? each : `${namespaceOf(object)}/${each}`));
}

const exportTo = (object: KubeObject) => items(object.spec?.exportTo).map((each) => text(each) ?? '');

export function visible(object: KubeObject, { scenario }: DiagnosisInput): boolean {
  const scopes = exportTo(object);
  if (scopes.length === 0 || scopes.includes('*') || scopes.includes(scenario.namespace)) return true;
  return scopes.includes('.') && namespaceOf(object) === scenario.namespace;
}

export const visibility = (object: KubeObject): number => {
  const scopes = exportTo(object);
  return scopes.includes('.') ? 0 : scopes.length > 0 && !scopes.includes('*') ? 1 : 2;
};

export function byAge(a: KubeObject, b: KubeObject): number {
  const key = (each: KubeObject) => [each.metadata.creationTimestamp ?? '', each.metadata.name, namespaceOf(each)];
  const [left, right] = [key(a), key(b)];
  for (let i = 0; i < left.length; i++) {
    const [l, r] = [left[i] as string, right[i] as string];
    if (l !== r) return l < r ? -1 : 1;
  }
  return 0;
}

export function hostMatches(host: string, namespace: string, fqdn: string): boolean {
  const full = expandHost(host, namespace).replace(/\.$/, '');
  return full === fqdn || full === '*' || (full.startsWith('*.') && fqdn.endsWith(full.slice(1)));
}

export interface Subset {
  readonly rule: KubeObject;
  readonly name: string;
  readonly labels: Record<string, string>;
  /** `spec.subsets[1]` */
  readonly field: string;
}

/**
 * DestinationRules of the service that count for its callers: those of their own namespace, else those of the root namespace, and there the
 * ones for this very host before a wildcard.
 */
export function destinationRules(input: DiagnosisInput): KubeObject[] {
  const { namespace } = input.scenario;
  const seen = ofKind(input, 'DestinationRule')
    .filter((object) => hostMatches(text(object.spec?.host) ?? '', namespaceOf(object), serviceHost(input)))
    .filter((object) => visible(object, input))
    .sort(byAge);
  const home = [namespace, 'istio-system'].find((each) => seen.some((object) => namespaceOf(object) === each));
  const here = seen.filter((object) => namespaceOf(object) === home);
  const exact = here.filter((object) => !text(object.spec?.host)?.includes('*'));
  return exact.length > 0 ? exact : here;
}

export function subsetsOf(input: DiagnosisInput): Subset[] {
  return destinationRules(input).flatMap((rule) =>
    items(rule.spec?.subsets).map((subset, index) => ({
      rule,
      name: text(at(subset, 'name')) ?? '',
      labels: labels(at(subset, 'labels')),
      field: `spec.subsets[${index}]`,
    })),
  );
}

/** Does a VirtualService send anything to the Service? */
export const sendsHere = (input: DiagnosisInput, object: KubeObject): boolean =>
  items(object.spec?.http).some((rule) =>
    items(at(rule, 'route')).some((entry) =>
      hostMatches(text(at(entry, 'destination', 'host')) ?? '', namespaceOf(object), serviceHost(input)),
    ),
  );

/** The host by which calls of the Service come to a VirtualService: its own, and at a gateway any that leads to it. -1: none. */
export function hostIndex(input: DiagnosisInput, object: KubeObject): number {
  const hosts = items(object.spec?.hosts).map((each) => text(each) ?? '');
  const own = hosts.findIndex((host) => hostMatches(host, namespaceOf(object), serviceHost(input)));
  if (own >= 0 || hosts.length === 0) return own;
  return callerIsGateway(input) && sendsHere(input, object) ? 0 : -1;
}
