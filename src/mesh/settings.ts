import { parse } from 'yaml';
import type { KubeObject } from '../base/kubernetes.js';
import { DEFAULT_RETRIES, retryPolicy } from './policies.js';
import { type Fields, isRecord, record, text, texts } from './read.js';
import type { RetryPolicy } from './types.js';

/** Settings of the whole mesh that change what one proxy is told. */
export interface MeshSettings {
  readonly rootNamespace: string;
  readonly defaultRetries: RetryPolicy;
  readonly unknownHosts: 'allow-any' | 'registry-only';
  /** `localityLbSetting`: fields of the mesh's default; it is on unless they say otherwise. */
  readonly localityLoadBalancing: Fields;
  /** What counts for objects that write no exportTo; empty: every namespace. */
  readonly exportTo: {
    readonly services: readonly string[];
    readonly virtualServices: readonly string[];
    readonly destinationRules: readonly string[];
  };
}

/** From the ConfigMap `istio-system/istio`; a broken or missing one means Istio's defaults. */
export function meshSettings(configMap: KubeObject | undefined): MeshSettings {
  const mesh = parsed(text(record(configMap?.data).mesh));
  return {
    rootNamespace: text(mesh.rootNamespace) ?? 'istio-system',
    defaultRetries: retryPolicy(mesh.defaultHttpRetryPolicy, DEFAULT_RETRIES),
    unknownHosts: policyMode(mesh.outboundTrafficPolicy) ?? 'allow-any',
    localityLoadBalancing: record(mesh.localityLbSetting),
    exportTo: {
      services: texts(mesh.defaultServiceExportTo),
      virtualServices: texts(mesh.defaultVirtualServiceExportTo),
      destinationRules: texts(mesh.defaultDestinationRuleExportTo),
    },
  };
}

function parsed(yaml: string | undefined): Fields {
  if (!yaml) return {};
  try {
    return record(parse(yaml, { maxAliasCount: 100 }));
  } catch {
    return {};
  }
}

/** An `outboundTrafficPolicy`; undefined: none is written. */
export function policyMode(value: unknown): MeshSettings['unknownHosts'] | undefined {
  if (!isRecord(value)) return undefined;
  return text(value.mode) === 'REGISTRY_ONLY' ? 'registry-only' : 'allow-any';
}
