import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { peerPath } from '../support/peers.js';
import { onCore, SERVER_CORE, start, stop } from './processes.js';

export interface BenchServer {
  readonly name: string;
  readonly origin: string;
  /** Answers GET with 2,048 bytes. */
  readonly url: string;
  /** A scratch folder that goes with the server. */
  readonly folder: string;
  /** It has the pages of `PITSTOP`, and MEAN_PAGE. */
  readonly hasPitstop: boolean;
  /** What it has had since it started, these questions not among them. */
  counts(): Promise<ServerCounts>;
  close(): Promise<void>;
}

export interface ServerCounts {
  readonly requests: number;
  readonly connections: number;
}

const BODY_BYTES = 2048;

/** File -> size of a page like Pitstop's, in bytes. The details page tells the version. */
const PAGES = { home: 2048, customers: 10_240, vehicles: 8192, workshop: 6144, 'details-v1': 4096, 'details-v2': 4096 };
/** What the details page of a v2 holds. */
export const V2_TEXT = 'LoyaltyLevel';
/** A page as large as the pages of uris/loadtest-uris.txt are on average: half of that list is the details page. */
export const MEAN_PAGE = '/mean';
const MEAN_BYTES = (PAGES.home + PAGES.customers + PAGES.vehicles + PAGES.workshop + 4 * PAGES['details-v1']) / 8;

function writePages(folder: string): void {
  writeFileSync(join(folder, '2k'), 'x'.repeat(BODY_BYTES));
  for (const [name, bytes] of [...Object.entries(PAGES), ['mean', MEAN_BYTES] as const]) {
    const cell = '<tr><td class="name">Jansen</td><td>Amsterdam</td></tr>\n';
    const page =
      `<!DOCTYPE html>\n<title>Pitstop</title>\n<table>\n${cell.repeat(Math.ceil(bytes / cell.length))}`.slice(
        0,
        bytes,
      );
    // Late in the page, as in the real one.
    const at = Math.floor(bytes * 0.8);
    const marked = name === 'details-v2' ? page.slice(0, at) + V2_TEXT + page.slice(at + V2_TEXT.length) : page;
    writeFileSync(join(folder, name), marked);
  }
}

/** nginx with one worker where it is installed, otherwise a small server of ours: then ratios are only comparable among themselves. */
export async function startServer(): Promise<BenchServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'weighbridge-bench-'));
  const nginx = peerPath('nginx');
  if (nginx) {
    // Started by root, its worker is somebody else.
    chmodSync(folder, 0o755);
    writePages(folder);
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
  const counts = async (): Promise<ServerCounts> => {
    const text = await (await fetch(`${origin}/status`, { headers: { connection: 'close' } })).text();
    asked++;
    // nginx's stub_status: accepted and handled connections, then requests.
    const [, connections, requests] = /\n\s*(\d+)\s+\d+\s+(\d+)/.exec(text) ?? [];
    return { requests: Number(requests) - asked, connections: Number(connections) - asked };
  };
  await answering(counts);
  return {
    name: nginx ? 'nginx, one worker' : 'a small server of the bench (nginx is not installed)',
    origin,
    url: `${origin}/2k`,
    folder,
    hasPitstop: nginx !== undefined,
    counts,
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
events { worker_connections 16384; }
http {
  access_log off;
  keepalive_requests 1000000000;
  default_type text/html;
  root ${folder};
  split_clients $request_id $version { 10% v2; * v1; }
  server {
    listen 127.0.0.1:${port} backlog=16384;
    location = /status { stub_status; }
    location = / { try_files /home =404; }
    location = /CustomerManagement { try_files /customers =404; }
    location = /VehicleManagement { try_files /vehicles =404; }
    location = /WorkshopManagement { try_files /workshop =404; }
    location /CustomerManagement/Details/ { try_files /details-$version =404; }
  }
}
`;
}

async function answering(ask: () => Promise<unknown>): Promise<void> {
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
