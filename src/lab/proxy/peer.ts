import type { KubeObject } from '../../base/kubernetes.js';

/** Request and response header in which two sidecars tell each other who they are. */
export const PEER_HEADER = 'x-envoy-peer-metadata';
export const PEER_ID_HEADER = 'x-envoy-peer-metadata-id';

/** One side of a request, with the values that the metric labels carry. */
export interface Peer {
  /** Small number that stands for the peer in cache keys. */
  readonly id: number;
  readonly workload: string;
  readonly namespace: string;
  readonly canonicalService: string;
  readonly canonicalRevision: string;
  readonly app: string;
  readonly version: string;
  readonly principal: string;
  readonly cluster: string;
}

type PeerFields = Omit<Peer, 'id'>;

const FIELDS = [
  'workload',
  'namespace',
  'canonicalService',
  'canonicalRevision',
  'app',
  'version',
  'principal',
  'cluster',
] as const satisfies readonly (keyof PeerFields)[];

const UNKNOWN: PeerFields = {
  workload: 'unknown',
  namespace: 'unknown',
  canonicalService: 'unknown',
  // A missing revision reads `latest` wherever it is looked up.
  canonicalRevision: 'latest',
  app: 'unknown',
  version: 'unknown',
  principal: 'unknown',
  cluster: 'unknown',
};

/** Bound on remembered peers, so that made-up headers cannot grow a proxy without limit. */
const MAX_PEERS = 4096;

let nextId = 1;

/** Nobody: no host was chosen, or the other side told nothing. */
export const unknownPeer: Peer = { id: 0, ...UNKNOWN };

/** @returns a peer of these fields; those that are not given read as Istio writes unknown ones. */
export const makePeer = (fields: Partial<PeerFields>): Peer => ({ id: nextId++, ...UNKNOWN, ...fields });

/** SPIFFE identity of a service account in the default trust domain. */
export const principalOf = (namespace: string, serviceAccount: string): string =>
  `spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`;

type Labels = Readonly<Record<string, string>>;

export const canonicalServiceOf = (labels: Labels, workload: string): string =>
  labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app ?? workload;

export const canonicalRevisionOf = (labels: Labels): string =>
  labels['service.istio.io/canonical-revision'] ?? labels['app.kubernetes.io/version'] ?? labels.version ?? 'latest';

/** How a pod's sidecar describes itself to others; in its own metrics `app` and `version` are its labels or empty. */
export function peerOfPod(pod: KubeObject, workload: string, serviceAccount: string): { told: Peer; own: Peer } {
  const labels = pod.metadata.labels ?? {};
  const namespace = pod.metadata.namespace ?? 'default';
  const common = {
    workload,
    namespace,
    canonicalService: canonicalServiceOf(labels, workload),
    canonicalRevision: canonicalRevisionOf(labels),
    principal: principalOf(namespace, serviceAccount),
    cluster: 'Kubernetes',
  };
  const app = labels['app.kubernetes.io/name'] ?? labels.app ?? 'unknown';
  const version = labels['app.kubernetes.io/version'] ?? labels.version ?? 'unknown';
  return {
    told: makePeer({ ...common, app, version }),
    own: makePeer({ ...common, app: labels.app ?? '', version: labels.version ?? '' }),
  };
}

/** The header value that carries a peer: base64url of its fields in order. */
export const encodePeer = (peer: Peer): string =>
  Buffer.from(JSON.stringify(FIELDS.map((field) => peer[field]))).toString('base64url');

/** Reads peers from header values and remembers them; a value that is no peer is an unknown one. */
export class PeerReader {
  private readonly known = new Map<string, Peer>();

  read(header: string | undefined): Peer {
    if (header === undefined) return unknownPeer;
    const known = this.known.get(header);
    if (known) return known;
    if (this.known.size >= MAX_PEERS) this.known.clear();
    const peer = decode(header);
    this.known.set(header, peer);
    return peer;
  }
}

function decode(header: string): Peer {
  try {
    const values: unknown = JSON.parse(Buffer.from(header, 'base64url').toString());
    if (!Array.isArray(values) || values.length !== FIELDS.length) return unknownPeer;
    if (!values.every((value) => typeof value === 'string' && value !== '')) return unknownPeer;
    return makePeer(Object.fromEntries(FIELDS.map((field, i) => [field, values[i] as string])));
  } catch {
    return unknownPeer;
  }
}
