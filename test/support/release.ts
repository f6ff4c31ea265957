import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { millis, ratio } from '../../src/base/units.js';
import { type ClusterClient, connectCluster } from '../../src/cluster/client.js';
import { UndoList } from '../../src/cluster/undo.js';
import { type Lab, startLab } from '../../src/lab/lab.js';
import type { LoadRun } from '../../src/load/loadRun.js';
import { seedData } from '../../src/load/seed.js';
import { startLoad } from '../../src/load/start.js';
import type { RunEventBody } from '../../src/release/events.js';
import type { RunOptions } from '../../src/release/options.js';
import { RunFold } from '../../src/report/model.js';
import type { RunModel } from '../../src/report/types.js';
import { objectsBefore } from '../../src/scenario/before.js';
import { loadScenario } from '../../src/scenario/load.js';
import type { Scenario, Stage } from '../../src/scenario/types.js';
import { until } from './load.js';

const PRECISION = { margin: ratio(0.1), errorRate: ratio(0.01), absence: ratio(0.05) };

/** Pitstop with a load that a busy machine bears, and promises that a few hundred requests decide. */
async function smallPitstop(): Promise<Scenario> {
  const scenario = await loadScenario('scenarios/pitstop/scenario.yaml');
  const thinkTime = { kind: 'uniform', minMs: millis(50), maxMs: millis(150) } as const;
  return {
    ...scenario,
    load: { ...scenario.load, model: { kind: 'closed', users: 20, thinkTime } },
    precision: PRECISION,
    stages: scenario.stages.map((stage) => ({ ...stage, precision: PRECISION })),
    warmUp: millis(100),
    maxDuration: millis(20_000),
  };
}

export function stageOf(scenario: Scenario, name: string): Stage {
  const stage = scenario.stages.find((candidate) => candidate.name === name);
  if (!stage) throw new Error(`no stage ${name}`);
  return stage;
}

export interface PitstopLab {
  readonly lab: Lab;
  readonly client: ClusterClient;
  readonly scenario: Scenario;
  readonly dir: string;
  /** A write-ahead list of its own. */
  undoList(): UndoList;
  runOptions(stages: readonly string[], extra?: Partial<RunOptions>): RunOptions;
  close(): Promise<void>;
}

let runs = 0;

/** The lab as it is just before a stage, and a client of its API server. */
export async function pitstopLab(
  beforeStage: string,
  {
    propagationMs = 50,
    apps,
    stale = {},
    edit = (objects) => objects,
  }: {
    propagationMs?: number;
    stale?: Readonly<Record<string, number>>;
    apps?: Scenario['lab']['apps'];
    edit?: (objects: KubeObject[]) => KubeObject[];
  } = {},
): Promise<PitstopLab> {
  const scenario = await smallPitstop();
  const lab = await startLab({
    objects: edit(objectsBefore(scenario, beforeStage)),
    apps: apps ?? scenario.lab.apps,
    scrapeIntervalMs: 200,
    propagationMs,
    stale,
    seed: 5,
  });
  const dir = mkdtempSync(join(tmpdir(), 'weighbridge-test-'));
  const client = await clientOf(lab.kubeconfig, dir);
  const { baseUrl, prometheusUrl, kialiUrl } = lab;
  return {
    lab,
    client,
    scenario,
    dir,
    undoList: () => new UndoList(client, join(dir, `list-${++runs}`, 'undo.ndjson'), `run-${runs}`, 'pitstop'),
    runOptions: (stages, extra) => ({
      runId: `run-${++runs}`,
      weighbridgeVersion: '0',
      stages,
      seed: 3,
      engine: 'node',
      keep: false,
      target: { kind: 'cluster', baseUrl, prometheusUrl, kialiUrl, kialiAuth: { strategy: 'anonymous' } },
      undoFile: join(dir, `run-${runs}`, 'undo.ndjson'),
      ...extra,
    }),
    async close() {
      await lab.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function clientOf(kubeconfig: string, dir: string, name = 'kubeconfig'): Promise<ClusterClient> {
  const file = join(dir, name);
  writeFileSync(file, kubeconfig);
  return connectCluster({ kubeconfig: file });
}

/** A client whose API server refuses port-forwards to these ports, as for credentials without the right; everything else is passed on. */
export async function restrictedClient(
  { client, dir }: Pick<PitstopLab, 'client' | 'dir'>,
  ports: readonly number[],
): Promise<{ client: ClusterClient; close(): Promise<void> }> {
  const target = new URL(client.server);
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url } = incoming;
    const send = target.protocol === 'https:' ? secureRequest : request;
    const onward = send(new URL(url ?? '/', target), { method, headers, rejectUnauthorized: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (incoming, socket) => {
    socket.on('error', () => socket.destroy());
    if (ports.some((port) => incoming.url?.endsWith(`ports=${port}`))) {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const onward = connect(Number(target.port), target.hostname, () => {
      const headers = incoming.rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`));
      onward.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${headers.join('')}\r\n`);
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    client: await clientOf(
      readFileSync(join(dir, 'kubeconfig'), 'utf8').replaceAll(client.server, url),
      dir,
      'kubeconfig-restricted',
    ),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Keeps the events of a run as the journal would. */
export class Told {
  readonly events: RunEventBody[] = [];
  private readonly fold = new RunFold();

  readonly emit = (event: RunEventBody): void => {
    this.fold.push({ seq: this.events.length, at: 1000 + this.events.length, ...event });
    this.events.push(event);
  };

  /** Their types, looks and waiting notes left out. */
  get types(): string[] {
    return this.events
      .map(({ type }) => type)
      .filter((type) => type !== 'look' && type !== 'soak-look' && type !== 'waiting');
  }

  of<T extends RunEventBody['type']>(type: T): Extract<RunEventBody, { type: T }>[] {
    return this.events.filter((event): event is Extract<RunEventBody, { type: T }> => event.type === type);
  }

  get model(): RunModel {
    return this.fold.model;
  }
}

/** Users of Pitstop who have begun; the test's end stops them. */
export async function startedLoad({ scenario, lab }: PitstopLab): Promise<LoadRun> {
  const signal = new AbortController().signal;
  const { variables } = await seedData({ baseUrl: lab.baseUrl, names: scenario.seed, signal, clock: systemClock });
  const load = startLoad(
    {
      baseUrl: lab.baseUrl,
      uris: scenario.load.uris,
      variables,
      model: scenario.load.model,
      order: 'round-robin',
      seed: 3,
      timeoutMs: 5000,
      marker: undefined,
      defaultVersion: undefined,
    },
    { clock: systemClock },
  );
  onTestFinished(async () => void (await load.stop()));
  await until(() => load.counts().ended > 50);
  return load;
}
