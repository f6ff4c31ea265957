import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Report } from '../../src/report/reportJson.js';

const MAIN = resolve('dist/cli/main.js');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** What was printed on stdout so far. */
  stdout(): string;
  /** Resolves when what was printed so far (both streams) matches; rejects when that takes longer than two minutes. */
  printed(pattern: RegExp): Promise<void>;
}

/** Starts the built command line in a folder; killed when the test ends, should it still run. */
export function start(args: readonly string[], cwd: string, env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    // A lab that is killed leaves its folder behind: it goes with the workspace.
    env: { ...process.env, NO_COLOR: '1', TMPDIR: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of waiting) check();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
    wake();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
    wake();
  });
  const finished = new Promise<Finished>((done) => child.on('close', (code) => done({ code, stdout, stderr })));
  return {
    child,
    finished,
    stdout: () => stdout,
    printed: (pattern) =>
      new Promise((done, fail) => {
        const late = setTimeout(() => fail(new Error(`two minutes without ${pattern}:\n${stdout}${stderr}`)), 120_000);
        const check = () => {
          if (!pattern.test(stdout + stderr)) return;
          waiting.delete(check);
          clearTimeout(late);
          done();
        };
        waiting.add(check);
        void finished.then(() => {
          clearTimeout(late);
          fail(new Error(`ended without printing ${pattern}:\n${stdout}${stderr}`));
        });
        check();
      }),
  };
}

/** Runs the built command line to its end. */
export const weighbridge = (args: readonly string[], cwd: string, env?: Record<string, string>): Promise<Finished> =>
  start(args, cwd, env).finished;

/** A folder of its own with a copy of the scenarios and URI lists, removed when the test ends. */
export function workspace(): Workspace {
  const dir = mkdtempSync(join(tmpdir(), 'weighbridge-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  cpSync('scenarios', join(dir, 'scenarios'), { recursive: true });
  cpSync('uris', join(dir, 'uris'), { recursive: true });
  cpSync('schema', join(dir, 'schema'), { recursive: true });
  return {
    dir,
    edit(file, from, to) {
      const path = join(dir, file);
      const text = readFileSync(path, 'utf8');
      const edited = text.replace(from, to);
      if (edited === text) throw new Error(`${file} has nothing that matches ${from}`);
      writeFileSync(path, edited);
    },
    report: () => JSON.parse(readFileSync(join(dir, 'reports/latest/report.json'), 'utf8')) as RunReport,
  };
}

export interface Workspace {
  readonly dir: string;
  /** Replaces text in a file; no match is an error. */
  edit(file: string, from: string | RegExp, to: string): void;
  /** report.json of the newest run. */
  report(): RunReport;
}

/** The fields of report.json that tests look at. */
export interface RunReport {
  readonly runId: string;
  readonly verdict: string;
  readonly exitCode: number;
  readonly headline: string;
  readonly unreachable: readonly { readonly vantagePoint: string; readonly reason: string }[];
  readonly load?: {
    readonly requests: number;
    readonly failed: number;
    readonly errors: Readonly<Record<string, number>>;
    readonly generator: { readonly valid: boolean; readonly peakRssBytes: number };
  };
  readonly stages: readonly {
    readonly name: string;
    readonly verdict: string;
    readonly checks: readonly {
      readonly name: string;
      readonly vantagePoint: string;
      readonly required: boolean;
      readonly verdict: string;
      readonly reason: string;
      readonly observed?: {
        readonly share: number;
        readonly low: number;
        readonly high: number;
        readonly count: number;
        readonly total: number;
      };
    }[];
    readonly causes: readonly {
      readonly code: string;
      readonly object: string;
      readonly field: string;
      readonly found: string;
      readonly expected: string;
      readonly fix: string;
    }[];
  }[];
}

/** The Pitstop scenario inside a workspace. */
export const SCENARIO = 'scenarios/pitstop/scenario.yaml';

/** A workspace whose scenario sends about 450 requests a second, so that a run does not need a core of its own. */
export function smallLoad(): Workspace {
  const space = workspace();
  space.edit(SCENARIO, 'users: 1000', 'users: 100');
  space.edit(SCENARIO, 'uniform: [100ms, 2s]', 'uniform: [100ms, 300ms]');
  space.edit(SCENARIO, 'warmUp: 1s', 'warmUp: 500ms');
  space.edit(SCENARIO, 'maxDuration: 2m', 'maxDuration: 40s');
  return space;
}

/** Starts `weighbridge lab` and resolves with the addresses of its first line. */
export async function startedLab(
  space: Workspace,
  args: readonly string[] = [],
): Promise<LabAddresses & { readonly lab: Running }> {
  const lab = start(['lab', SCENARIO, '--seed', '5', ...args], space.dir);
  await lab.printed(/^\{.*\}$/m);
  return { ...(JSON.parse(lab.stdout().split('\n')[0] ?? '') as LabAddresses), lab };
}

export interface LabAddresses {
  readonly kubeconfig: string;
  readonly baseUrl: string;
  readonly prometheusUrl: string;
  readonly kialiUrl: string;
}

/** The options that lead a run to a lab that is already there. */
export const clusterOptions = ({ kubeconfig, baseUrl, prometheusUrl, kialiUrl }: LabAddresses): string[] => [
  ...['--target', 'cluster', '--kubeconfig', kubeconfig, '--base-url', baseUrl],
  ...['--prometheus-url', prometheusUrl, '--kiali-url', kialiUrl],
];

/**
 * Did the generator call itself the bottleneck in some stage, or over all? Others had the cores then, and the run has no verdict on the
 * release: a test of the release may run it once more.
 */
export const generatorInvalid = (report: Pick<Report, 'stages' | 'load'>): boolean =>
  report.load?.generator.valid === false ||
  report.stages.some(({ findings }) => findings.some(({ code }) => code === 'GENERATOR_INVALID'));

/** Of the newest run in a folder. */
export const reportOf = (space: Pick<Workspace, 'dir'>): Report =>
  JSON.parse(readFileSync(join(space.dir, 'reports/latest/report.json'), 'utf8')) as Report;

/** A run; made again, up to twice, when its generator called itself the bottleneck. */
export async function sound(space: Pick<Workspace, 'dir'>, run: () => Promise<Finished>): Promise<Finished> {
  let finished = await run();
  for (let again = 0; again < 2 && finished.code === 2 && generatorInvalid(reportOf(space)); again++)
    finished = await run();
  return finished;
}
