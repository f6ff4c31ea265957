import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { serveHttp } from './load.js';
import type { PitstopLab } from './release.js';

export interface WatchedApi {
  /** Path of a kubeconfig that leads here. */
  readonly kubeconfig: string;
  /** `GET /api/v1/...` */
  readonly asked: readonly string[];
}

let servers = 0;

/** Stands before the lab's API server, keeps what is asked, and refuses resources as for credentials without the right to list them. */
export async function watchedApi(
  { lab, client, dir }: PitstopLab,
  forbidden: readonly string[] = [],
): Promise<WatchedApi> {
  const asked: string[] = [];
  const server = await serveHttp(async (request, response) => {
    const { method = '', url = '' } = request;
    asked.push(`${method} ${url}`);
    const resource = url.split('?')[0]?.split('/').at(-1) ?? '';
    if (forbidden.includes(resource)) {
      const message = `${resource} is forbidden: User "reader" cannot list resource "${resource}"`;
      const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Forbidden', code: 403, message };
      response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify(status));
      return;
    }
    const headers = { ...(request.headers as Record<string, string>) };
    delete headers.host;
    delete headers.connection;
    const answer = await fetch(new URL(url, client.server), { method, headers });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(await answer.text());
  });
  onTestFinished(() => server.close());
  const kubeconfig = join(dir, `kubeconfig-watched-${++servers}`);
  writeFileSync(kubeconfig, lab.kubeconfig.replaceAll(client.server, server.url));
  return { kubeconfig, asked };
}
