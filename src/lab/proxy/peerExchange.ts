import type { Socket } from 'node:net';
import { encodePeer, type Peer, type PeerReader, unknownPeer } from './peer.js';

/**
 * First line of a TCP connection between two sidecars, in both directions; it stands for the metadata exchange that
 * Istio negotiates by ALPN `istio-peer-exchange`. The leading NUL starts no protocol that an application speaks first.
 */
const MAGIC = Buffer.from('\0istio-peer-exchange ');
const MAX_LINE = 8 * 1024;

/** How long a server's sidecar waits for the line: a plain client that waits for the server's greeting sends none. */
export const SERVER_PATIENCE_MS = 200;
/** How long a client's sidecar waits for the answer of another sidecar, which is sure to come. */
export const CLIENT_PATIENCE_MS = 10_000;

export const sendPeer = (socket: Socket, peer: Peer): void => {
  socket.write(Buffer.concat([MAGIC, Buffer.from(`${encodePeer(peer)}\n`)]));
};

/**
 * Reads the peer's line from the start of a connection and puts everything after it back.
 * @param done called once, with the unknown peer when the first bytes are no such line, or none come in time; the socket is paused.
 */
export function receivePeer(socket: Socket, peers: PeerReader, patienceMs: number, done: (peer: Peer) => void): void {
  let head: Buffer = Buffer.alloc(0);
  const finish = (peer: Peer, rest: Buffer) => {
    over = true;
    clearTimeout(timer);
    socket.off('readable', read);
    socket.off('close', closed);
    if (rest.length > 0) socket.unshift(rest);
    done(peer);
  };
  const closed = () => finish(unknownPeer, Buffer.alloc(0));
  const read = () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) {
      if (socket.readableEnded || socket.destroyed) finish(unknownPeer, head);
      return;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const compared = Math.min(head.length, MAGIC.length);
    if (!head.subarray(0, compared).equals(MAGIC.subarray(0, compared)) || head.length > MAX_LINE)
      return finish(unknownPeer, head);
    const end = head.indexOf(10);
    if (end < 0) return;
    finish(peers.read(head.subarray(MAGIC.length, end).toString('latin1')), head.subarray(end + 1));
  };
  let over = false;
  // In a busy process the timer may run before what has long arrived is read: look once more.
  const timer = setTimeout(() => setImmediate(() => over || finish(unknownPeer, head)), patienceMs);
  socket.on('readable', read);
  socket.on('close', closed);
}
