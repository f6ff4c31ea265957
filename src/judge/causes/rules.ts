import { expandHost, type KubeObject } from '../../base/kubernetes.js';
import { at, type DiagnosisInput, items, labels, namespaceOf, ofKind, text } from './objects.js';

export const serviceHost = ({ scenario }: DiagnosisInput): string =>
  `${scenario.service}.${scenario.namespace}.svc.cluster.local`;

export function inMesh(object: KubeObject): boolean {
  const gateways = items(object.spec?.gateways);
  return gateways.length === 0 || gateways.includes('mesh');
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
