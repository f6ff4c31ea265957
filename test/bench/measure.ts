import { INSTALL_PEERS, peerPath } from '../support/peers.js';
import { closedLoop, type GeneratorName } from './peers.js';
import { type Finished, GENERATOR_CORE, onCore, run } from './processes.js';
import { type Goal, type Measured, type Row, row, type WorkName } from './row.js';
import type { BenchServer, ServerCounts } from './server.js';

/** What a piece of work is measured with. */
export interface Bench {
  readonly server: BenchServer;
  /** Repetitions of everything. */
  readonly pairs: number;
  /** Of one generator's run. */
  readonly seconds: number;
  readonly print: (line: string) => void;
}

/** A shorter bench only shows that everything runs. */
export const DEFAULT_SECONDS = 8;

const CLI = [process.execPath, `${process.cwd()}/dist/cli/main.js`];
/** An invalid run (exit code 2) has its figures too; on a machine with other work it would be one now and then. */
const MEASURED_EXITS = [0, 2];

export const weighbridge = (...args: readonly string[]): string[] => [...CLI, ...args];

/** What `load --json` prints, as far as it is looked at here. */
export interface LoadDocument {
  readonly requests: number;
  readonly failed: number;
  readonly versions: Readonly<Record<string, number>>;
  readonly generator: {
    readonly peakRssBytes: number;
    readonly lateness: { readonly p50: number; readonly p99: number };
  };
}

export interface Run extends Finished, ServerCounts {
  /** Requests, as the server counts them, per second of the generator's processor time. */
  readonly perCpuSecond: number;
}

/** Runs a generator on its own core; requests are counted by the server. */
export async function generate(
  { server }: Bench,
  command: readonly string[],
  mayEndWith?: readonly number[],
): Promise<Run> {
  const before = await server.counts();
  const finished = await run(onCore(GENERATOR_CORE, command), mayEndWith);
  const after = await server.counts();
  const requests = after.requests - before.requests;
  return {
    ...finished,
    requests,
    connections: after.connections - before.connections,
    perCpuSecond: requests / finished.cpuSeconds,
  };
}

/**
 * Runs `load` with these options.
 * @throws Error unless its books are those of the server, to the request, and nothing failed.
 */
export async function load(bench: Bench, args: readonly string[]): Promise<Run & { readonly document: LoadDocument }> {
  const ran = await generate(bench, weighbridge('load', ...args, '--json'), MEASURED_EXITS);
  const document = JSON.parse(ran.stdout) as LoadDocument;
  if (document.requests !== ran.requests || document.failed > 0) {
    throw new Error(
      `weighbridge counts ${document.requests} requests, ${document.failed} failed; the server counts ${ran.requests}`,
    );
  }
  return { ...ran, document };
}

/** One generator against another, pair by pair; whoever goes second may find a warmer machine, so the order alternates. */
export async function pairs<A, B>(
  { pairs: count }: Bench,
  ours: () => Promise<A>,
  theirs: () => Promise<B>,
): Promise<{ ours: A; theirs: B }[]> {
  const measured: { ours: A; theirs: B }[] = [];
  for (let pair = 0; pair < count; pair++) {
    const first = pair % 2 === 0 ? await ours() : undefined;
    const second = await theirs();
    measured.push({ ours: first ?? (await ours()), theirs: second });
  }
  return measured;
}

export interface PeerGoal {
  readonly name: GeneratorName;
  /** What the peer does, where it is not the same. */
  readonly doing?: string;
  readonly goal: Goal;
  /** Default: a closed loop on `url`. */
  readonly command?: (program: string) => string[];
}

/** Requests per CPU second of ours beside each peer's closed loop on `url`. */
export async function besidePeers(
  bench: Bench,
  work: WorkName,
  what: string,
  options: {
    readonly ours: readonly string[];
    readonly url: string;
    readonly connections: number;
    readonly peers: readonly PeerGoal[];
    readonly check?: (document: LoadDocument) => void;
  },
): Promise<Measured> {
  const rows: Row[] = [];
  const skipped: string[] = [];
  for (const { name, doing, goal, command } of options.peers) {
    const program = peerPath(name);
    if (!program) {
      skipped.push(`${what}: ${name} is not installed; ${INSTALL_PEERS} installs it`);
      continue;
    }
    const { url, connections } = options;
    const { folder } = bench.server;
    const theirs =
      command?.(program) ?? closedLoop(name, program, { url, connections, seconds: bench.seconds, folder });
    const measured = await pairs(
      bench,
      () => load(bench, options.ours),
      () => generate(bench, theirs),
    );
    for (const [pair, { ours, theirs: other }] of measured.entries()) {
      options.check?.(ours.document);
      bench.print(
        `  ${what}, ${name} ${pair + 1}: ${ours.perCpuSecond.toFixed(0)} / ${other.perCpuSecond.toFixed(0)} requests per CPU second`,
      );
    }
    const ratios = measured.map(({ ours, theirs: other }) => ours.perCpuSecond / other.perCpuSecond);
    rows.push(row(work, `${what}: times ${name}${doing ? ` ${doing}` : ''}`, ratios, 'x', goal));
    // What peers cost among themselves depends on the machine's price of a system call, and so does every ratio.
    const each = measured.map(({ theirs: other }) => other.perCpuSecond);
    if (!doing) rows.push(row(work, `${what}: ${name} itself`, each, 'requests/CPU-s'));
  }
  return { rows, skipped };
}
