import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../src/lab/api/server.js';
import { Store } from '../../src/lab/control/store.js';

const run = promisify(execFile);

export interface Cluster {
  readonly store: Store;
  readonly server: ApiServer;
  /** Sends a request; objects go as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

export async function startCluster(options: Partial<ApiServerOptions> = {}): Promise<Cluster> {
  const store = options.store ?? new Store();
  const server = await startApiServer({ resolvePodPort: () => undefined, ...options, store });
  return {
    store,
    server,
    async call(method, path, body, headers = {}) {
      const response = await fetch(server.url + path, {
        method,
        headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const json = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : undefined;
      return { status: response.status, headers: response.headers, text, json };
    },
    close: () => server.close(),
  };
}

export interface Kubectl {
  /** Runs to its end; a non-zero exit is a value, not an error. */
  (args: string, input?: string): Promise<{ code: number; stdout: string; stderr: string }>;
  readonly env: NodeJS.ProcessEnv;
  readonly binary: string;
  remove(): void;
}

/** A kubectl with its own home, cache and kubeconfig. `args` is split at blanks; `'...'` keeps them. */
export function kubectlFor(binary: string, server: ApiServer): Kubectl {
  const home = mkdtempSync(join(tmpdir(), 'kubectl-'));
  const file = join(home, 'config');
  writeFileSync(file, server.kubeconfig());
  const env = { PATH: process.env.PATH, HOME: home, KUBECONFIG: file, NO_COLOR: '1' };
  const kubectl = async (args: string, input?: string) => {
    const words = [...args.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
    const running = run(binary, words, { env, timeout: 20_000, maxBuffer: 1 << 26 });
    running.child.stdin?.end(input ?? '');
    try {
      return { code: 0, ...(await running) };
    } catch (error) {
      const failed = error as { code?: number; stdout: string; stderr: string };
      return { code: failed.code ?? -1, stdout: failed.stdout, stderr: failed.stderr };
    }
  };
  return Object.assign(kubectl, { env, binary, remove: () => rmSync(home, { recursive: true, force: true }) });
}

/** An echo server on loopback: answers every chunk with itself. */
export async function startEcho(): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<import('node:net').Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Polls until the value is there. @throws after the deadline, with the last value. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  ms = 5000,
): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
