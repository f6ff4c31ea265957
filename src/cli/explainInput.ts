import { distance } from 'fastest-levenshtein';
import { ConfigError, type Problem } from '../base/errors.js';
import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { labels, record } from '../mesh/read.js';
import type { Caller, MeshWarning } from '../mesh/types.js';
import { readManifests } from '../scenario/manifests.js';
import type { ManifestObject } from '../scenario/types.js';

/**
 * The objects of files and folders as a cluster would hold them after applying all: the last of one identity wins.
 * @param namespace for namespaced objects that name none.
 * @throws ConfigError with every problem of every file.
 */
export async function readObjects(
  places: readonly string[],
  cwd: string,
  namespace: string,
): Promise<{ manifests: ManifestObject[]; warnings: MeshWarning[] }> {
  const problems: Problem[] = [];
  const byIdentity = new Map<string, ManifestObject>();
  const warnings: MeshWarning[] = [];
  for (const place of places) {
    const read = await readManifests(place, cwd, { namespace });
    problems.push(...read.problems);
    for (const manifest of read.objects) {
      const key = `${manifest.object.apiVersion.split('/')[0]} ${objectRef(manifest.object)}`;
      const before = byIdentity.get(key);
      if (before) {
        const message = `${before.file}:${before.line} defines it too; the last one counts, as when all are applied in this order.`;
        warnings.push({ code: 'DEFINED_TWICE', object: objectRef(manifest.object), field: 'metadata.name', message });
      }
      byIdentity.set(key, manifest);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { manifests: [...byIdentity.values()], warnings };
}

const WORKLOADS = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet']);

/** `WORKLOAD.NAMESPACE`; the namespace may be left out when another option gives it. */
export function parseFrom(text: string, namespace: string | undefined): { workload: string; namespace: string } {
  const dot = text.lastIndexOf('.');
  const parts =
    dot < 0
      ? { workload: text, namespace: namespace ?? '' }
      : { workload: text.slice(0, dot), namespace: text.slice(dot + 1) };
  if (parts.workload && parts.namespace) return parts;
  const hint = 'write it as workload.namespace, such as webapp.pitstop';
  throw new ConfigError([{ file: '--from', message: `found "${text}"; allowed is WORKLOAD.NAMESPACE`, hint }]);
}

/** `HOST[:PORT]` */
export function parseTo(text: string): { host: string; port: number | undefined } {
  const parts = /^([^\s:/]+)(?::(\d{1,5}))?$/.exec(text);
  const port = parts?.[2] === undefined ? undefined : Number(parts[2]);
  if (parts?.[1] && (port === undefined || (port > 0 && port < 65_536))) return { host: parts[1], port };
  const hint = 'write a host name as the caller does, such as customermanagementapi:5100';
  throw new ConfigError([{ file: '--to', message: `found "${text}"; allowed is HOST or HOST:PORT`, hint }]);
}

/** The caller with the labels that its manifest gives it, and what is worth saying about it. */
export function callerOf(
  objects: readonly KubeObject[],
  from: { workload: string; namespace: string },
  gateway: boolean,
): { caller: Caller; warnings: MeshWarning[] } {
  const found = objects.find(
    ({ kind, metadata }) =>
      WORKLOADS.has(kind) && metadata.name === from.workload && metadata.namespace === from.namespace,
  );
  const template = record(record(found?.spec?.template).metadata);
  const caller: Caller = { ...from, labels: labels(template.labels), gateway };
  const warn = (code: string, object: string, field: string, message: string): MeshWarning[] => [
    { code, object, field, message },
  ];
  if (!found) {
    const names = objects
      .filter(({ kind }) => WORKLOADS.has(kind))
      .map(({ metadata }) => `${metadata.name}.${metadata.namespace}`);
    const message = `No file defines the workload, so it has no labels: rules for sourceLabels and ${gateway ? 'Gateways that select by labels' : 'Sidecar objects that select by labels'} do not apply.${nearest(`${from.workload}.${from.namespace}`, names)}`;
    return { caller, warnings: warn('CALLER_UNKNOWN', `Deployment/${from.namespace}/${from.workload}`, '', message) };
  }
  const inject = labels(template.annotations)['sidecar.istio.io/inject'] ?? caller.labels['sidecar.istio.io/inject'];
  if (inject !== 'false') return { caller, warnings: [] };
  const message = 'It has no sidecar, so no route applies to its calls: kube-proxy balances its connections.';
  const field = 'spec.template.metadata.annotations';
  return { caller, warnings: warn('CALLER_WITHOUT_SIDECAR', objectRef(found), field, message) };
}

/** Why a host is in no route table. */
export function hostWarning(objects: readonly KubeObject[], host: string, to: string, namespace: string): MeshWarning {
  const services = objects.filter(({ kind, apiVersion }) => kind === 'Service' && apiVersion === 'v1');
  const named = services.find(({ metadata }) => {
    const owner = metadata.namespace ?? 'default';
    const names = [
      metadata.name,
      `${metadata.name}.${owner}`,
      `${metadata.name}.${owner}.svc`,
      `${metadata.name}.${owner}.svc.cluster.local`,
    ];
    return names.slice(owner === namespace ? 0 : 1).includes(host.toLowerCase());
  });
  if (named) {
    const ports = (Array.isArray(named.spec?.ports) ? named.spec.ports : []).map((port) => String(record(port).port));
    const message = `${to} is in no route table of this caller: the Service has the ports ${ports.join(', ') || 'none'}, or it is hidden from the caller (exportTo, Sidecar).`;
    return { code: 'NOT_ROUTED', object: objectRef(named), field: 'spec.ports', message };
  }
  const names = services.map(({ metadata }) =>
    metadata.namespace === namespace ? metadata.name : `${metadata.name}.${metadata.namespace}`,
  );
  const message = `No file defines a Service that ${namespace} calls ${host}, so the connection passes through unrouted and nobody can say who answers.${nearest(host, names)}`;
  return { code: 'HOST_UNKNOWN', object: `Service/${namespace}/${host}`, field: '', message };
}

function nearest(wanted: string, names: readonly string[]): string {
  const [best] = names.map((name) => ({ name, far: distance(wanted, name) })).sort((a, b) => a.far - b.far);
  return best && best.far <= Math.max(2, wanted.length / 4) ? ` Did you mean ${best.name}?` : '';
}
