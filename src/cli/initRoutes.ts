import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { labels, record, records, text } from '../mesh/read.js';
import { type Release, servicesOfRelease } from '../mesh/releases.js';
import type { ExplainDocument } from './explainDocument.js';
import { unversioned } from './world.js';

interface Given {
  readonly objects: readonly KubeObject[];
  readonly release: Release;
  readonly present: ExplainDocument;
  /** The object that routes the service's requests now; undefined: none does. */
  readonly route: KubeObject | undefined;
  /** The mesh model's answer for changed objects. */
  readonly ask: (objects: readonly KubeObject[]) => ExplainDocument;
}

/** The objects that give one version a share of the requests and another one the rest; undefined: these objects cannot say that. */
type Split = (old: string, next: string, share: number) => KubeObject[] | undefined;

/** The weights are changed where they are written. Where no route splits the versions yet, one by subsets is written. */
export function splitter(given: Given): Split {
  return (old, next, share) => {
    const made = reweighted(given, old, next, share) ?? bySubsets(given, old, next, share);
    if (!made) return undefined;
    // A proposal is a promise: what the model does not confirm is left out.
    const after = given.ask(laidOver(given.objects, made));
    return Math.abs((after.share[next] ?? 0) - share) < 1e-6 ? made : undefined;
  };
}

function laidOver(objects: readonly KubeObject[], made: readonly KubeObject[]): KubeObject[] {
  const replaced = new Set(made.map(objectRef));
  return [...objects.filter((object) => !replaced.has(objectRef(object))), ...made.map(unversioned)];
}

/** The rule that takes the request, and the key its destinations are under. */
function place({ present, route }: Given): { rules: string; index: number; key: string } | undefined {
  const field = present.routes[present.taken]?.field ?? '';
  const [, rules, index] = /^spec\.(http|rules)\[(\d+)\]/.exec(field) ?? [];
  if (!route || rules === undefined || index === undefined) return undefined;
  return { rules, index: Number(index), key: rules === 'http' ? 'route' : 'backendRefs' };
}

function withDestinations(given: Given, destinations: readonly Record<string, unknown>[]): KubeObject | undefined {
  const at = place(given);
  if (!at || !given.route) return undefined;
  const rules = records(given.route.spec?.[at.rules]).map((rule, index) =>
    index === at.index ? { ...rule, [at.key]: destinations } : rule,
  );
  return { ...given.route, spec: { ...given.route.spec, [at.rules]: rules } };
}

/** Of the rule that takes the request. */
function presentDestinations(given: Given) {
  const at = place(given);
  return at ? records(records(given.route?.spec?.[at.rules])[at.index]?.[at.key]) : [];
}

function reweighted(given: Given, old: string, next: string, share: number): KubeObject[] | undefined {
  const at = place(given);
  if (!at || !given.route) return undefined;
  const present = presentDestinations(given);
  const versions = present.map((_, only) => {
    const alone = withDestinations(
      given,
      present.map((each, index) => ({ ...each, weight: index === only ? 100 : 0 })),
    );
    const { share: found } = given.ask(laidOver(given.objects, alone ? [alone] : []));
    return Object.keys(found).length === 1 ? Object.keys(found)[0] : undefined;
  });
  const weight = new Map([
    [versions.indexOf(old), Math.round((1 - share) * 100)],
    [versions.indexOf(next), Math.round(share * 100)],
  ]);
  if (weight.has(-1)) return undefined;
  const changed = withDestinations(
    given,
    present.map((each, index) => ({ ...each, weight: weight.get(index) ?? 0 })),
  );
  return changed && [changed];
}

function bySubsets(given: Given, old: string, next: string, share: number): KubeObject[] | undefined {
  const { objects, release, route } = given;
  if (route && route.kind !== 'VirtualService') return byServices(given, old, next, share);
  const { service, namespace, label } = release;
  const rule = objects.find(
    ({ kind, metadata, spec }) =>
      kind === 'DestinationRule' && metadata.namespace === namespace && text(spec?.host)?.split('.')[0] === service,
  );
  const there = records(rule?.spec?.subsets);
  const named = (version: string) => text(there.find((subset) => labels(subset.labels)[label] === version)?.name);
  const missing = [old, next].filter((version) => named(version) === undefined);
  const name = (version: string) => named(version) ?? subsetName(version);
  const subsets = [
    ...there,
    ...missing.map((version) => ({ name: subsetName(version), labels: { [label]: version } })),
  ];
  const destinationRule = {
    apiVersion: rule?.apiVersion ?? 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: rule?.metadata ?? { name: service, namespace },
    spec: { ...(rule?.spec ?? { host: service }), subsets },
  };
  const [present] = presentDestinations(given);
  const { port } = record(present?.destination);
  const destinations = weightsOf(old, next, share).map(([version, weight]) => ({
    destination: { host: service, subset: name(version), ...(port ? { port } : {}) },
    weight,
  }));
  const virtualService = route
    ? withDestinations(given, destinations)
    : {
        apiVersion: 'networking.istio.io/v1',
        kind: 'VirtualService',
        metadata: { name: service, namespace },
        spec: { hosts: [service], http: [{ route: destinations }] },
      };
  if (!virtualService) return undefined;
  return missing.length > 0 ? [destinationRule, virtualService] : [virtualService];
}

const weightsOf = (old: string, next: string, share: number) =>
  [[old, Math.round((1 - share) * 100)] as const, [next, Math.round(share * 100)] as const] as const;

/** Backends for one version each, where such Services are there: an HTTPRoute has no subsets. */
function byServices(given: Given, old: string, next: string, share: number): KubeObject[] | undefined {
  const { objects, release } = given;
  const [present] = presentDestinations(given);
  const backends = weightsOf(old, next, share).flatMap(([version, weight]) => {
    const only = servicesOfRelease(objects, release).find(
      ({ spec }) => labels(spec?.selector)[release.label] === version,
    );
    return only ? [{ ...present, name: only.metadata.name, weight }] : [];
  });
  const changed = backends.length === 2 ? withDestinations(given, backends) : undefined;
  return changed && [changed];
}

/** A label value as the name of a subset. */
function subsetName(version: string): string {
  const name = version.toLowerCase().replace(/[^a-z0-9-]/g, '-');
  return /^[a-z]/.test(name) ? name : `v${name}`;
}
