import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { predictShare } from '../../src/mesh/predict.js';
import { type Receivers, receiversOf } from '../../src/mesh/receivers.js';
import type { MeshRequest } from '../../src/mesh/router.js';
import type { Caller } from '../../src/mesh/types.js';
import { policyOf, type RoutePolicy } from './routePolicy.js';

/** A cluster, a client in it, and what it sends. */
export interface OracleCase {
  readonly objects: readonly KubeObject[];
  readonly caller: Caller;
  readonly requests: readonly MeshRequest[];
}

interface OracleAnswer {
  /** By address; `unknown`: outside of the cluster. */
  readonly arrived: Readonly<Record<string, number>>;
  /** By address: what the proxies there let in. */
  readonly received: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
  readonly copied: Readonly<Record<string, number>>;
  readonly protocol: string;
  /** The share that arrives and that the client's proxy has encrypted. */
  readonly encrypted: number;
  readonly delayed: number;
  readonly delayMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly retryOn: string;
  readonly perTryMs: number;
}

export interface OracleResult {
  /** By `Kind/namespace/name`. */
  readonly refused: Readonly<Record<string, string>>;
  readonly answers: readonly OracleAnswer[];
  readonly error?: string;
}

const CASES_PER_PROCESS = 200;

/** Istio's own compiler in a process of its own, see test/peers/istio-oracle. */
export class IstioOracle {
  private readonly program: string;
  private child: ChildProcess;
  private asked = 0;
  private readonly waiting: { resolve(result: OracleResult): void; reject(error: Error): void }[] = [];

  constructor(program: string) {
    this.program = program;
    this.child = this.start();
  }

  private start(): ChildProcess {
    // Istio's test helpers complain on standard output when these name no folder.
    const env = { ...process.env, TARGET_OUT: tmpdir(), LOCAL_OUT: tmpdir() };
    const child = spawn(this.program, [], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.waiting.shift()?.resolve(JSON.parse(line) as OracleResult);
    });
    child.on('exit', (code) => {
      if (child !== this.child) return;
      for (const { reject } of this.waiting.splice(0)) reject(new Error(`the oracle ended with ${code}`));
    });
    return child;
  }

  ask(one: OracleCase): Promise<OracleResult> {
    // Istio's control planes for tests leave megabytes behind in each case.
    if (++this.asked % CASES_PER_PROCESS === 0 && this.waiting.length === 0) {
      this.close();
      this.child = this.start();
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.child.stdin?.write(`${JSON.stringify(one)}\n`);
    });
  }

  close(): void {
    this.child.stdin?.end();
    this.child.kill();
  }
}

/** How `mesh/` and Istio differ about a case, one line each; empty: not at all. */
export function oracleDifferences({ objects, caller, requests }: OracleCase, result: OracleResult): string[] {
  if (result.error) return [`the oracle cannot compile it: ${result.error}`];
  const config = compileProxyConfig(objects, caller);
  const refused = new Set(config.warnings.filter(({ code }) => code === 'OBJECT_REFUSED').map(({ object }) => object));
  const found = compared('refused objects', [...refused].sort(), Object.keys(result.refused).sort());
  const versions = versionsByAddress(objects);
  const byVersion = (addresses: Readonly<Record<string, number>>) => {
    const shares: Record<string, number> = {};
    for (const [address, share] of Object.entries(addresses)) {
      const version = address === 'lost' ? 'lost' : (versions.get(address) ?? 'unknown');
      shares[version] = (shares[version] ?? 0) + share;
    }
    return rounded(shares);
  };
  const receivers = receiversOf(objects, caller);
  const encryption: Pick<Receivers, 'refusal'> = {
    refusal: (endpoint, sent) => (receivers.transportTo(endpoint, sent) === 'plain' ? undefined : 'encrypted'),
  };
  requests.forEach((request, index) => {
    const answer = result.answers[index];
    if (!answer) throw new Error('fewer answers than requests');
    const { share, failed, mirrored, protocol } = predictShare(config, request, versionOf);
    const ours = {
      share: rounded(share),
      failed: rounded(failed),
      mirrored: rounded(mirrored),
      protocol: protocolOf(protocol, failed),
      ...(protocol === 'http' ? policyOf(config, request) : NO_POLICY),
      encrypted: rounded(predictShare(config, request, () => undefined, encryption).failed).encrypted ?? 0,
      received: rounded(predictShare(config, request, versionOf, receivers).share),
    };
    const theirs = {
      share: byVersion(answer.arrived),
      failed: rounded(answer.failed),
      mirrored: byVersion(answer.copied),
      protocol: protocolOf(answer.protocol, answer.failed),
      ...policyIn(answer),
      encrypted: Number(answer.encrypted.toFixed(6)),
      received: byVersion(answer.received),
    };
    const { port, host, method, path, headers } = request;
    const shown = `${method} ${host}:${port}${path} ${JSON.stringify(headers)}`;
    for (const key of Object.keys(ours) as (keyof typeof ours)[]) {
      found.push(...compared(`${shown}: ${key}`, ours[key], theirs[key]));
    }
  });
  return found;
}

