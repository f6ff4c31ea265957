import { distance } from 'fastest-levenshtein';
import { ConfigError, type Problem } from '../base/errors.js';
import { apiGroup, type KubeObject, objectRef } from '../base/kubernetes.js';
import { hasSidecar, wantsSidecar } from '../mesh/injection.js';
import { GATEWAY_NAME } from '../mesh/kubernetesGateway.js';
import { podsOfWorkloads, workloadOf } from '../mesh/pods.js';
import { labels, record, text } from '../mesh/read.js';
import type { Caller, MeshWarning } from '../mesh/types.js';
import { manifestsOf, readManifests } from '../scenario/manifests.js';

/** An object with the place that it was written at; one of a live cluster has no file. */
export interface PlacedObject {
  readonly object: KubeObject;
  readonly file?: string;
  readonly line?: number;
  readonly lines: Readonly<Record<string, number>>;
}

export interface World {
  readonly placed: readonly PlacedObject[];
  readonly objects: readonly KubeObject[];
  readonly warnings: readonly MeshWarning[];
  /** What was left out, one line each. */
  readonly notes: readonly string[];
}

export interface ReadOptions {
  readonly cwd: string;
  /** For namespaced objects that name none. */
  readonly namespace: string;
  /** Read where a place is `-`. */
  readonly stdin: NodeJS.ReadableStream;
  /** Of a live cluster; the files are laid over it as if they were applied. */
  readonly live?: readonly KubeObject[];
}

/**
 * The objects of files, folders and standard input as a cluster would hold them after applying all: the last of one identity wins.
 * @throws ConfigError with every problem of every file.
 */
export async function readWorld(places: readonly string[], options: ReadOptions): Promise<World> {
  const { cwd, namespace, live = [] } = options;
  const problems: Problem[] = [];
  const notes: string[] = [];
  const byIdentity = new Map<string, PlacedObject>(live.map((object) => [identityOf(object), { object, lines: {} }]));
  const warnings: MeshWarning[] = [];
  for (const place of places) {
    const read =
      place === '-'
        ? manifestsOf(await textOf(options.stdin), 'standard input', { namespace, strangers: 'ignore' })
        : await readManifests(place, cwd, { namespace, strangers: 'ignore' });
    problems.push(...read.problems);
    notes.push(...read.ignored.map(({ file, line, message, hint }) => `${file}:${line}: ${message} (${hint})`));
    for (const manifest of read.objects) {
      const key = identityOf(manifest.object);
      const before = byIdentity.get(key);
      if (before?.file) {
        const message = `${before.file}:${before.line} defines it too; the last one counts, as when all are applied in this order.`;
        warnings.push({ code: 'DEFINED_TWICE', object: objectRef(manifest.object), field: 'metadata.name', message });
      }
      byIdentity.set(key, before && !before.file ? over(before.object, manifest) : manifest);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const placed = [...byIdentity.values()];
  const objects = placed.map(({ object }) => object);
  return { placed, objects: live.length > 0 ? [...objects, ...podsToCome(placed)] : objects, warnings, notes };
}

const identityOf = (object: KubeObject): string => `${apiGroup(object.apiVersion)} ${objectRef(object)}`;

/** Applied over a live object, which keeps its age: that decides between objects that compete. */
function over({ metadata }: KubeObject, manifest: PlacedObject): PlacedObject {
  const { creationTimestamp, uid } = metadata;
  const kept = { ...(creationTimestamp ? { creationTimestamp } : {}), ...(uid ? { uid } : {}) };
  return { ...manifest, object: { ...manifest.object, metadata: { ...manifest.object.metadata, ...kept } } };
}

/** Ready pods for the Deployments and the like of files that a live cluster has no pods of yet. */
function podsToCome(placed: readonly PlacedObject[]): KubeObject[] {
  const live = new Set(
    placed
      .filter(({ object }) => object.kind === 'Pod')
      .map(({ object }) => `${object.metadata.namespace}/${workloadOf(object)}`),
  );
  const missing = placed.filter(
    ({ object, file }) =>
      file !== undefined &&
      WORKLOADS.has(object.kind) &&
      !live.has(`${object.metadata.namespace}/${object.metadata.name}`),
  );
  return podsOfWorkloads(missing.map(({ object }) => object)).map((pod) => {
    const owner = missing.find(
      ({ object: { metadata } }) => metadata.namespace === pod.namespace && metadata.name === pod.workload,
    );
    const template = record(owner?.object.spec?.template);
    const metadata = record(template.metadata);
    const namespace = placed.find(
      ({ object }) => object.kind === 'Namespace' && object.metadata.name === pod.namespace,
    );
    const own = { labels: labels(metadata.labels), annotations: labels(metadata.annotations) };
    // As for callers, a sidecar is taken for granted where nobody says anything.
    const sidecar = wantsSidecar(own, namespace?.object.metadata) !== false;
    const ports = [...pod.portNames].map(([name, containerPort]) => ({ name, containerPort }));
    const account = text(record(template.spec).serviceAccountName);
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: pod.key.slice(pod.namespace.length + 1), namespace: pod.namespace, labels: { ...pod.labels } },
      spec: {
        ...(account ? { serviceAccountName: account } : {}),
        containers: [{ name: 'app', ports }, ...(sidecar ? [{ name: 'istio-proxy' }] : [])],
      },
      status: { phase: 'Running', podIP: pod.ip, conditions: [{ type: 'Ready', status: 'True' }] },
    };
  });
}

