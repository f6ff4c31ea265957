import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { EnvironmentError, errorText } from '../base/errors.js';
import type { KialiAuth } from '../observe/kiali.js';
import type { Io } from './io.js';

/** The scenario that `npm run loadtest` walks, inside the package; as short as it can be said from `cwd`. */
export function defaultScenario(cwd: string): string {
  const file = fileURLToPath(new URL('../../scenarios/pitstop/scenario.yaml', import.meta.url));
  const short = relative(cwd, file);
  return short.startsWith('..') ? file : short;
}

export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly prometheusUrl: string;
  readonly kialiUrl: string;
  readonly kialiTokenFile?: string;
}

/** Options of every command that looks at a cluster. */
export function withClusterOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig of the cluster (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig (default: its current one)')
    .option('--prometheus-url <url>', 'Prometheus of the mesh', httpUrl, 'http://localhost:9090')
    .option('--kiali-url <url>', 'Kiali', httpUrl, 'http://localhost:20001/kiali')
    .option(
      '--kiali-token-file <file>',
      'bearer token for Kiali (or WEIGHBRIDGE_KIALI_TOKEN; legacy login: WEIGHBRIDGE_KIALI_USERNAME and _PASSWORD)',
    );
}

/** How to log in at Kiali, from the flags and the environment; secrets never come from the command line itself. */
export function kialiAuth(flags: { readonly kialiTokenFile?: string }, io: Io): KialiAuth {
  const token = flags.kialiTokenFile ? readToken(flags.kialiTokenFile) : io.env.WEIGHBRIDGE_KIALI_TOKEN;
  if (token) return { strategy: 'token', token };
  const { WEIGHBRIDGE_KIALI_USERNAME: username, WEIGHBRIDGE_KIALI_PASSWORD: password } = io.env;
  if (username && password) return { strategy: 'login', username, password };
  return { strategy: 'anonymous' };
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new EnvironmentError(
      'E_TOKEN',
      `cannot read the token file ${file}: ${errorText(error)}`,
      'check --kiali-token-file',
    );
  }
}

/** commander parser: an http(s) URL, without a slash at the end. */
export function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('it must be a URL such as http://localhost:9090');
  return text.replace(/\/$/, '');
}

/** commander parser: a whole number >= `min`. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`it must be a whole number from ${min} to ${max}`);
    return value;
  };
}

/** The write-ahead list of a run, in its folder of the reports. */
export const UNDO_FILE = 'undo.ndjson';
