import type { IncomingMessage } from 'node:http';
import type { Asked } from './bothPrometheus.js';
import { type Served, serveHttp } from './load.js';

export interface QueryRecorder extends Served {
  /** Every query so far, with the instant at which it was asked. */
  readonly asked: readonly Asked[];
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Stands before a Prometheus, passes everything on and keeps the queries, so that whatever a client sends can be asked again elsewhere. */
export async function recordQueries(prometheusUrl: string): Promise<QueryRecorder> {
  const asked: Asked[] = [];
  const served = await serveHttp(async (request, response) => {
    try {
      const url = new URL(request.url ?? '/', prometheusUrl);
      const body = await bodyOf(request);
      const path = /^\/api\/v1\/(query|query_range)$/.exec(url.pathname)?.[1];
      if (path !== undefined) {
        const parameters = Object.fromEntries([...url.searchParams, ...new URLSearchParams(body)]);
        if (path === 'query') parameters.time ??= String(Date.now() / 1000);
        asked.push({ path, parameters });
      }
      const answer = await fetch(url, {
        method: request.method ?? 'GET',
        headers: { 'content-type': request.headers['content-type'] ?? 'text/plain' },
        ...(request.method === 'POST' ? { body } : {}),
      });
      const text = await answer.text();
      response
        .writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
        .end(text);
    } catch {
      response.destroy();
    }
  });
  return { ...served, asked };
}
