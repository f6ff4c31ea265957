import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { ConfigError, EnvironmentError, errorText } from '../base/errors.js';
import { type Millis, parseDuration } from '../base/units.js';
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
  readonly prometheusTokenFile?: string;
}

/** Options of every command that looks at a cluster. */
export function withClusterOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig of the cluster (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig (default: its current one)')
    .option('--prometheus-url <url>', 'Prometheus of the mesh', httpUrl, 'http://localhost:9090')
    .option('--prometheus-token-file <file>', 'bearer token for Prometheus (or WEIGHBRIDGE_PROMETHEUS_TOKEN)')
    .option('--kiali-url <url>', 'Kiali', httpUrl, 'http://localhost:20001/kiali')
    .option(
      '--kiali-token-file <file>',
      'bearer token for Kiali (or WEIGHBRIDGE_KIALI_TOKEN; legacy login: WEIGHBRIDGE_KIALI_USERNAME and _PASSWORD)',
    );
}

/** How to log in at Prometheus and Kiali, from the flags and the environment; secrets never come from the command line itself. */
export function credentials(
  flags: Pick<ClusterFlags, 'kialiTokenFile' | 'prometheusTokenFile'>,
  io: Io,
): { readonly kialiAuth: KialiAuth; readonly prometheusToken?: string } {
  const prometheusToken =
    readToken('--prometheus-token-file', flags.prometheusTokenFile) ?? io.env.WEIGHBRIDGE_PROMETHEUS_TOKEN;
  return { kialiAuth: kialiAuth(flags, io), ...(prometheusToken ? { prometheusToken } : {}) };
}

function kialiAuth(flags: Pick<ClusterFlags, 'kialiTokenFile'>, io: Io): KialiAuth {
  const token = readToken('--kiali-token-file', flags.kialiTokenFile) ?? io.env.WEIGHBRIDGE_KIALI_TOKEN;
  if (token) return { strategy: 'token', token };
  const { WEIGHBRIDGE_KIALI_USERNAME: username, WEIGHBRIDGE_KIALI_PASSWORD: password } = io.env;
  if (username && password) return { strategy: 'login', username, password };
  return { strategy: 'anonymous' };
}

function readToken(option: string, file: string | undefined): string | undefined {
  if (!file) return undefined;
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const message = `cannot read the token file ${file}: ${errorText(error)}`;
    throw new EnvironmentError('E_TOKEN', message, `check ${option}`);
  }
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const message = token === '' ? `the token file ${file} is empty` : `the token file ${file} holds more than one word`;
  throw new EnvironmentError('E_TOKEN', message, 'write the bare token into it, such as `kubectl create token` prints');
}

/**
 * The lab brings its own addresses: options that lead to a cluster would be ignored without a word.
 * @throws ConfigError that names every one of them.
 */
export const refuseClusterOptions = (command: Command): void =>
  refuse(command, CLUSTER_OPTIONS, {
    message: 'is for a cluster, and the target is the lab, which has addresses of its own',
    hint: 'add --target cluster, or leave the option out',
  });

/**
 * A cluster brings its own data plane.
 * @throws ConfigError that names every option of the lab that was given.
 */
export const refuseLabOptions = (command: Command): void =>
  refuse(command, LAB_OPTIONS, {
    message: 'is for the lab, and the target is a cluster, which has proxies of its own',
    hint: 'leave one of the two out',
  });

function refuse(command: Command, names: readonly string[], why: { message: string; hint: string }): void {
  const given = names.filter((name) => command.getOptionValueSource(name) === 'cli');
  if (given.length === 0) return;
  throw new ConfigError(
    given.map((name) => ({
      path: command.options.find((option) => option.attributeName() === name)?.long ?? name,
      ...why,
    })),
  );
}

const LAB_OPTIONS = ['dataplane'] as const;

const CLUSTER_OPTIONS = [
  'baseUrl',
  'kubeconfig',
  'context',
  'prometheusUrl',
  'prometheusTokenFile',
  'kialiUrl',
  'kialiTokenFile',
] as const;

/** commander parser: an http(s) URL, without a slash at the end. */
export function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('it must be a URL such as http://localhost:9090');
  return text.trim().replace(/\/+$/, '');
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

/** commander parser: a number above 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0) throw new InvalidArgumentError('it must be a number above 0');
  return value;
}

/** commander parser: a duration with its unit, or 0. */
export function duration(text: string): Millis {
  const parsed = parseDuration(text);
  if (parsed === undefined) throw new InvalidArgumentError('it must be a duration with its unit, such as 500ms or 30s');
  return parsed;
}

/** The write-ahead list of a run, in its folder of the reports. */
export const UNDO_FILE = 'undo.ndjson';
