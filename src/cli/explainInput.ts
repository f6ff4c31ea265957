import { distance } from 'fastest-levenshtein';
import { ConfigError } from '../base/errors.js';
import { apiGroup, type KubeObject, namespaceOf, objectRef } from '../base/kubernetes.js';
import { hasSidecar, wantsSidecar } from '../mesh/injection.js';
import { GATEWAY_NAME } from '../mesh/kubernetesGateway.js';
import { type PlacedCallers, placesOf } from '../mesh/places.js';
import { isWorkload, workloadOf } from '../mesh/pods.js';
import { labels, record, records, text } from '../mesh/read.js';
import type { Caller, MeshWarning } from '../mesh/types.js';

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
export function parseTo(text: string, option = '--to'): { host: string; port: number | undefined } {
  const parts = /^([^\s:/]+)(?::(\d{1,5}))?$/.exec(text);
  const port = parts?.[2] === undefined ? undefined : Number(parts[2]);
  if (parts?.[1] && (port === undefined || (port > 0 && port < 65_536))) return { host: parts[1], port };
  const hint = 'write a host name as the caller does, such as customermanagementapi:5100';
  throw new ConfigError([{ file: option, message: `found "${text}"; allowed is HOST or HOST:PORT`, hint }]);
}

/** The caller with the labels that its manifest gives it, at every place where it runs, and what is worth saying about it. */
export function placedCallers(
  objects: readonly KubeObject[],
  from: { workload: string; namespace: string },
  gateway: boolean,
): { callers: PlacedCallers; warnings: MeshWarning[] } {
  const pods = objects.filter(
    (object) =>
      object.kind === 'Pod' && object.metadata.namespace === from.namespace && workloadOf(object) === from.workload,
  );
  const { caller, warnings } = callerOf(objects, from, gateway, pods);
  return { callers: placesOf(objects, caller, pods), warnings };
}

function callerOf(
  objects: readonly KubeObject[],
  from: { workload: string; namespace: string },
  gateway: boolean,
  [pod]: readonly KubeObject[],
): { caller: Caller; warnings: MeshWarning[] } {
  const found = objects.find(
    (object) =>
      isWorkload(object) && object.metadata.name === from.workload && object.metadata.namespace === from.namespace,
  );
  const warn = (code: string, object: string, field: string, message: string): MeshWarning[] => [
    { code, object, field, message },
  ];
  if (!found) {
    const made = gateway ? gatewayMadeFor(objects, from) : undefined;
    if (made) return { caller: { ...from, labels: { [GATEWAY_NAME]: made }, gateway }, warnings: [] };
    const object = `Deployment/${from.namespace}/${from.workload}`;
    if (gateway) {
      const assumed = { app: from.workload, istio: from.workload.replace(/^istio-/, '') };
      const message = `No file defines the workload. Taken are the labels that Istio's chart gives a gateway of this name: app: ${assumed.app}, istio: ${assumed.istio}.`;
      return { caller: { ...from, labels: assumed, gateway }, warnings: warn('CALLER_UNKNOWN', object, '', message) };
    }
    const names = objects.filter(isWorkload).map(({ metadata }) => `${metadata.name}.${metadata.namespace}`);
    const message = `No file defines the workload, so it has no labels: rules for sourceLabels and Sidecar objects that select by labels do not apply.${nearest(`${from.workload}.${from.namespace}`, names)}`;
    return { caller: { ...from, labels: {}, gateway }, warnings: warn('CALLER_UNKNOWN', object, '', message) };
  }
  const template = record(record(found.spec?.template).metadata);
  const caller: Caller = { ...from, labels: labels(template.labels), gateway };
  if (gateway) return { caller, warnings: [] };
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

/** The Gateway of the Gateway API whose workload, which no manifest defines, is called so. */
function gatewayMadeFor(
  objects: readonly KubeObject[],
  from: { workload: string; namespace: string },
): string | undefined {
  return objects.find(
    (object) =>
      object.kind === 'Gateway' &&
      apiGroup(object.apiVersion) === 'gateway.networking.k8s.io' &&
      object.metadata.namespace === from.namespace &&
      from.workload === gatewayMadeOf(object),
  )?.metadata.name;
}

/** The name of the workload that Istio makes for a Gateway of the Gateway API: `<gateway>-<class>`. */
export const gatewayMadeOf = ({ metadata, spec }: KubeObject): string =>
  `${metadata.name}-${text(spec?.gatewayClassName) ?? 'istio'}`;

/** Why a gateway listens on no such port. */
export function portWarning(objects: readonly KubeObject[], caller: Caller, to: string): MeshWarning {
  const gateways = objects.filter(({ kind }) => kind === 'Gateway');
  const each = gateways.map((gateway) => {
    const { selector, servers, listeners } = gateway.spec ?? {};
    const ports = [
      ...records(servers).map(({ port }) => record(port).number),
      ...records(listeners).map(({ port }) => port),
    ];
    const selects = Object.entries(labels(selector)).map(([key, value]) => `${key}: ${value}`);
    return `${objectRef(gateway)} (port ${ports.join(', ')}${selects.length > 0 ? ` of ${selects.join(', ')}` : ''})`;
  });
  const message = `No Gateway of this workload listens for ${to}; there ${each.length > 0 ? `are ${each.join('; ')}` : 'is none'}.`;
  return {
    code: 'GATEWAY_PORT_CLOSED',
    object: `Deployment/${caller.namespace}/${caller.workload}`,
    field: '',
    message,
  };
}

/** Why a host is in no route table. */
export function hostWarning(objects: readonly KubeObject[], host: string, to: string, namespace: string): MeshWarning {
  const services = objects.filter(({ kind, apiVersion }) => kind === 'Service' && apiVersion === 'v1');
  const named = services.find(({ metadata }) => {
    const owner = namespaceOf({ metadata });
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
