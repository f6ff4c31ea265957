import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './processes.js';

export type PeerName = 'wrk' | 'autocannon' | 'hey' | 'k6';

export const INSTALL_PEERS = 'test/peers/bench.sh';

/** Where the install script puts what Debian does not have. */
const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const folder = process.env.WEIGHBRIDGE_PEERS ?? join(cache, 'weighbridge', 'peers');
const places = [join(folder, 'autocannon', 'node_modules', '.bin'), join(folder, 'venv', 'bin')];

/** Undefined: not installed. */
export const peerProgram = (name: PeerName | 'nginx'): string | undefined => findProgram(name, places);

/** A closed loop without pauses on one URL. */
export function closedLoop(
  name: PeerName,
  program: string,
  load: { readonly url: string; readonly connections: number; readonly seconds: number; readonly folder: string },
): string[] {
  const { url, connections, seconds } = load;
  switch (name) {
    case 'wrk':
      return [program, '-t1', `-c${connections}`, `-d${seconds}s`, url];
    case 'autocannon':
      return [program, '-c', String(connections), '-d', String(seconds), '-n', url];
    case 'hey':
      return [program, '-c', String(connections), '-z', `${seconds}s`, url];
    case 'k6': {
      const script = `import http from 'k6/http';
export const options = { discardResponseBodies: true };
export default () => { http.get(${JSON.stringify(url)}); };
`;
      return k6Run(program, script, load);
    }
  }
}

/** @param script of the default function; users without pauses. */
export function k6Run(
  program: string,
  script: string,
  load: { readonly connections: number; readonly seconds: number; readonly folder: string },
): string[] {
  const file = join(load.folder, 'script.js');
  writeFileSync(file, script);
  const quiet = ['--quiet', '--no-usage-report', '--no-color'];
  return [program, 'run', ...quiet, '--vus', String(load.connections), '--duration', `${load.seconds}s`, file];
}

/** As each program tells it. */
export function peerVersions(): Record<string, string> {
  const ask: Record<PeerName | 'nginx', readonly string[]> = {
    wrk: ['--version'],
    autocannon: ['--version'],
    hey: [],
    k6: ['version'],
    nginx: ['-v'],
  };
  const versions: Record<string, string> = {};
  for (const [name, args] of Object.entries(ask) as [PeerName | 'nginx', readonly string[]][]) {
    const program = peerProgram(name);
    if (!program) continue;
    // hey tells none; wrk fails after it has told, nginx tells it on stderr.
    const told =
      args.length === 0 ? '' : execFileSync('bash', ['-c', '"$@" 2>&1 || true', 'bash', program, ...args]).toString();
    versions[name] = /\d+\.\d+\.\d+/.exec(told)?.[0] ?? 'installed';
  }
  return versions;
}
