import { parse } from 'yaml';
import type { KubeObject } from '../base/kubernetes.js';
import { KUBERNETES_YAML } from '../base/kubernetesYaml.js';
import { perObject } from './memo.js';
import { DEFAULT_RETRIES, retryPolicy } from './policies.js';
import { type Fields, isRecord, record, records, text, texts } from './read.js';
import type { RetryPolicy } from './types.js';

/** Settings of the whole mesh that change what one proxy is told. */
export interface MeshSettings {
  readonly rootNamespace: string;
  readonly defaultRetries: RetryPolicy;
  readonly unknownHosts: 'allow-any' | 'registry-only';
  /** Proxies choose mutual TLS by themselves where the other side has a proxy. */
  readonly autoMutualTls: boolean;
  /** Names of providers of metrics: those in force where no Telemetry names any, and those that are Prometheus (in lower case). */
  readonly metricsProviders: { readonly byDefault: readonly string[]; readonly prometheus: readonly string[] };
  /** `localityLbSetting`: fields of the mesh's default; it is on unless they say otherwise. */
  readonly localityLoadBalancing: Fields;
  /** What counts for objects that write no exportTo; empty: every namespace. */
  readonly exportTo: {
    readonly services: readonly string[];
    readonly virtualServices: readonly string[];
    readonly destinationRules: readonly string[];
  };
}

/** From the ConfigMap `istio-system/istio`; a broken or missing one means Istio's defaults. The same object is the same settings. */
export const meshSettings = (configMap: KubeObject | undefined): MeshSettings =>
  configMap ? settingsIn(configMap) : DEFAULTS;

const settingsIn = perObject((configMap: KubeObject) => settingsOf(parsed(text(record(configMap.data).mesh))));

function settingsOf(mesh: Fields): MeshSettings {
  return {
    rootNamespace: text(mesh.rootNamespace) ?? 'istio-system',
    defaultRetries: retryPolicy(mesh.defaultHttpRetryPolicy, DEFAULT_RETRIES),
    unknownHosts: policyMode(mesh.outboundTrafficPolicy) ?? 'allow-any',
    autoMutualTls: mesh.enableAutoMtls !== false,
    metricsProviders: metricsProviders(mesh),
    localityLoadBalancing: record(mesh.localityLbSetting),
    exportTo: {
      services: texts(mesh.defaultServiceExportTo),
      virtualServices: texts(mesh.defaultVirtualServiceExportTo),
      destinationRules: texts(mesh.defaultDestinationRuleExportTo),
    },
  };
}

const DEFAULTS = settingsOf({});

/** Istio's installations name Prometheus as the default. */
function metricsProviders(mesh: Fields): MeshSettings['metricsProviders'] {
  const written = texts(record(mesh.defaultProviders).metrics);
  const own = records(mesh.extensionProviders).filter((provider) => isRecord(provider.prometheus));
  return {
    byDefault: written.length > 0 ? written : ['prometheus'],
    prometheus: ['prometheus', ...own.flatMap(({ name }) => text(name)?.toLowerCase() ?? [])],
  };
}

function parsed(yaml: string | undefined): Fields {
  if (!yaml) return {};
  try {
    return record(parse(yaml, { ...KUBERNETES_YAML, maxAliasCount: 100 }));
  } catch {
    return {};
  }
}

/** An `outboundTrafficPolicy`; undefined: none is written. */
export function policyMode(value: unknown): MeshSettings['unknownHosts'] | undefined {
  if (!isRecord(value)) return undefined;
  return text(value.mode) === 'REGISTRY_ONLY' ? 'registry-only' : 'allow-any';
}
