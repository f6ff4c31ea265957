import { IDENTITY_FIELDS, type Identity, UNKNOWN_IDENTITY } from '../control/identity.js';

/** Request and response header in which two sidecars tell each other who they are. */
export const PEER_HEADER = 'x-envoy-peer-metadata';
export const PEER_ID_HEADER = 'x-envoy-peer-metadata-id';

/** One side of a request, as a proxy remembers it. */
export interface Peer extends Identity {
  /** Small number that stands for the peer in cache keys. */
  readonly id: number;
}

/** Bound on remembered peers, so that made-up headers cannot grow a proxy without limit. */
const MAX_PEERS = 4096;

let nextId = 1;

/** Nobody: no host was chosen, or the other side told nothing. */
export const unknownPeer: Peer = { id: 0, ...UNKNOWN_IDENTITY };

/** @returns a peer of these fields; those that are not given read as Istio writes unknown ones. */
export const makePeer = (fields: Partial<Identity>): Peer => ({ id: nextId++, ...UNKNOWN_IDENTITY, ...fields });

/** The header value that carries a peer: base64url of its fields in order. */
export const encodePeer = (peer: Peer): string =>
  Buffer.from(JSON.stringify(IDENTITY_FIELDS.map((field) => peer[field]))).toString('base64url');

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
    if (!Array.isArray(values) || values.length !== IDENTITY_FIELDS.length) return unknownPeer;
    if (!values.every((value) => typeof value === 'string' && value !== '')) return unknownPeer;
    return makePeer(Object.fromEntries(IDENTITY_FIELDS.map((field, i) => [field, values[i] as string])));
  } catch {
    return unknownPeer;
  }
}
