import type { IncomingMessage, ServerResponse } from 'node:http';
import { closeServer, httpServer, listen } from '../control/httpServer.js';
import type { Message } from './proto.js';

/** Envoy's discovery services: listeners, clusters, routes, endpoints. */
export type Discovery = 'lds' | 'cds' | 'rds' | 'eds';

const KINDS: Readonly<Record<string, Discovery>> = {
  '/v3/discovery:listeners': 'lds',
  '/v3/discovery:clusters': 'cds',
  '/v3/discovery:routes': 'rds',
  '/v3/discovery:endpoints': 'eds',
};

/** How long a question is held while nothing changes; shorter than {@link REQUEST_TIMEOUT}. */
const HOLD_MS = 20_000;
const REQUEST_TIMEOUT = '30s';
/** How long a proxy may take to run what it was sent. */
const PATIENCE_MS = 10_000;
/** A new subscription asks without a version, and so does one that refused its first answer: after as many it has refused. */
const SAME_ANSWERS = 3;

/** Name of the static cluster that leads to the server. */
export const DISCOVERY_CLUSTER = 'discovery';

/** Where every resource comes from. */
export const DISCOVERED: Message = {
  resource_api_version: 'V3',
  api_config_source: {
    api_type: 'REST',
    transport_api_version: 'V3',
    cluster_names: [DISCOVERY_CLUSTER],
    refresh_delay: '0.001s',
    request_timeout: REQUEST_TIMEOUT,
  },
};

/** What one subscription gets. */
interface Topic {
  readonly kind: Discovery;
  readonly name: string;
  version: number;
  text: string;
  /** Version of the last answer, and how often it was given to a question without a version. */
  sent: number;
  repeated: number;
  acked: number;
  refused: number;
  /** Ask again when there is something new. */
  readonly held: Set<() => void>;
  /** Wait for the proxy's word on a version. */
  readonly awaited: Set<() => void>;
}

interface Question {
  readonly version_info?: string;
  readonly resource_names?: readonly string[];
}

/**
 * Tells one proxy its configuration: xDS over REST, each question held until there is an answer that differs. Files would do
 * as well, but each is an inotify instance of the proxy, and Linux gives a user 128.
 */
export class DiscoveryServer {
  private readonly server = httpServer((request, response) => void this.onRequest(request, response));
  private readonly topics = new Map<string, Topic>();
  private version = 0;

  /** @returns the port on 127.0.0.1. */
  listen(): Promise<number> {
    return listen(this.server);
  }

  close(): Promise<void> {
    return closeServer(this.server);
  }

  /** A new process begins from nothing. */
  restart(): void {
    for (const topic of this.topics.values()) Object.assign(topic, { sent: 0, repeated: 0, acked: 0, refused: 0 });
  }

  /**
   * Gives a subscription its resources. @param name of the one resource of `rds` or `eds`; `all` for the other two.
   * @returns what {@link taken} waits for; undefined: nothing has changed.
   */
  set(kind: Discovery, name: string, resources: readonly Message[]): Topic | undefined {
    const text = JSON.stringify(resources);
    const topic = this.topic(kind, name);
    // What was refused is told again, in case that what it needs is there now.
    if (topic.text === text && topic.refused < topic.version) return undefined;
    this.version += 1;
    Object.assign(topic, { version: this.version, text, repeated: 0 });
    for (const ask of [...topic.held]) ask();
    return topic;
  }

  /**
   * Waits until the proxy runs the newest version of each.
   * @throws Error when it refuses one, or takes longer than {@link PATIENCE_MS} ms.
   */
  async taken(topics: readonly Topic[], signal: AbortSignal): Promise<void> {
    const given = topics.map((topic) => ({ topic, version: topic.version }));
    await Promise.all(given.map(({ topic, version }) => until(topic, version, signal)));
  }

  private topic(kind: Discovery, name: string): Topic {
    const key = `${kind} ${name}`;
    let topic = this.topics.get(key);
    if (!topic) {
      const counts = { version: 0, sent: 0, repeated: 0, acked: 0, refused: 0 };
      topic = { kind, name, text: '', ...counts, held: new Set(), awaited: new Set() };
      this.topics.set(key, topic);
    }
    return topic;
  }

  private async onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const kind = KINDS[request.url ?? ''];
    const question = kind && (await readQuestion(request));
    if (!kind || !question) return void response.writeHead(400).end();
    const name = kind === 'rds' || kind === 'eds' ? (question.resource_names?.[0] ?? '') : 'all';
    const topic = this.topic(kind, name);
    const asked = question.version_info ?? '';
    hear(topic, asked);
    const answer = () => {
      if (topic.version === 0 || asked === String(topic.version) || topic.refused === topic.version) return false;
      leave();
      tell(topic, asked, response);
      return true;
    };
    const again = () => void answer();
    const timer = setTimeout(() => {
      leave();
      response.writeHead(304).end();
    }, HOLD_MS);
    const leave = () => {
      clearTimeout(timer);
      topic.held.delete(again);
    };
    topic.held.add(again);
    response.on('close', leave);
    answer();
  }
}

/** What the next question says of the last answer. */
function hear(topic: Topic, asked: string): void {
  if (topic.sent === 0) return;
  if (asked === String(topic.sent)) Object.assign(topic, { acked: topic.sent, repeated: 0 });
  else if (asked !== '' || topic.repeated >= SAME_ANSWERS) topic.refused = topic.sent;
  else return;
  for (const look of [...topic.awaited]) look();
}

function tell(topic: Topic, asked: string, response: ServerResponse): void {
  topic.repeated = asked === '' ? topic.repeated + 1 : 0;
  topic.sent = topic.version;
  const body = Buffer.from(`{"version_info":"${topic.version}","resources":${topic.text}}`);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

function until(topic: Topic, version: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error) => {
      clearTimeout(timer);
      topic.awaited.delete(look);
      signal.removeEventListener('abort', stop);
      if (error) reject(error);
      else resolve();
    };
    const look = () => {
      if (topic.acked >= version) end();
      else if (topic.refused >= version) end(new Error(`it refuses ${placeOf(topic)}`));
    };
    const stop = () => end(new Error('it has ended'));
    const timer = setTimeout(() => end(new Error(`it does not take over ${placeOf(topic)}`)), PATIENCE_MS);
    topic.awaited.add(look);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    else look();
  });
}

const WORDS = { lds: 'its listeners', cds: 'its clusters', rds: 'the route table', eds: 'the endpoints of' } as const;
const placeOf = ({ kind, name }: Topic): string => (name === 'all' ? WORDS[kind] : `${WORDS[kind]} ${name}`);

async function readQuestion(request: IncomingMessage): Promise<Question | undefined> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return JSON.parse(Buffer.concat(chunks).toString()) as Question;
  } catch {
    return undefined;
  }
}
