import { type KubeObject, labelsMatch } from '../../base/kubernetes.js';
import { at, type DiagnosisInput, find, labels, namespaceOf, text } from './objects.js';
import { subsetsOf } from './rules.js';

/** One weighted target of a rule. */
export interface RouteEntry {
  /** Version of the scenario that the target selects; undefined: none or several. */
  readonly version: string | undefined;
  /** Subset, or the host without one. */
  readonly target: string;
  readonly subset: string | undefined;
  /** 0..1 after the mesh's normalisation. */
  readonly share: number;
  /** As written; `omitted` when it is not. */
  readonly weight: string;
  readonly effectiveWeight: number;
  readonly field: string;
}

export interface MirrorEntry {
  readonly version: string | undefined;
  readonly target: string;
  readonly subset: string | undefined;
  /** Copies per primary, 0..1. */
  readonly share: number;
  readonly field: string;
  readonly percentField: string;
}

/** What a route object does with a plain GET of the service. */
export interface LiveRoute {
  readonly object: KubeObject;
  /** `spec.http[0]` */
  readonly rule: string;
  readonly entries: readonly RouteEntry[];
  readonly mirrors: readonly MirrorEntry[];
  /** Field that binds the object to the service: `spec.hosts[0]`. */
  readonly hostField: string;
  readonly host: string;
  /** What its other rules do, in their order; `before`: they are asked before the one above. */
  readonly others: readonly RouteRule[];
}

export interface RouteRule extends Pick<LiveRoute, 'rule' | 'entries' | 'mirrors'> {
  readonly before: boolean;
  readonly matches: readonly unknown[];
}

/** What a destination of a route stands for. */
export function destination(input: DiagnosisInput, object: KubeObject, value: unknown) {
  const host = text(at(value, 'host')) ?? '';
  const subset = text(at(value, 'subset'));
  return { target: subset ?? host, subset, version: versionOf(input, object, host, subset) };
}

/** The one version that a destination stands for: by the subset's name, else by its labels, else by the selector of its Service. */
function versionOf(
  input: DiagnosisInput,
  object: KubeObject,
  host: string,
  subset: string | undefined,
): string | undefined {
  const versions = Object.entries(input.scenario.versions);
  const byLabels = (selected: Record<string, string>) =>
    versions.find(([, wanted]) => Object.keys(wanted).length > 0 && labelsMatch(wanted, selected))?.[0];
  if (subset === undefined) {
    const [name = '', namespace = namespaceOf(object)] = host.split('.');
    return byLabels(labels(find(input, 'Service', namespace, name)?.spec?.selector));
  }
  if (subset in input.scenario.versions) return subset;
  const defined = subsetsOf(input).find((each) => each.name === subset);
  return defined ? byLabels(defined.labels) : undefined;
}
