import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, onCore, SERVER_CORE, start, stop } from './processes.js';

export interface BenchServer {
  readonly name: string;
  /** Answers GET with 2,048 bytes. */
  readonly url: string;
  /** Requests it has had, this question not among them. */
  requests(): Promise<number>;
  close(): Promise<void>;
}

const BODY_BYTES = 2048;

/** nginx with one worker where it is installed, otherwise a small server of ours: then ratios are only comparable among themselves. */
export async function startServer(): Promise<BenchServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'weighbridge-bench-'));
  const nginx = findProgram('nginx');
  if (nginx) {
    // Started by root, its worker is somebody else.
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, '2k'), 'x'.repeat(BODY_BYTES));
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, port));
  }
  const command = nginx
    ? [nginx, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')]
    : [process.execPath, fileURLToPath(new URL('smallServer.js', import.meta.url)), String(port), String(BODY_BYTES)];
  const child = start(onCore(SERVER_CORE, command));
  // However the bench ends, the server ends with it.
  process.once('exit', () => child.kill());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const origin = `http://127.0.0.1:${port}`;
  let asked = 0;
  const requests = async () => {
    const text = await (await fetch(`${origin}/status`, { headers: { connection: 'close' } })).text();
    asked++;
    // The third number of nginx's stub_status counts requests.
    const counted = Number(/\n\s*\d+\s+\d+\s+(\d+)/.exec(text)?.[1]);
    return counted - asked;
  };
  await answering(requests);
  asked = 0;
  const before = await requests();
  return {
    name: nginx ? 'nginx, one worker' : 'a small server of the bench (nginx is not installed)',
    url: `${origin}/2k`,
    requests: async () => (await requests()) - before,
    async close() {
      await stop(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function nginxConfig(folder: string, port: number): string {
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  root ${folder};
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /status { stub_status; }
  }
}
`;
}

async function answering(ask: () => Promise<number>): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
