import { type KubeObject, objectRef } from '../base/kubernetes.js';
import type { ClusterClient } from '../cluster/client.js';

const ISTIO = ['networking.istio.io/v1', 'networking.istio.io/v1beta1'];
const ISTIO_SECURITY = ['security.istio.io/v1', 'security.istio.io/v1beta1'];
const ROOT_NAMESPACE = 'istio-system';

/** A Service of the cluster by its name in a URL, seen from a namespace; undefined: an address outside. */
export function serviceOf(url: string, namespace: string): { name: string; namespace: string } | undefined {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  const [name = '', second = namespace, ...rest] = host.split('.');
  if (name === '' || name === 'localhost' || /^[\d.]+$/.test(host) || host.startsWith('[')) return undefined;
  if (!['', 'svc', 'svc.cluster.local'].includes(rest.join('.'))) return undefined;
  return { name, namespace: second };
}

/**
 * What the choice of a sidecar means for this target, where it is probably wrong.
 * @param objects VirtualServices and PeerAuthentications of the cluster
 */
export function sidecarAdvice(
  objects: readonly KubeObject[],
  target: { readonly name: string; readonly namespace: string },
  sidecar: boolean,
): string[] {
  if (sidecar) return [];
  const full = `${target.name}.${target.namespace}.svc.cluster.local`;
  const routed = objects.filter((object) => object.kind === 'VirtualService' && routesMeshTo(object, full));
  const strict = objects.filter(
    ({ kind, metadata, spec }) =>
      kind === 'PeerAuthentication' &&
      (metadata.namespace === target.namespace || metadata.namespace === ROOT_NAMESPACE) &&
      (spec?.mtls as { mode?: string } | undefined)?.mode === 'STRICT',
  );
  return [
    ...routed.map(
      (object) =>
        `${objectRef(object)} routes what callers with a sidecar send to ${target.name}; these runners have none, so they bypass it: add --sidecar, or send to the web application or gateway in front of it`,
    ),
    ...strict.map(
      (object) =>
        `${objectRef(object)} asks for mutual TLS, and runners without a sidecar are refused: add --sidecar, or send to a gateway`,
    ),
  ];
}

function routesMeshTo({ metadata, spec }: KubeObject, host: string): boolean {
  const gateways = Array.isArray(spec?.gateways) ? spec.gateways : [];
  if (gateways.length > 0 && !gateways.includes('mesh')) return false;
  const hosts = Array.isArray(spec?.hosts) ? spec.hosts.map(String) : [];
  return hosts.some((name) => {
    const full = name.includes('.') || name === '*' ? name : `${name}.${metadata.namespace}.svc.cluster.local`;
    if (full.startsWith('*')) return host.endsWith(full.slice(1));
    return full === host || `${full}.svc.cluster.local` === host;
  });
}

/** The objects for `sidecarAdvice`; none where the credentials do not let them be read. */
export async function meshPolicies(client: ClusterClient): Promise<KubeObject[]> {
  const newest = async (versions: readonly string[], kind: string) => {
    for (const version of versions) {
      const found = await client.list(version, kind).catch(() => []);
      if (found.length > 0) return found;
    }
    return [];
  };
  const lists = await Promise.all([newest(ISTIO, 'VirtualService'), newest(ISTIO_SECURITY, 'PeerAuthentication')]);
  return lists.flat();
}
