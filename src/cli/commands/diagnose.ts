import { Command } from 'commander';
import { systemClock } from '../../base/clock.js';
import { ConfigError, EnvironmentError, EXIT } from '../../base/errors.js';
import type { KubeObject } from '../../base/kubernetes.js';
import { type Millis, millis, type Ratio, ratio } from '../../base/units.js';
import { type ClusterClient, connectCluster } from '../../cluster/client.js';
import { withoutSecrets } from '../../cluster/secrets.js';
import { type KindRead, readVisibleObjects } from '../../cluster/workloads.js';
import type { Look } from '../../judge/types.js';
import { callersOf } from '../../observe/callers.js';
import { PrometheusClient } from '../../observe/prometheus.js';
import { type CallerTables, callerTables } from '../../release/callerTables.js';
import { diagnoseTraffic } from '../../release/diagnose.js';
import { routedShare } from '../../release/livePromise.js';
import { liveScenario } from '../../release/liveScenario.js';
import { makeObservers, type ObservedTarget } from '../../release/observers.js';
import { loadScenario } from '../../scenario/load.js';
import { ALLOWED, CALLER_ELSEWHERE } from '../../scenario/schema-parts.js';
import type { Scenario, Stage } from '../../scenario/types.js';
import { type DiagnoseDocument, diagnoseDocument } from '../diagnoseDocument.js';
import { diagnoseText, watchedText } from '../diagnoseText.js';
import { parseExpectations } from '../explainExpect.js';
import type { Io } from '../io.js';
import { type ClusterFlags, credentials, defaultScenario, duration, withClusterOptions } from '../options.js';
import { chosenStages } from '../stages.js';

interface Flags extends ClusterFlags {
  readonly stage?: string;
  readonly service?: string;
  readonly namespace?: string;
  readonly from?: string;
  readonly expect: string[];
  readonly window?: Millis;
  readonly json: boolean;
}

/** Several scrapes at the usual 15 s. */
const WINDOW = millis(60_000);

const HELP = `
Without a scenario, versions are read from the subsets of DestinationRules or
the pods' labels, the caller is the busiest one that Prometheus knows, and
without --expect the route in force is the promise. What the credentials or a
missing server keep from sight is named, with what cannot be told without it.

Examples:
  weighbridge diagnose shop/ --stage canary \\
    --prometheus-url http://localhost:9090
  weighbridge diagnose --service cart -n shop --from webapp --expect v2=10%
  weighbridge diagnose --service cart -n shop --window 0    objects alone

Exit codes: 0 nothing wrong found · 1 a cause was found, or the share is
refuted · 2 too little could be seen · 3 usage or configuration ·
4 the cluster does not answer · 130/143 interrupted, with what was seen`;

const collect = (value: string, before: string[]): string[] => [...before, value];

/** `weighbridge diagnose`: a read-only look at a cluster for causes of a wrong split. */
export function diagnoseCommand(io: Io): Command {
  const command = new Command('diagnose')
    .description('a read-only look at a cluster for causes of a wrong split; changes nothing and sends nothing')
    .argument('[scenario]', 'scenario file or its folder (default: Pitstop, unless --service is given)')
    .option('--stage <name>', 'the stage of the scenario that is in place')
    .option('--service <name>', 'instead of a scenario: the Service whose split is wrong')
    .option('-n, --namespace <name>', 'its namespace')
    .option('--from <workload>', 'the workload of this namespace whose calls are looked at')
    .option('--expect <version=percent>', 'the share that a version should get; may be repeated', collect, [])
    .option('--window <duration>', 'how long the traffic is watched (default: 1m)', duration)
    .option('--json', 'print one JSON document', false);
  return withClusterOptions(command)
    .addHelpText('after', HELP)
    .action(async (file: string | undefined, flags: Flags) => {
      const expect = parseShares(flags.expect);
      checkUsage(file, flags);
      const loaded = flags.service === undefined ? await loadChosen(file, flags, io) : undefined;
      const client = await connectCluster(flags);
      await client.check();
      const namespace = loaded?.scenario.namespace ?? flags.namespace ?? '';
      const { objects: read, kinds } = await readVisibleObjects(client, namespace);
      const objects = read.map(withoutSecrets);
      const target = {
        prometheusUrl: flags.prometheusUrl,
        kialiUrl: flags.kialiUrl,
        ...credentials(flags, io),
      };
      const asked = loaded ?? (await fromLiveObjects(objects, kinds, target, { flags, expect, io }));
      const { scenario, stage } = watchable(asked, expect);
      const windowMs = flags.window ?? WINDOW;
      if (!io.stderr.isTTY && windowMs > 0) io.stderr.write(watchedText(scenario, windowMs));
      const tables = await lookAtTables(client, scenario, kinds, io);
      const diagnosis = await diagnoseTraffic({
        scenario,
        stage,
        objects,
        routes: tables.routes,
        observers: makeObservers(scenario, target, () => undefined, systemClock),
        windowMs,
        clock: systemClock,
        signal: io.signal,
        progress: progressOn(io, windowMs),
      });
      const promisedBy = Object.keys(expect).length > 0 ? 'expect' : asked.promisedBy;
      const interrupted = io.signal.aborted;
      const document = diagnoseDocument({ diagnosis, kinds, tables, promisedBy, interrupted });
      if (flags.json) io.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
      else io.stdout.write(diagnoseText(document, io.stdout.color));
      const stopped = io.signal.reason === 'SIGTERM' ? EXIT.sigterm : EXIT.sigint;
      io.setExitCode(interrupted ? stopped : document.exitCode);
    });
}

