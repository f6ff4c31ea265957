import type { KubeObject } from '../../base/kubernetes.js';
import type { CustomDefinition } from '../control/definitions.js';
import type { KindTable } from '../control/kinds.js';
import type { Store } from '../control/store.js';
import type { ResolvePodPort } from '../control/types.js';
import type { Admission } from './admission.js';
import type { EventLog } from './eventlog.js';
import type { Target } from './target.js';

/** What every handler works with. */
export interface ApiContext {
  readonly store: Store;
  readonly kinds: KindTable;
  readonly log: EventLog;
  readonly admission: Admission;
  readonly resolvePodPort: ResolvePodPort;
  readonly podLog: (namespace: string, pod: string, container: string | undefined) => string;
  /** Wall clock of managedFields, ages and deletion times. */
  readonly now: () => Date;
}

/** One request for a resource, its body parsed. */
export interface ApiRequest extends Target {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly contentType: string;
  readonly userAgent: string;
  readonly body: unknown;
}

export interface ApiResponse {
  readonly status: number;
  readonly body: Record<string, unknown> | string;
  readonly warnings?: readonly string[];
}

/** What a CustomResourceDefinition says of the kind and version that a request names; undefined for other kinds. */
export const definitionOf = ({ kinds }: ApiContext, { entry, apiVersion }: Target): CustomDefinition | undefined =>
  kinds.definitionOf(entry, apiVersion.slice(apiVersion.indexOf('/') + 1));

/** RFC 3339 with whole seconds, as Kubernetes writes times. */
export const timestamp = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');

/** The object as the asked version shows it: one stored object is served in every version of its group. */
export function inVersion(target: Target, object: KubeObject): KubeObject {
  const { apiVersion: _, kind: __, ...rest } = object;
  return { apiVersion: target.apiVersion, kind: target.entry.kind, ...rest };
}
