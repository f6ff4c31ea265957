import type { KubeObject } from '../../base/kubernetes.js';
import { servicePorts } from '../control/objects.js';
import type { Store } from '../control/store.js';

type Route = (service: KubeObject, port: number) => Promise<number>;

/** Where the add-on of a mesh has its Prometheus: the lab's own answers there. */
const PROMETHEUS = /^prometheus\.istio-system(\.svc(\.cluster\.local)?)?$/;

/** Every name under which a pod of `namespace` finds a Service. */
function namesOf({ metadata }: KubeObject, namespace: string): string[] {
  const full = `${metadata.name}.${metadata.namespace}`;
  return [
    ...(metadata.namespace === namespace ? [metadata.name] : []),
    full,
    `${full}.svc`,
    `${full}.svc.cluster.local`,
  ];
}

/**
 * The cluster's DNS and network as k6's option `hosts`: `webapp.pitstop:7005` -> `127.0.0.1:41234`. k6 dials there and sends the Host that
 * the script names.
 */
export async function clusterHosts(store: Store, namespace: string, route: Route): Promise<Record<string, string>> {
  const rows = store
    .list('services')
    .flatMap((service) => servicePorts(service).map(({ port }) => ({ service, port })));
  const found = await Promise.all(
    rows.map(async ({ service, port }) => {
      const real = await route(service, port);
      return namesOf(service, namespace).map((name): [string, string] => [`${name}:${port}`, `127.0.0.1:${real}`]);
    }),
  );
  return Object.fromEntries(found.flat());
}

/**
 * An address that k6 dials past its option `hosts` (its outputs do), as it is reached from this machine.
 * @param prometheusUrl of the lab
 */
export async function reachableHere(
  text: string,
  { store, namespace, route, prometheusUrl }: ReachableContext,
): Promise<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) return text;
  if (PROMETHEUS.test(url.hostname) && url.port === '9090') url.host = new URL(prometheusUrl).host;
  else {
    const service = store.list('services').find((candidate) => namesOf(candidate, namespace).includes(url.hostname));
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    if (service) url.host = `127.0.0.1:${await route(service, port)}`;
  }
  return url.href;
}

interface ReachableContext {
  readonly store: Store;
  /** Of the pod. */
  readonly namespace: string;
  readonly route: Route;
  readonly prometheusUrl: string;
}
