import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { errorText } from '../base/errors.js';

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

export interface HttpOptions extends https.RequestOptions {
  readonly body?: string;
  /** Default 10,000. */
  readonly timeoutMs?: number;
  /** Default 64 MiB; more is an error. */
  readonly maxBytes?: number;
  readonly socket?: Duplex;
}

/**
 * One request, the whole answer as text.
 * @throws Error with the system's text on a broken connection, a timeout or an answer larger than `maxBytes`.
 */
export function httpRequest(url: URL, options: HttpOptions): Promise<HttpAnswer> {
  const { body, timeoutMs = 10_000, maxBytes = 64 * 2 ** 20, socket, ...rest } = options;
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' && !socket ? https : http).request(
      url,
      { ...rest, ...(socket ? { createConnection: () => socket } : {}) },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxBytes) return fail(new Error(`the answer is larger than ${maxBytes} bytes`));
          chunks.push(chunk);
        });
        response.on('end', () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
        });
        response.on('error', (error) => fail(error));
      },
    );
    // Covers the connection, the wait and a body that trickles; the socket's own timeout would cover silence only.
    const timer = setTimeout(() => fail(new Error(`no complete answer within ${timeoutMs} ms`)), timeoutMs);
    const fail = (error: Error) => {
      clearTimeout(timer);
      request.destroy();
      reject(new Error(errorText(error)));
    };
    request.on('error', fail);
    request.end(body);
  });
}
