import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerVersion } from '../support/peers.js';

/** Other load generators. */
export type GeneratorName = 'wrk' | 'autocannon' | 'hey' | 'k6';

/** A closed loop without pauses on one URL. */
export function closedLoop(
  name: GeneratorName,
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
  const names = ['wrk', 'autocannon', 'hey', 'k6', 'nginx'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const version = peerVersion(name);
      return version === undefined ? [] : [[name, version]];
    }),
  );
}
