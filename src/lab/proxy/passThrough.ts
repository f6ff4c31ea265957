import type { HttpPool } from '../control/http1/pool.js';
import type { Downstream } from './exchange.js';
import { inspect } from './headers.js';
import { type Peer, type PeerReader, unknownPeer } from './peer.js';
import { failureReply, type RoutedRequest } from './routedCall.js';
import { Attempt } from './upstream.js';

/** A request to an address that no route knows: one attempt on whatever was dialled, no retries, no timeout. */
export class PassThroughCall {
  peer: Peer = unknownPeer;
  readonly principal = 'unknown';
  private readonly attempt: Attempt;
  private resume: () => void = () => undefined;

  constructor(peers: PeerReader, downstream: Downstream) {
    this.attempt = new Attempt({
      onHeaders: (status, lines, resume) => {
        const { headers, peer } = inspect(lines);
        this.peer = peers.read(peer);
        this.resume = resume;
        downstream.begin(status, headers);
        return true;
      },
      onData: (chunk) => downstream.send(chunk, this.resume),
      onComplete: () => downstream.end(),
      onFailure: (failure) => {
        downstream.flag(failure);
        const { status, text } = failureReply(failure);
        if (downstream.started) downstream.cut();
        else downstream.reply(status, text);
      },
    });
  }

  start(pool: HttpPool, request: Pick<RoutedRequest, 'method' | 'path' | 'headers' | 'body'>): void {
    const { method, path, headers, body } = request;
    this.attempt.send(pool, { method, path, headers, body: body?.open('attempt') ?? null });
  }

  startTimeout(): void {
    // Passed-through requests have none.
  }

  abandon(): void {
    this.attempt.cancel();
  }
}
