import type { KubeObject } from '../../base/kubernetes.js';
import { labelsMatch, namespaceOf, objectRef } from '../../base/kubernetes.js';
import type { Evidence } from '../../observe/types.js';
import type { ManifestObject, Scenario, Stage } from '../../scenario/types.js';
import type { WindowHistory } from '../history.js';
import type { Look, StageAssessment } from '../types.js';

/** What a caller's proxy holds, as it was asked itself, or as the control plane knows it. */
export interface HeldRoutes {
  readonly pod: string;
  /** The routes that the objects compile to. */
  readonly current: boolean;
  /** The difference; empty when current. */
  readonly why: string;
}

export interface DiagnosisInput {
  readonly scenario: Scenario;
  readonly stage: Stage;
  /** What the cluster held while the stage ran: routes, destination rules, Services, Deployments, Pods. */
  readonly objects: readonly KubeObject[];
  readonly assessment: StageAssessment;
  /** The last look. */
  readonly observations: Look;
  /** What the series tell beside the counts; absent: not asked. */
  readonly evidence?: Evidence;
  /** What the caller's proxies hold; absent: not asked, or nobody answered. */
  readonly routes?: readonly HeldRoutes[];
  /** Counts in time; absent: not kept. */
  readonly history?: WindowHistory;
}

/** Live objects are data of others: every step of a path may be missing or of another type. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = (here as Record<string | number, unknown>)[step];
  }
  return here;
}

export const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const text = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;

/** String entries of a map such as labels or a selector. */
export function labels(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (typeof each === 'string' ? [[key, each]] : [])),
  );
}

export const ofKind = (input: DiagnosisInput, kind: string): readonly KubeObject[] =>
  input.objects.filter((object) => object.kind === kind);

export function find(input: DiagnosisInput, kind: string, namespace: string, name: string): KubeObject | undefined {
  return ofKind(input, kind).find((object) => object.metadata.name === name && namespaceOf(object) === namespace);
}

export { namespaceOf };

/** The Service under release. */
export const service = (input: DiagnosisInput): KubeObject | undefined =>
  find(input, 'Service', input.scenario.namespace, input.scenario.service);

/** Label keys that tell the versions apart. */
export const versionKeys = (scenario: Scenario): readonly string[] => [
  ...new Set(Object.values(scenario.versions).flatMap((each) => Object.keys(each))),
];

/** Versions that must get requests or copies in this stage. */
export function neededVersions({ expect }: Stage): readonly string[] {
  const positive = (map: Readonly<Record<string, number>> | undefined) =>
    Object.entries(map ?? {}).flatMap(([version, share]) => (share > 0 ? [version] : []));
  return [...new Set([...positive(expect.share), ...positive(expect.mirror)])];
}

/** By which the Service selects its pods, whatever version it pins. */
export function openSelector(input: DiagnosisInput): Record<string, string> {
  const keys = versionKeys(input.scenario);
  const selector = labels(service(input)?.spec?.selector);
  return Object.fromEntries(Object.entries(selector).filter(([key]) => !keys.includes(key)));
}

/** Deployments of the service whose pods carry the labels of a version. */
export function deploymentsOf(input: DiagnosisInput, version: string): readonly KubeObject[] {
  const selector = openSelector(input);
  return ofKind(input, 'Deployment').filter((deployment) => {
    const own = labels(at(deployment.spec, 'template', 'metadata', 'labels'));
    const same = namespaceOf(deployment) === input.scenario.namespace;
    return same && labelsMatch(input.scenario.versions[version], own) && labelsMatch(selector, own);
  });
}

export function isReady(pod: KubeObject): boolean {
  return items(at(pod.status, 'conditions')).some(
    (each) => at(each, 'type') === 'Ready' && at(each, 'status') === 'True',
  );
}

/** Where the scenario's manifests write a field: this stage's first, then earlier stages', then what was there at the start. */
export function placeOf(input: DiagnosisInput, object: KubeObject, field: string): string | undefined {
  const manifest = manifestsOf(input, object).find((each) => each.lines[field] !== undefined);
  return manifest ? `${manifest.file}:${manifest.lines[field]}` : undefined;
}

/** Manifests of an object, the one applied last first. */
export function manifestsOf({ scenario, stage }: DiagnosisInput, object: KubeObject): readonly ManifestObject[] {
  const index = scenario.stages.findIndex((each) => each.name === stage.name);
  const earlier = scenario.stages.slice(0, Math.max(0, index)).reverse();
  const all = [...stage.apply, ...earlier.flatMap((each) => each.apply), ...scenario.lab.objects];
  const withNamespace = (each: KubeObject) => ({
    kind: each.kind,
    metadata: { name: each.metadata.name, namespace: each.metadata.namespace ?? scenario.namespace },
  });
  return all.filter((each) => objectRef(withNamespace(each.object)) === objectRef(withNamespace(object)));
}
