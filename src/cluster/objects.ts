import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../base/kubernetes.js';

/** Fields that the API server writes; a restored object may differ in them. */
const VOLATILE = ['uid', 'resourceVersion', 'generation', 'managedFields', 'creationTimestamp', 'selfLink'] as const;

/** The object without what the API server writes by itself (and without status): two of these are compared after a restore. */
export function withoutVolatile(object: KubeObject): KubeObject {
  const { status: _status, ...rest } = object;
  const metadata = { ...rest.metadata };
  for (const field of VOLATILE) delete metadata[field];
  return { ...rest, metadata };
}

/**
 * What must be written so that the live object becomes what the manifest says, or undefined when it already is.
 * Custom resources get the manifest's spec as a whole; of built-in kinds each top-level field of the manifest's spec replaces the live
 * one, so that what the cluster allocated (clusterIP, nodePort, replicas set by an autoscaler when the manifest has none) stays.
 * A selector is replaced, never merged: removing `version` from it is what a stage is about. Labels and annotations of others stay.
 */
export function planApply(live: KubeObject, manifest: KubeObject): KubeObject | undefined {
  const builtIn = !manifest.apiVersion.includes('.');
  const upToDate = builtIn
    ? covers(live.spec, manifest.spec) &&
      isDeepStrictEqual(live.spec?.selector, manifest.spec?.selector) &&
      covers(live.data, manifest.data)
    : isDeepStrictEqual(live.spec, manifest.spec);
  if (
    upToDate &&
    covers(live.metadata.labels, manifest.metadata.labels) &&
    covers(live.metadata.annotations, manifest.metadata.annotations)
  ) {
    return undefined;
  }
  const { status: _status, ...content } = live;
  return {
    ...content,
    ...(manifest.data ? { data: manifest.data } : {}),
    apiVersion: manifest.apiVersion,
    kind: manifest.kind,
    metadata: {
      ...live.metadata,
      labels: { ...live.metadata.labels, ...manifest.metadata.labels },
      annotations: { ...live.metadata.annotations, ...manifest.metadata.annotations },
    },
    ...(manifest.spec ? { spec: builtIn ? { ...live.spec, ...manifest.spec } : manifest.spec } : {}),
  };
}

/** True when everything that `wanted` says stands in `live` too; lists must have the same length. */
export function covers(live: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(live) && live.length === wanted.length && wanted.every((item, index) => covers(live[index], item))
    );
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof live !== 'object' || live === null) return Object.keys(wanted).length === 0 && live === undefined;
    return Object.entries(wanted).every(([key, value]) => covers((live as Record<string, unknown>)[key], value));
  }
  return live === wanted;
}

/**
 * The object as a journal may hold it: without environment variables, container arguments, data and annotations of tools, which may carry
 * secrets and which no verdict needs.
 */
export function withoutSecrets(object: KubeObject): KubeObject {
  const { data: _data, stringData: _stringData, binaryData: _binaryData, ...rest } = object;
  const { managedFields: _managed, annotations, ...metadata } = rest.metadata;
  const kept = Object.entries(annotations ?? {}).filter(
    ([key]) => !key.includes('last-applied') && !key.startsWith('checksum/'),
  );
  const result: KubeObject = {
    ...rest,
    metadata: { ...metadata, ...(kept.length > 0 ? { annotations: Object.fromEntries(kept) } : {}) },
  };
  return result.spec ? { ...result, spec: scrubContainers(result.spec) as Record<string, unknown> } : result;
}

const SECRET_FIELDS = new Set(['env', 'envFrom', 'args', 'command']);

function scrubContainers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(scrubContainers);
  if (typeof value !== 'object' || value === null) return value;
  const isContainer = 'image' in value && 'name' in value;
  const entries = Object.entries(value).filter(([key]) => !(isContainer && SECRET_FIELDS.has(key)));
  return Object.fromEntries(entries.map(([key, item]) => [key, scrubContainers(item)]));
}