interface Asked {
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly promisedBy: DiagnoseDocument['promisedBy'];
}

async function loadChosen(file: string | undefined, flags: Flags, io: Io): Promise<Asked> {
  const scenario = await loadScenario(file ?? defaultScenario(io.cwd), { cwd: io.cwd });
  const chosen = chosenStages(scenario, flags.stage === undefined ? [] : [flags.stage]);
  if (chosen.length !== 1) {
    const message = `is needed: ${scenario.file} has the stages ${chosen.join(', ')}`;
    throw new ConfigError([{ file: '--stage', message, hint: 'name the one that is in place' }]);
  }
  const stage = scenario.stages.find(({ name }) => name === chosen[0]) as Stage;
  return { scenario, stage, promisedBy: stage.expect.share === undefined ? 'nobody' : 'stage' };
}

async function fromLiveObjects(
  objects: readonly KubeObject[],
  kinds: readonly KindRead[],
  target: ObservedTarget,
  { flags, expect, io }: { flags: Flags; expect: Readonly<Record<string, Ratio>>; io: Io },
): Promise<Asked> {
  const { service = '', namespace = '' } = flags;
  if (kinds.some(({ kind, from }) => kind === 'Namespace' && from) && !knows(objects, namespace)) {
    throw new EnvironmentError(
      'E_TARGET',
      `the cluster has no namespace ${namespace}`,
      'name another one with -n, or another cluster with --kubeconfig or --context',
    );
  }
  const unread = kinds.filter(({ from }) => from === undefined).map(({ kind }) => kind);
  const scenario = liveScenario(objects, { namespace, service, from: flags.from, expect, unread });
  const from = flags.from ?? (await busiestCaller(scenario, target, io));
  const called = from === undefined ? scenario : { ...scenario, from };
  const stage = called.stages[0] as Stage;
  const routed = stage.expect.share ? undefined : routedShare(objects, called);
  if (!routed) return { scenario: called, stage, promisedBy: 'nobody' };
  return {
    scenario: called,
    stage: { ...stage, expect: { ...stage.expect, share: routed } },
    promisedBy: 'route',
  };
}

