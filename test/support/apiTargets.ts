import http from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import type { KubeObject } from '../../src/base/kubernetes.js';

import { startApiServer } from '../../src/lab/api/server.js';
import { Store } from '../../src/lab/control/store.js';
import { customResourceDefinitions, type RealApiServer, startRealApiServer } from './kubeApiserver.js';
import { peerPath } from './peers.js';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export type Json = any;

export interface ApiAnswer {
  readonly status: number;
  readonly body: Json;
  readonly warnings: readonly string[];
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Json;
}

/** One Kubernetes API, whoever serves it. */
export interface ApiTarget {
  readonly name: string;
  /** @param body objects go as JSON, under `headers['content-type']` where that is given. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** Events of a watch until `enough` says so, the server ends it, or 5 s have passed. */
  watch(path: string, enough: (events: readonly WatchEvent[]) => boolean, headers?: Record<string, string>): Watching;
  close(): Promise<void>;
}

interface Watching {
  /** The server has accepted the watch. */
  readonly open: Promise<number>;
  readonly events: Promise<WatchEvent[]>;
}

const WATCH_MS = 5000;

function target(
  name: string,
  { url, headers, agent }: { url: string; headers: Readonly<Record<string, string>>; agent?: https.Agent },
  close: () => Promise<void>,
): ApiTarget {
  const transport = url.startsWith('https:') ? https : http;
  const options = { ...(agent ? { agent } : {}) };
  return {
    name,
    close,
    call: (method, path, body, more = {}) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
        const request = transport.request(
          new URL(url + path),
          {
            ...options,
            method,
            headers: {
              accept: 'application/json',
              ...headers,
              ...(text === undefined
                ? {}
                : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
              ...more,
            },
          },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('end', () => {
              const answer = Buffer.concat(chunks).toString('utf8');
              const json = response.headers['content-type']?.includes('json');
              const { warning } = response.headers;
              const warnings = [warning ?? []].flat().flatMap((line) => String(line).split(/, (?=299)/));
              resolve({ status: response.statusCode ?? 0, body: json ? JSON.parse(answer) : answer, warnings });
            });
          },
        );
        request.on('error', reject);
        request.end(text);
      }),
    watch(path, enough, more = {}) {
      const events: WatchEvent[] = [];
      let opened: (status: number) => void = () => {};
      const open = new Promise<number>((resolve) => {
        opened = resolve;
      });
      const all = new Promise<WatchEvent[]>((resolve, reject) => {
        const request = transport.request(new URL(url + path), { ...options, headers: { ...headers, ...more } });
        const timer = setTimeout(() => finish(), WATCH_MS);
        const finish = () => {
          clearTimeout(timer);
          request.destroy();
          resolve(events);
        };
        request.on('response', (response) => {
          opened(response.statusCode ?? 0);
          response.on('error', () => {});
          createInterface({ input: response })
            .on('line', (line) => {
              events.push(JSON.parse(line) as WatchEvent);
              if (enough(events)) finish();
            })
            .on('error', finish)
            .on('close', finish);
        });
        request.on('error', (error) => {
          clearTimeout(timer);
          reject(error);
        });
        request.end();
      });
      return { open, events: all };
    },
  };
}

async function define(api: ApiTarget, definitions: readonly KubeObject[]): Promise<void> {
  for (const definition of definitions) {
    const { status, body } = await api.call(
      'POST',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      definition,
    );
    if (status !== 201) throw new Error(`${definition.metadata.name}: ${JSON.stringify(body)}`);
  }
  const paths = definitions.flatMap(({ spec }) => {
    const { group, versions, names } = spec as Json;
    return versions
      .filter(({ served }: Json) => served)
      .map(({ name }: Json) => [`/apis/${group}/${name}`, names.plural]);
  });
  for (const deadline = Date.now() + 30_000; ; ) {
    const missing = [];
    for (const [path, plural] of paths) {
      const { body } = await api.call('GET', path);
      if (!body.resources?.some(({ name }: Json) => name === plural)) missing.push(`${path} ${plural}`);
      else if ((await api.call('GET', `${path}/${plural}`)).status !== 200) missing.push(`${path} ${plural}`);
    }
    if (missing.length === 0) return;
    if (Date.now() > deadline) throw new Error(`not served: ${missing.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Creates Istio's and the Gateway API's definitions on a real server, and waits until they are served. */
export const defineCustomResources = (server: RealApiServer): Promise<void> =>
  define(
    target('', server, async () => {}),
    customResourceDefinitions(),
  );

/** The lab's API; with the same definitions as the real one where those are installed. */
export async function labTarget(): Promise<ApiTarget> {
  const server = await startApiServer({
    store: new Store(),
    resolvePodPort: () => undefined,
    admission: () => undefined,
  });
  const api = target('the lab', { url: server.url, headers: {} }, () => server.close());
  if (peerPath('crds')) await define(api, customResourceDefinitions());
  return api;
}

export async function realTarget(): Promise<ApiTarget> {
  const server = await startRealApiServer();
  const api = target('kube-apiserver', server, () => server.stop());
  try {
    await define(api, customResourceDefinitions());
    // Started anew over a history, it no longer knows the oldest versions.
    await server.kill();
    await server.restart();
  } catch (error) {
    await api.close();
    throw error;
  }
  return api;
}
