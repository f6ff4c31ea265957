import fs from 'node:fs';
import path from 'node:path';
import { ConfigError, EnvironmentError, errorText } from '../base/errors.js';

export const JOURNAL_FILE = 'journal.ndjson';
const LATEST = 'latest';
/** What a run of some minutes writes, generously. */
const NEEDED_BYTES = 64 * 1024 * 1024;

/** The error for a place that cannot be written: names the path and what to do. */
export function writeError(file: string, error: unknown): EnvironmentError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new EnvironmentError(
    full ? 'E_DISK_FULL' : 'E_REPORTS_NOT_WRITABLE',
    `cannot write ${file}: ${errorText(error)}`,
    full
      ? 'Free some space or name another place with --reports DIR.'
      : 'Make the folder writable or name another place with --reports DIR.',
    { cause: error },
  );
}

/** Removes a file as far as that is possible: what went wrong before matters more. */
export function discard(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // The caller reports the error that led here.
  }
}

/**
 * Makes the reports folder and proves that it takes data, so that a run does not find out at its end.
 * @throws EnvironmentError with the path and the remedy when it is not writable or has less than 64 MiB free.
 */
export function prepareReports(dir: string): void {
  const probe = path.join(dir, `.probe-${process.pid}`);
  try {
    fs.mkdirSync(dir, { recursive: true });
    fs.writeFileSync(probe, 'writable\n', { flush: true });
    fs.rmSync(probe);
  } catch (error) {
    discard(probe);
    throw writeError(dir, error);
  }
  const { bavail, bsize, blocks } = fs.statfsSync(dir);
  // Some network file systems report no sizes at all.
  if (blocks > 0 && bavail * bsize < NEEDED_BYTES) {
    const free = Math.floor((bavail * bsize) / 1024 / 1024);
    throw writeError(dir, Object.assign(new Error(`only ${free} MiB free, a run may need 64 MiB`), { code: 'ENOSPC' }));
  }
}

/** Points `latest` to the run: a symbolic link, or a text file with the run's name where the system has no links. */
export function linkLatest(dir: string, runId: string): void {
  const latest = path.join(dir, LATEST);
  const fresh = path.join(dir, `.latest-${process.pid}`);
  try {
    fs.rmSync(fresh, { force: true });
    try {
      fs.symlinkSync(runId, fresh, 'dir');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'EPERM' && code !== 'ENOSYS' && code !== 'EOPNOTSUPP' && code !== 'ENOTSUP') throw error;
      fs.writeFileSync(fresh, `${runId}\n`);
    }
    fs.renameSync(fresh, latest);
  } catch (error) {
    discard(fresh);
    throw writeError(latest, error);
  }
}

/**
 * The folder of a run.
 * @param dir the reports folder
 * @param run `latest`, a run id, or a folder that holds a journal
 * @param cwd what a folder is relative to
 * @throws ConfigError that names what was looked for, and the runs that exist
 */
export function findRun(dir: string, run: string, cwd: string): string {
  const candidates = [path.join(dir, run), ...(run === LATEST ? [] : [path.resolve(cwd, run)])];
  for (const candidate of candidates) {
    const folder = followLatest(candidate);
    if (folder && fs.existsSync(path.join(folder, JOURNAL_FILE))) return folder;
  }
  const known = runsIn(dir);
  throw new ConfigError([
    {
      message: `no run ${run}: neither ${candidates.map((c) => path.join(c, JOURNAL_FILE)).join(' nor ')} exists`,
      hint:
        known.length > 0 ? `Runs in ${dir}: ${known.slice(-10).join(', ')}` : `No run in ${dir} yet: weighbridge run`,
    },
  ]);
}

function followLatest(candidate: string): string | undefined {
  const stat = fs.statSync(candidate, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return candidate;
  if (!stat?.isFile() || path.basename(candidate) !== LATEST || stat.size > 1024) return undefined;
  const name = path.basename(fs.readFileSync(candidate, 'utf8').trim());
  return path.join(path.dirname(candidate), name);
}

function runsIn(dir: string): string[] {
  if (!fs.existsSync(dir)) return [];
  return fs
    .readdirSync(dir)
    .filter((name) => name !== LATEST && fs.existsSync(path.join(dir, name, JOURNAL_FILE)))
    .sort();
}
