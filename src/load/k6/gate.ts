import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Half of k6's own limit for the question: a user who has waited so long asks again. */
const LONGEST_WAIT_MS = 60_000;
const PATH = '/gate';

/**
 * Where k6's users ask before each request whether it may leave. That is what makes a pause exact: k6 cannot pause users or arrivals after the
 * start (its REST API refuses), and ends what is under way when it is stopped. Here every request that may leave is counted before it does, so
 * that nothing is in flight as soon as as many have ended.
 *
 * The question is `user P` or `arrival P`, P being the ms for which the load had been paused in all when the asker asked last; the answers are
 * `go P`, and `wait P`: not now, and your think time lasts as much longer as P has grown.
 */
export class Gate {
  readonly url: string;
  /** Requests that may have left. */
  granted = 0;
  readonly #server: ReturnType<typeof createServer>;
  readonly #now: () => number;
  #pausedMs = 0;
  #pausedAt: number | undefined;
  readonly #waiting = new Set<(word: 'wait') => void>();

  /** Listens on a free port of the loopback. @param now a monotonic clock, ms. @param onAsk called with every question. */
  static async open(now: () => number, onAsk: () => void): Promise<Gate> {
    const server = createServer();
    // Connections stay open however long a user thinks: closing one while he asks would be an error to him.
    server.keepAliveTimeout = 0;
    server.requestTimeout = 0;
    server.headersTimeout = 0;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new Gate(server, now, onAsk);
  }

  private constructor(server: ReturnType<typeof createServer>, now: () => number, onAsk: () => void) {
    this.#server = server;
    this.#now = now;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      let question = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        question += text;
      });
      request.on('end', () => {
        if (request.url !== PATH || request.method !== 'POST') {
          response.writeHead(404).end();
          return;
        }
        onAsk();
        this.#answer(question, response);
      });
    });
  }

  pause(): void {
    this.#pausedAt ??= this.#now();
  }

  resume(): void {
    if (this.#pausedAt === undefined) return;
    this.#pausedMs += Math.round(this.#now() - this.#pausedAt);
    this.#pausedAt = undefined;
    for (const release of this.#waiting) release('wait');
    this.#waiting.clear();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(question: string, response: ServerResponse): void {
    const [who, known] = question.split(' ');
    const say = (word: 'go' | 'wait') => response.end(`${word} ${this.#pausedMs}`);
    if (this.#pausedAt === undefined) {
      // An arrival has no think time that a pause could prolong.
      const now = who === 'arrival' || Number(known) === this.#pausedMs;
      if (now) this.granted++;
      say(now ? 'go' : 'wait');
    } else if (who === 'arrival') say('wait');
    else this.#holdBack(say, response);
  }

  #holdBack(say: (word: 'wait') => void, response: ServerResponse): void {
    const timer = setTimeout(() => release(), LONGEST_WAIT_MS);
    const release = () => {
      clearTimeout(timer);
      this.#waiting.delete(release);
      say('wait');
    };
    this.#waiting.add(release);
    response.once('close', () => {
      clearTimeout(timer);
      this.#waiting.delete(release);
    });
  }
}