const versionOf = (labels: Readonly<Record<string, string>>): string | undefined => labels.version;

const NO_POLICY: RoutePolicy = { delayed: [0, 0], timeoutMs: 0, retries: 0, retryOn: '', perTryMs: 0 };

const policyIn = ({ delayed, delayMs, timeoutMs, retries, retryOn, perTryMs }: OracleAnswer): RoutePolicy => ({
  delayed: delayed > 0 ? [delayed, delayMs] : [0, 0],
  timeoutMs,
  retries,
  retryOn:
    retries > 0
      ? retryOn
          .split(',')
          .filter((word) => word !== '')
          .join()
      : '',
  perTryMs: retries > 0 ? perTryMs : 0,
});

const compared = (what: string, ours: unknown, theirs: unknown): string[] => {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)];
  return a === b || sameShares(ours, theirs) ? [] : [`${what} ${a}, Istio ${b}`];
};

/** To 2e-6: both were rounded. */
function sameShares(ours: unknown, theirs: unknown): boolean {
  if (typeof ours === 'number' && typeof theirs === 'number') return Math.abs(ours - theirs) < 2e-6;
  if (Array.isArray(ours) || typeof ours !== 'object' || typeof theirs !== 'object') return false;
  const [a, b] = [ours as Record<string, number>, theirs as Record<string, number>];
  return [...Object.keys(a), ...Object.keys(b)].every((key) => Math.abs((a[key] ?? 0) - (b[key] ?? 0)) < 2e-6);
}

/** Who refuses a connection is all the same. */
const protocolOf = (protocol: string, failed: Readonly<Record<string, number>>): string =>
  failed['000 refused'] === 1 ? 'refused' : protocol;

/** To 1e-6, in the order of the names. */
const rounded = (shares: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(shares)
      .map(([name, share]) => [name, Number(share.toFixed(6))] as const)
      .filter(([, share]) => share > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

function versionsByAddress(objects: readonly KubeObject[]): ReadonlyMap<string, string> {
  const versions = new Map<string, string>();
  for (const { kind, metadata, spec, status } of objects) {
    const add = (address: unknown, labels: Readonly<Record<string, string>> | undefined) => {
      if (typeof address === 'string' && labels?.version) versions.set(address, labels.version);
    };
    if (kind === 'Pod') add(status?.podIP, metadata.labels);
    if (kind === 'WorkloadEntry') {
      add(spec?.address, { ...metadata.labels, ...(spec?.labels as Record<string, string> | undefined) });
    }
    if (kind === 'ServiceEntry') {
      for (const endpoint of (spec?.endpoints ?? []) as { address?: string; labels?: Record<string, string> }[]) {
        add(endpoint.address, endpoint.labels);
      }
    }
  }
  return versions;
}