const knows = (objects: readonly KubeObject[], namespace: string): boolean =>
  objects.some(({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace);

/** Without one the calls of the Service are nobody's, and only objects and destination proxies are left. */
async function busiestCaller(scenario: Scenario, target: ObservedTarget, io: Io): Promise<string | undefined> {
  const { prometheusUrl: url, prometheusToken: bearerToken } = target;
  const prometheus = new PrometheusClient({ url, ...(bearerToken ? { bearerToken } : {}) });
  const callers = await callersOf(prometheus, scenario, io.signal).catch(() => []);
  const here = callers.filter(({ namespace }) => namespace === scenario.namespace);
  const [busiest] = here;
  const others = here.slice(1).map(({ workload }) => workload);
  const more = others.length > 0 ? `; also: ${others.join(', ')}` : '';
  const elsewhere = callers.filter((each) => !here.includes(each)).map((each) => `${each.workload}.${each.namespace}`);
  io.stderr.write(
    busiest
      ? `caller: ${busiest.workload}, which calls ${scenario.service} most${more} (--from names another)\n`
      : elsewhere.length > 0
        ? `caller: none in namespace ${scenario.namespace}, but ${elsewhere.join(', ')}; ${CALLER_ELSEWHERE}\n`
        : `caller: none is known to Prometheus; name it with --from\n`,
  );
  return busiest?.workload;
}

/** Routes are only as well known as the objects that they are compiled from. */
async function lookAtTables(
  client: ClusterClient,
  scenario: Scenario,
  kinds: readonly KindRead[],
  io: Io,
): Promise<CallerTables> {
  // Where pods run moves no route.
  const hidden = kinds.filter(({ kind, refused }) => kind !== 'Node' && refused !== undefined).map(({ kind }) => kind);
  if (hidden.length > 0) return { routes: undefined, detail: `not all objects are known (${hidden.join(', ')})` };
  const readObjects = async () => (await readVisibleObjects(client, scenario.namespace)).objects;
  return callerTables({ client, scenario, readObjects, clock: systemClock, signal: io.signal });
}

/** The stage with what was expected on the command line; nobody has to answer, and there is no client. */
function watchable({ scenario, stage }: Asked, expect: Readonly<Record<string, Ratio>>) {
  const share = Object.keys(expect).length > 0 ? expect : stage.expect.share;
  const expected: Stage = { ...stage, expect: { ...stage.expect, share } };
  const source =
    scenario.from === undefined || scenario.watch.source === 'off' ? ('off' as const) : ('require' as const);
  const stages = scenario.stages.map((each) => (each.name === stage.name ? expected : each));
  return {
    scenario: { ...scenario, stages, watch: { ...scenario.watch, client: 'off' as const, source } },
    stage: expected,
  };
}

function parseShares(texts: readonly string[]): Readonly<Record<string, Ratio>> {
  const parsed = parseExpectations(texts);
  const failed = parsed.find(({ what }) => what === 'failed');
  if (failed) throw new ConfigError([{ file: '--expect', message: 'found failed; allowed are shares of versions' }]);
  const sum = parsed.reduce((total, { share }) => total + share, 0);
  if (sum > 1 + 1e-9) {
    throw new ConfigError([{ file: '--expect', message: `the shares make ${Math.round(sum * 100)} % together` }]);
  }
  return Object.fromEntries(parsed.map(({ what, share }) => [what, ratio(share)]));
}

function checkUsage(file: string | undefined, { service, namespace, from, stage }: Flags): void {
  const refuse = (option: string, message: string, hint: string): never => {
    throw new ConfigError([{ file: option, message, hint }]);
  };
  if (from?.includes('.'))
    refuse('--from', `found ${JSON.stringify(from)}; allowed is ${ALLOWED.caller}`, CALLER_ELSEWHERE);
  if (service !== undefined) {
    if (file !== undefined) refuse('--service', 'stands instead of a scenario', 'leave one of the two out');
    if (namespace === undefined) refuse('-n', 'is needed with --service', 'name the namespace of the Service');
    if (stage !== undefined) refuse('--stage', 'is of a scenario, and --service stands instead of one', 'leave it out');
    return;
  }
  const alone = namespace === undefined ? (from === undefined ? undefined : '--from') : '-n';
  if (alone) refuse(alone, 'goes with --service; a scenario names its own', 'add --service, or leave it out');
}

function progressOn({ stderr }: Io, windowMs: number): (look: Look) => void {
  if (!stderr.isTTY) return () => undefined;
  return ({ at, observations }) => {
    const calls = observations.map((each) =>
      each.status === 'ok' ? Object.values(each.counts.versions).reduce((sum, { total }) => sum + total, 0) : 0,
    );
    const seconds = `${Math.min(Math.round(at / 1000), windowMs / 1000)} of ${windowMs / 1000} s`;
    const end = at >= windowMs ? '\r\u001b[K' : '';
    stderr.write(`\r\u001b[Kwatching: ${seconds}, ${Math.round(Math.max(0, ...calls))} calls (Ctrl-C ends it)${end}`);
  };
}
