import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { K6Exit } from './exits.js';

/** So many of its last words are kept. */
const MOST_WORDS = 5;
const LONGEST_WORD = 500;
/** What an interrupted k6 may take for its last samples and totals. */
const STOP_TIMEOUT_MS = 30_000;
/** Of Linux, whatever the machine (USER_HZ). */
const TICKS_PER_SECOND = 100;

export interface K6Start {
  readonly program: string;
  /** Absolute paths. */
  readonly script: string;
  readonly plan: string;
  readonly summary: string;
  /** k6's own settings: an empty file, since those of the user's home would change the load. */
  readonly config: string;
  /** PEM file of the authorities to trust. */
  readonly ca?: string;
}

/** A k6 that runs: what it writes, what it complains of, what it takes. */
export class K6Process {
  /** Once it has ended and everything that it wrote was read. */
  readonly exited: Promise<K6Exit>;
  /** Iterations that ended by an error of the script. */
  scriptErrors = 0;
  cpuSeconds = 0;
  peakRssBytes = 0;
  readonly #child: ChildProcess;
  readonly #words: string[] = [];
  #ended = false;

  /** @param onSamples called with what `--out json` writes. */
  constructor(start: K6Start, onSamples: (chunk: Buffer) => void) {
    const args = ['run', '--quiet', '--no-color', '--no-usage-report', '--log-format', 'json', '--out', 'json=-'];
    // Without a REST API two of them can run side by side.
    const child = spawn(start.program, [...args, '--address', '', '--config', start.config, start.script], {
      // Ctrl-C is for us: we stop it when nothing is in flight any more.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(start),
    });
    this.#child = child;
    child.stdout?.on('data', onSamples);
    let line = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (line + text).split('\n');
      line = lines.pop()?.slice(0, 65_536) ?? '';
      for (const each of lines) this.#said(each);
    });
    // Not left alone when we have to leave at once.
    const orphan = () => void child.kill('SIGKILL');
    process.once('exit', orphan);
    this.exited = new Promise((resolve) => {
      const done = (exit: K6Exit) => {
        this.#ended = true;
        process.removeListener('exit', orphan);
        resolve(exit);
      };
      child.once('error', (error) => {
        this.#words.push(error.message);
        done({ code: -1, signal: null });
      });
      child.once('close', (code, signal) => {
        if (line) this.#said(line);
        done({ code, signal });
      });
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What it complained of last, one line each. */
  get words(): readonly string[] {
    return this.#words;
  }

  /** Ends it: what is in flight is cut, its totals are written. */
  interrupt(): void {
    if (this.#ended) return;
    this.#child.kill('SIGINT');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    void this.exited.then(() => clearTimeout(timer));
  }

  /** Reads what it has taken so far, where the system tells (Linux); afterwards the last reading stays. */
  measure(): void {
    if (this.#ended) return;
    try {
      // The name in parentheses may hold blanks: fields are counted from its end (proc(5)).
      const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
      const ticks = Number(fields[11]) + Number(fields[12]);
      if (Number.isFinite(ticks)) this.cpuSeconds = ticks / TICKS_PER_SECOND;
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'latin1');
      const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
      if (kilobytes) this.peakRssBytes = Number(kilobytes) * 1024;
    } catch {
      // It has ended in between.
    }
  }

  #said(line: string): void {
    if (line.trim() === '') return;
    let words = line;
    try {
      const said = JSON.parse(line) as {
        level?: string;
        msg?: string;
        error?: string;
        source?: string;
        executor?: string;
      };
      if (said.level !== 'error' && said.level !== 'fatal') return;
      if (said.executor !== undefined) this.scriptErrors++;
      // A stack follows, which names files of ours.
      words = [said.msg, said.error]
        .map((part) => part?.split('\n')[0])
        .filter((part) => part)
        .join(': ');
    } catch {
      // A panic is no JSON.
    }
    this.#words.push(words.slice(0, LONGEST_WORD));
    if (this.#words.length > MOST_WORDS) this.#words.shift();
  }
}

/** K6_... would override the plan, and the load goes straight to its target, as that of the other engines. */
function environment({ plan, summary, ca }: K6Start): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^K6_|^(https?|no|all)_proxy$/i.test(name));
  return {
    ...Object.fromEntries(kept),
    WEIGHBRIDGE_PLAN: plan,
    WEIGHBRIDGE_SUMMARY: summary,
    // HTTP/1.1, as the other engines.
    GODEBUG: 'http2client=0',
    ...(ca === undefined ? {} : { SSL_CERT_FILE: ca }),
  };
}
