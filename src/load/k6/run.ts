import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.js';
import { ConfigError, EnvironmentError, errorText } from '../../base/errors.js';
import { modelsOf } from '../demand.js';
import type { LoadRun } from '../loadRun.js';
import type { LoadSpec } from '../types.js';
import { K6Books } from './books.js';
import { bundleScript, isPackaged, type K6ScriptName } from './bundle.js';
import { SHAPES, type Shape, shaped } from './executors.js';
import { exitText, type K6Exit } from './exits.js';
import { Gate } from './gate.js';
import { renderPlan } from './plan.js';
import { K6Process } from './process.js';
import type { K6Program } from './program.js';
import { K6Load } from './running.js';
import { PointStream } from './stream.js';

export interface K6LoadOptions {
  readonly clock: Clock;
  readonly program: K6Program;
  /** Default: `replay`. */
  readonly script?: K6ScriptName | (string & {});
  /** What the path of a script is relative to. */
  readonly cwd?: string;
  /** The load can be paused, for which its users ask before every request; default false. */
  readonly pausable?: boolean;
  /** Aborted: the start is given up, and the load ends. */
  readonly signal?: AbortSignal;
}

/**
 * Starts k6 and waits until it sends, some seconds with a thousand users.
 * @throws ConfigError when k6 cannot do what is asked for, or the script has faults; EnvironmentError when it ends before it sends.
 */
export async function startK6Load(spec: LoadSpec, options: K6LoadOptions): Promise<LoadRun> {
  const { clock, program, script = 'replay', pausable = false, signal } = options;
  // Whatever is refused is refused before anything is opened.
  checkShape(spec, script);
  const bundle = await bundleScript(script, options.cwd);
  const uris = [...new Set(renderPlan(spec).requests.map(({ name }) => name))];
  let lives = () => {};
  const alive = new Promise<undefined>((resolve) => {
    lives = () => resolve(undefined);
  });
  const gate = pausable ? await Gate.open(() => clock.now(), lives) : undefined;
  const dir = await mkdtemp(join(tmpdir(), 'weighbridge-k6-'));
  // Also when we have to leave at once: the plan may hold secrets.
  const tidy = () => rmSync(dir, { recursive: true, force: true });
  process.once('exit', tidy);
  const close = async () => {
    process.removeListener('exit', tidy);
    await gate?.close();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const file = (name: string) => join(dir, name);
    const files = { script: file('script.js'), plan: file('plan.json'), summary: file('summary.json') };
    const config = file('config.json');
    await writeFile(files.script, bundle);
    // The headers may hold secrets; the folder is this user's alone.
    await writeFile(files.plan, JSON.stringify(renderPlan(spec, gate ? { gateUrl: gate.url } : {})), { mode: 0o600 });
    await writeFile(config, '{}');
    const { ca } = spec.tls ?? {};
    if (ca !== undefined) await writeFile(file('ca.pem'), ca);
    const books = new K6Books(uris, spec);
    const stream = new PointStream((point) => books.take(point));
    const started = { program: program.path, config, ...files, ...(ca === undefined ? {} : { ca: file('ca.pem') }) };
    const k6 = new K6Process(started, (chunk) => {
      lives();
      stream.push(chunk);
    });
    const interrupt = () => k6.interrupt();
    signal?.addEventListener('abort', interrupt, { once: true });
    if (signal?.aborted) interrupt();
    const early = await Promise.race([alive, k6.exited]);
    signal?.removeEventListener('abort', interrupt);
    if (early && !signal?.aborted) throw new EnvironmentError('E_K6', ...neverSent(early, k6));
    const parts = {
      books,
      stream,
      process: k6,
      gate,
      summaryFile: files.summary,
      ownScript: !isPackaged(script),
      close,
    };
    return new K6Load(spec, `k6 ${program.version}`, clock, parts);
  } catch (error) {
    await close();
    throw error;
  }
}

/** @throws ConfigError when a script has a shape of its own that the load contradicts. */
function checkShape({ model, durationMs }: LoadSpec, script: string): void {
  if (!Object.hasOwn(SHAPES, script)) return;
  try {
    for (const each of modelsOf(model)) if (each.kind !== 'replay') shaped(script as Shape, each, durationMs);
  } catch (error) {
    throw new ConfigError([{ path: `--script ${script}`, message: errorText(error) }]);
  }
}

function neverSent(exit: K6Exit, { words }: K6Process): [message: string, hint: string] {
  const why = exitText(exit, false) ?? 'k6 ended at once';
  return [
    `${why}${words.length > 0 ? `\n${words.map((line) => `    ${line}`).join('\n')}` : ''}`,
    'nothing was sent; the lines above are what k6 said',
  ];
}