/** More than any manifest may have is not read further: it is refused by its size. */
const MOST_INPUT = 5_000_000;

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const part = Buffer.from(chunk as string | Buffer);
    chunks.push(part);
    bytes += part.length;
    if (bytes > MOST_INPUT) break;
  }
  return Buffer.concat(chunks).toString('utf8');
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
  const warn = (code: string, object: string, field: string, message: string): MeshWarning[] => [
    { code, object, field, message },
  ];
  if (!found) {
    const made = gateway ? gatewayMadeFor(objects, from) : undefined;
    if (made) return { caller: { ...from, labels: { [GATEWAY_NAME]: made }, gateway }, warnings: [] };
    const names = objects
      .filter(({ kind }) => WORKLOADS.has(kind))
      .map(({ metadata }) => `${metadata.name}.${metadata.namespace}`);
    const message = `No file defines the workload, so it has no labels: rules for sourceLabels and ${gateway ? 'Gateways that select by labels' : 'Sidecar objects that select by labels'} do not apply.${nearest(`${from.workload}.${from.namespace}`, names)}`;
    const caller = { ...from, labels: {}, gateway };
    return { caller, warnings: warn('CALLER_UNKNOWN', `Deployment/${from.namespace}/${from.workload}`, '', message) };
  }
  const template = record(record(found.spec?.template).metadata);
  const caller: Caller = { ...from, labels: labels(template.labels), gateway };
  if (gateway) return { caller, warnings: [] };
  const pod = objects.find(
    (object) =>
      object.kind === 'Pod' && object.metadata.namespace === from.namespace && workloadOf(object) === from.workload,
  );
  const namespace = objects.find(({ kind, metadata }) => kind === 'Namespace' && metadata.name === from.namespace);
  const own = { labels: labels(template.labels), annotations: labels(template.annotations) };
  const wanted = pod && hasSidecar(pod) ? true : wantsSidecar(own, namespace?.metadata);
  if (wanted === true) return { caller, warnings: [] };
  if (wanted === undefined) {
    // Without its Namespace nobody knows what it says; with it, it says nothing.
    const message = `Neither the namespace (istio-injection, istio.io/rev) nor the pods (sidecar.istio.io/inject) ask for a sidecar. It is taken for granted here; without one kube-proxy balances the connections and no route applies.`;
    const { name } = namespace?.metadata ?? {};
    return { caller, warnings: name ? warn('NOT_INJECTED', `Namespace/${name}`, 'metadata.labels', message) : [] };
  }
  const message = 'It has no sidecar, so no route applies to its calls: kube-proxy balances its connections.';
  const field = own.annotations['sidecar.istio.io/inject'] ? 'annotations' : 'labels';
  return {
    caller: { ...caller, sidecar: false },
    warnings: warn('CALLER_WITHOUT_SIDECAR', objectRef(found), `spec.template.metadata.${field}`, message),
  };
}

/** The Gateway of the Gateway API whose workload, which no manifest defines, is called so: `<gateway>-<class>`. */
function gatewayMadeFor(
  objects: readonly KubeObject[],
  from: { workload: string; namespace: string },
): string | undefined {
  return objects.find(
    ({ kind, apiVersion, metadata, spec }) =>
      kind === 'Gateway' &&
      apiGroup(apiVersion) === 'gateway.networking.k8s.io' &&
      metadata.namespace === from.namespace &&
      from.workload === `${metadata.name}-${text(spec?.gatewayClassName) ?? 'istio'}`,
  )?.metadata.name;
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
