import http from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import { errorText } from '../../base/errors.js';
import type { KubeObject } from '../../base/kubernetes.js';
import type { ClusterClient } from '../../cluster/client.js';
import { type HttpOptions, httpRequest } from '../../cluster/http.js';
import type { ResourceKind } from '../control/resources.js';

export interface RemoteAnswer {
  readonly status: number;
  /** Parsed JSON; undefined where it was none. */
  readonly body: unknown;
}

export interface RemoteEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject;
}

export const MERGE_PATCH = 'application/merge-patch+json';

/** The Kubernetes API of another server: single requests, and watches as streams. */
export class RemoteApi {
  readonly server: string;
  private readonly client: ClusterClient;

  constructor(client: ClusterClient) {
    this.client = client;
    this.server = client.server.replace(/\/$/, '');
  }

  /** @throws Error when nobody answers; any HTTP status is an answer. */
  async request(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<RemoteAnswer> {
    const { headers, ...options } = await this.credentials();
    const text = body === undefined ? undefined : JSON.stringify(body);
    const bodyHeaders =
      text === undefined ? {} : { 'content-type': contentType, 'content-length': String(Buffer.byteLength(text)) };
    const answer = await httpRequest(new URL(this.server + path), {
      ...options,
      method,
      headers: { ...(headers as Record<string, string>), accept: 'application/json', ...bodyHeaders },
      ...(text === undefined ? {} : { body: text }),
    });
    try {
      return { status: answer.status, body: JSON.parse(answer.text) };
    } catch {
      return { status: answer.status, body: undefined };
    }
  }

  /**
   * Follows a watch until the server ends it.
   * @throws Error when the connection breaks, or the server refuses with a status above 299.
   */
  async watch(path: string, onEvent: (event: RemoteEvent) => void, signal: AbortSignal): Promise<void> {
    const { headers, ...options } = await this.credentials();
    const url = new URL(this.server + path);
    await new Promise<void>((resolve, reject) => {
      const request = (url.protocol === 'https:' ? https : http).request(url, {
        ...options,
        headers: { ...(headers as Record<string, string>), accept: 'application/json' },
        signal,
      });
      request.on('error', (error) => reject(new Error(errorText(error))));
      request.on('response', (response) => {
        if ((response.statusCode ?? 0) > 299) {
          response.resume();
          return reject(new Error(`the watch is answered with ${response.statusCode}`));
        }
        response.on('error', (error) => reject(new Error(errorText(error))));
        const lines = createInterface({ input: response });
        // The response itself tells the error.
        lines.on('error', () => undefined);
        lines.on('close', () => resolve());
        lines.on('line', (line) => {
          try {
            onEvent(JSON.parse(line) as RemoteEvent);
          } catch (error) {
            // A torn line is the end of a broken connection.
            request.destroy(error instanceof Error ? error : undefined);
          }
        });
      });
      request.end();
    });
  }

  private async credentials(): Promise<HttpOptions> {
    const options: HttpOptions = {};
    await this.client.kubeConfig.applyToHTTPSOptions(options as never);
    return options;
  }
}

/** `/apis/apps/v1/namespaces/shop/deployments[/web]`; without a namespace the collection of all of them. */
export function pathOf(entry: ResourceKind, version: string, namespace?: string, name?: string): string {
  const base = entry.group ? `/apis/${entry.group}/${version}` : `/api/${version}`;
  const scope = entry.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${base}${scope}/${entry.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}
