import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../base/kubernetes.js';

/** Fields that the API server writes; a restored object may differ in them. */
const VOLATILE = ['uid', 'resourceVersion', 'generation', 'managedFields', 'creationTimestamp', 'selfLink'] as const;

/** Where `kubectl apply` remembers what it applied, to tell fields that a manifest no longer has from fields of others. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object without what the API server writes by itself (and without status): two of these are compared after a restore. */
export function withoutVolatile(object: KubeObject): KubeObject {
  const { status: _status, ...rest } = object;
  const metadata = { ...rest.metadata };
  for (const field of VOLATILE) delete metadata[field];
  return { ...rest, metadata };
}

/** The manifest as it is created: annotated with itself, so that a later apply (kubectl's too) knows which fields it brought. */
export function planCreate(manifest: KubeObject): KubeObject {
  const { annotations = {}, ...metadata } = manifest.metadata;
  return {
    ...manifest,
    metadata: { ...metadata, annotations: { ...annotations, [LAST_APPLIED]: `${JSON.stringify(manifest)}\n` } },
  };
}

/**
 * What must be written so that the live object becomes what the manifest says, or undefined when it already is.
 * Custom resources get the manifest's spec as a whole; of built-in kinds each top-level field of the manifest's spec replaces the live
 * one, so that what the cluster allocated (clusterIP, nodePort, replicas set by an autoscaler when the manifest has none) stays.
 * A selector is replaced, never merged: removing `version` from it is what a stage is about. What an earlier apply brought and this
 * manifest no longer says goes; labels and annotations of others stay.
 */
export function planApply(live: KubeObject, manifest: KubeObject): KubeObject | undefined {
  const { apiVersion, kind, metadata, status: _wantedStatus, spec, ...content } = manifest;
  const builtIn = !apiVersion.includes('.');
  const before = lastApplied(live);
  const { replicas: _replicas, ...specBefore } = { ...before?.spec };
  const stands = (have: unknown, said: unknown, wanted: unknown) =>
    covers(have, wanted) && !hasLeftOver(have, said, wanted);
  const specStands = builtIn
    ? stands(live.spec, specBefore, spec) &&
      (spec?.selector === undefined || isDeepStrictEqual(live.spec?.selector, spec.selector))
    : isDeepStrictEqual(live.spec, spec);
  if (
    (spec === undefined || specStands) &&
    Object.entries(content).every(([field, value]) => isDeepStrictEqual(live[field], value)) &&
    stands(live.metadata.labels, before?.metadata.labels, metadata.labels) &&
    stands(live.metadata.annotations, before?.metadata.annotations, metadata.annotations)
  ) {
    return undefined;
  }
  const { status: _status, ...kept } = live;
  return {
    ...kept,
    ...content,
    apiVersion,
    kind,
    metadata: {
      ...live.metadata,
      labels: merge(live.metadata.labels, before?.metadata.labels, metadata.labels),
      annotations: {
        ...merge(live.metadata.annotations, before?.metadata.annotations, metadata.annotations),
        ...(before ? { [LAST_APPLIED]: `${JSON.stringify(manifest)}\n` } : {}),
      },
    },
    ...(spec ? { spec: builtIn ? merge(live.spec, specBefore, spec) : spec } : {}),
  };
}

function lastApplied(live: KubeObject): KubeObject | undefined {
  try {
    const value = JSON.parse(live.metadata.annotations?.[LAST_APPLIED] ?? '') as Partial<KubeObject> | null;
    return value?.metadata ? (value as KubeObject) : undefined;
  } catch {
    return undefined;
  }
}

/** Field by field: the wanted ones replace, those that were only said before go. */
function merge<T>(
  live: Readonly<Record<string, T>> | undefined,
  before: Readonly<Record<string, unknown>> | undefined,
  wanted: Readonly<Record<string, T>> | undefined,
): Record<string, T> {
  const stay = Object.entries({ ...live }).filter(([key]) => !(before && key in before));
  return { ...Object.fromEntries(stay), ...wanted };
}

/** True when `before` said a field that `wanted` does not say, and it still stands in `live`. */
function hasLeftOver(live: unknown, before: unknown, wanted: unknown): boolean {
  if (Array.isArray(before)) {
    // Of lists of different lengths `covers` already tells the difference.
    return (
      Array.isArray(live) &&
      Array.isArray(wanted) &&
      before.some((item, index) => index < wanted.length && hasLeftOver(live[index], item, wanted[index]))
    );
  }
  if (!isRecord(before) || !isRecord(live)) return false;
  const said = isRecord(wanted) ? wanted : {};
  return Object.entries(before).some(([key, value]) =>
    key in said ? hasLeftOver(live[key], value, said[key]) : live[key] !== undefined,
  );
}

/** True when everything that `wanted` says stands in `live` too; lists must have the same length. */
export function covers(live: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(live) && live.length === wanted.length && wanted.every((item, index) => covers(live[index], item))
    );
  }
  if (isRecord(wanted)) {
    if (!isRecord(live)) return Object.keys(wanted).length === 0 && live === undefined;
    return Object.entries(wanted).every(([key, value]) => covers(live[key], value));
  }
  return live === wanted;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
