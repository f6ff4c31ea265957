import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';
import { systemClock } from '../../base/clock.js';
import { ConfigError, EXIT, type ExitCode, type Problem } from '../../base/errors.js';
import { type Millis, millis } from '../../base/units.js';
import { type ClusterClient, connectCluster } from '../../cluster/client.js';
import { bundleScript } from '../../load/k6/bundle.js';
import type { K6Plan } from '../../load/k6/contract.js';
import { heavyDocument, heavyText } from '../../load/k6/heavyDocument.js';
import { type HeavyResult, invalidBecause } from '../../load/k6/heavyResult.js';
import { renderPlan } from '../../load/k6/plan.js';
import { renderTestRun, type TestRunObjects } from '../../load/k6/testRun.js';
import type { LoadSpec } from '../../load/types.js';
import { PrometheusClient } from '../../observe/prometheus.js';
import { runHeavy } from '../../release/heavy.js';
import { meshPolicies, serviceOf, sidecarAdvice } from '../../release/heavyAdvice.js';
import type { Io } from '../io.js';
import { credentials, duration, httpUrl, UNDO_FILE, wholeNumber } from '../options.js';
import { newRunId } from '../session.js';
import { heavyProgress } from './loadClusterProgress.js';
import { describeLoad } from './loadSpec.js';

/** The options of `load` for runners in a cluster. */
export interface ClusterLoadFlags {
  readonly target: 'local' | 'cluster';
  readonly parallelism: number;
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly prometheusUrl: string;
  readonly prometheusTokenFile?: string;
  readonly prometheusWriteUrl: string;
  readonly runnerImage: string;
  readonly runnerCpu?: string;
  readonly runnerMemory?: string;
  readonly runnerSecret?: string;
  readonly separate: boolean;
  readonly sidecar: boolean;
  readonly startTimeout: Millis;
  readonly dryRun: boolean;
  readonly reports: string;
  readonly script?: string;
  readonly json: boolean;
}

/** The k6 that tests ran with. */
const K6_IMAGE = 'grafana/k6:1.1.0';
const PUSH_SECONDS = 1;

export function withClusterLoadOptions(command: Command): Command {
  return command
    .optionsGroup('From the pods of a cluster (--engine k6 --target cluster), by the k6-operator:')
    .addOption(
      new Option('--target <where>', 'what sends: this machine, or pods of the cluster of the kubeconfig')
        .choices(['local', 'cluster'])
        .default('local'),
    )
    .option('--parallelism <n>', 'runners, which share the users or arrivals', wholeNumber(1, 1000), 1)
    .option('--namespace <name>', "of the runners (default: that of the kubeconfig's context)")
    .option('--kubeconfig <file>', 'kubeconfig of the cluster (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig (default: its current one)')
    .option('--prometheus-url <url>', 'where the counters are read', httpUrl, 'http://localhost:9090')
    .option('--prometheus-token-file <file>', 'bearer token for reading (or WEIGHBRIDGE_PROMETHEUS_TOKEN)')
    .addOption(
      new Option(
        '--prometheus-write-url <url>',
        'where runners write them, as the cluster reaches it; needs --web.enable-remote-write-receiver there',
      )
        .argParser(httpUrl)
        .default('http://prometheus.istio-system:9090/api/v1/write', "that of Istio's add-on"),
    )
    .option('--runner-image <image>', 'image of k6', K6_IMAGE)
    .option('--runner-cpu <quantity>', 'CPU that each runner is guaranteed, such as 2 or 500m', quantity)
    .option('--runner-memory <quantity>', 'memory of each runner, such as 1Gi: guaranteed, and its limit', quantity)
    .option(
      '--runner-secret <name>',
      'Secret whose keys become variables of the runners, such as K6_PROMETHEUS_RW_BEARER_TOKEN',
    )
    .option('--separate', 'one runner a node at most', false)
    .option(
      '--sidecar',
      'runners are in the mesh, so that its routes apply to what they send (default: they come from outside, as users do; right for a web application or a gateway, whose own proxies choose the version)',
      false,
    )
    .addOption(
      new Option('--start-timeout <time>', 'how long pods may take until all runners send')
        .argParser(duration)
        .default(millis(180_000), '3m'),
    )
    .option('--dry-run', 'print the manifests and change nothing', false)
    .option('--reports <dir>', 'folder for the list of what was created, from which `restore` deletes it', 'reports');
}

const CLUSTER_ONLY = [
  'parallelism',
  'namespace',
  'kubeconfig',
  'context',
  'prometheusUrl',
  'prometheusTokenFile',
  'prometheusWriteUrl',
  'runnerImage',
  'runnerCpu',
  'runnerMemory',
  'runnerSecret',
  'separate',
  'sidecar',
  'startTimeout',
  'dryRun',
  'reports',
] as const;

/** @throws ConfigError for options that would be ignored without a word, and for engines that have no runners. */
export function checkTarget(command: Command, { target }: ClusterLoadFlags, engine: string): void {
  const problems: Problem[] = [];
  if (target === 'cluster' && engine !== 'k6') {
    problems.push({
      path: '--target',
      message: `only k6 sends from a cluster, not ${engine}`,
      hint: 'add --engine k6',
    });
  }
  const isGiven = (name: string) => command.getOptionValueSource(name) === 'cli';
  const given = CLUSTER_ONLY.filter(isGiven);
  if (target === 'cluster' && isGiven('k6')) {
    problems.push({ path: '--k6', message: 'is for a k6 on this machine', hint: 'name an image with --runner-image' });
  }
  if (target === 'cluster' && isGiven('ca')) {
    problems.push({
      path: '--ca',
      message: 'does not reach the runners',
      hint: 'use an image that trusts it, or --insecure',
    });
  }
  if (target !== 'cluster') {
    for (const name of given) {
      const path = command.options.find((option) => option.attributeName() === name)?.long ?? name;
      problems.push({ path, message: 'is for runners in a cluster', hint: 'add --engine k6 --target cluster' });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Sends the load from pods, and tells what came of it; with `--dry-run` prints what they would be made from. */
export async function loadFromCluster(spec: LoadSpec, flags: ClusterLoadFlags, io: Io): Promise<void> {
  const runId = newRunId('load');
  const plan = renderPlan(spec);
  if (flags.dryRun) {
    const namespace = namespaceOf(flags, await connectIfThere(flags));
    return printManifests(await render({ plan, runId, namespace, cwd: io.cwd }, flags), flags.json, io);
  }
  const client = await connectCluster(flags);
  const namespace = namespaceOf(flags, client);
  const objects = await render({ plan, runId, namespace, cwd: io.cwd }, flags);
  await client.check();
  const target = serviceOf(spec.baseUrl, namespace);
  const advice = target ? sidecarAdvice(await meshPolicies(client), target, flags.sidecar) : [];
  for (const text of advice) io.stderr.write(`warning: ${text}\n`);
  io.stderr.write(
    `${describeLoad(spec)}, seed ${spec.seed}, ${flags.parallelism} runners in namespace ${namespace}, run ${runId}\n`,
  );
  const { prometheusToken } = credentials(flags, io);
  const progress = heavyProgress(io, spec, flags.parallelism);
  const dir = join(resolve(io.cwd, flags.reports), runId);
  const heavy = runHeavy(
    {
      runId,
      objects,
      parallelism: flags.parallelism,
      uris: plan.requests.map(({ name }) => name),
      durationMs: spec.durationMs,
      startTimeoutMs: flags.startTimeout,
      pushMs: PUSH_SECONDS * 1000,
      undoFile: join(dir, UNDO_FILE),
    },
    {
      client,
      prometheus: new PrometheusClient({
        url: flags.prometheusUrl,
        ...(prometheusToken ? { bearerToken: prometheusToken } : {}),
      }),
      clock: systemClock,
      emit: progress.show,
      signal: io.signal,
    },
  );
  let result: HeavyResult;
  try {
    result = await heavy;
  } catch (error) {
    if (!io.signal.aborted) throw error;
    // What an interrupt cuts short fails by that, and says nothing.
    io.stderr.write('interrupted before the load began\n');
    return io.setExitCode(interruptedCode(io.signal));
  } finally {
    progress.close();
    // The list is for `restore`, and there is nothing left to restore.
    if (!progress.leftBehind()) rmSync(dir, { recursive: true, force: true });
  }
  io.stdout.write(
    flags.json
      ? `${JSON.stringify(heavyDocument(result, { runId, seed: spec.seed, namespace }))}\n`
      : heavyText(result, io.stdout.color),
  );
  io.setExitCode(exitCodeOf(result, progress.leftBehind(), io.signal));
}

interface Rendered {
  readonly plan: K6Plan;
  readonly runId: string;
  readonly namespace: string;
  /** What the path of a script of one's own is relative to. */
  readonly cwd: string;
}

async function render({ plan, runId, namespace, cwd }: Rendered, flags: ClusterLoadFlags): Promise<TestRunObjects> {
  return renderTestRun({
    name: `weighbridge-${runId.replace('-load-', '-')}`,
    namespace,
    runId,
    script: await bundleScript(flags.script ?? 'replay', cwd),
    plan,
    writeUrl: flags.prometheusWriteUrl,
    pushSeconds: PUSH_SECONDS,
    runners: {
      parallelism: flags.parallelism,
      image: flags.runnerImage,
      separate: flags.separate,
      sidecar: flags.sidecar,
      ...(flags.runnerCpu === undefined ? {} : { cpu: flags.runnerCpu }),
      ...(flags.runnerMemory === undefined ? {} : { memory: flags.runnerMemory }),
      ...(flags.runnerSecret === undefined ? {} : { secret: flags.runnerSecret }),
    },
  });
}

/** Manifests can be printed without a cluster, unless one is named. */
const connectIfThere = (flags: ClusterLoadFlags): Promise<ClusterClient | undefined> =>
  connectCluster(flags).catch((error: unknown) => {
    if (flags.kubeconfig !== undefined || flags.context !== undefined) throw error;
    return undefined;
  });

const namespaceOf = ({ namespace }: ClusterLoadFlags, client: ClusterClient | undefined): string =>
  namespace ?? client?.kubeConfig.getContextObject(client.context)?.namespace ?? 'default';

function printManifests({ configMap, testRun }: TestRunObjects, json: boolean, io: Io): void {
  io.stdout.write(
    json
      ? `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [configMap, testRun] })}\n`
      : `${stringify(configMap)}---\n${stringify(testRun)}`,
  );
}

const interruptedCode = ({ reason }: AbortSignal): ExitCode => (reason === 'SIGTERM' ? EXIT.sigterm : EXIT.sigint);

function exitCodeOf(result: HeavyResult, leftBehind: boolean, signal: AbortSignal): ExitCode {
  if (leftBehind) return EXIT.environment;
  if (signal.aborted) return interruptedCode(signal);
  const answered = Object.keys(result.merged.counts.status).length > 0;
  return answered && invalidBecause(result).length === 0 ? EXIT.pass : EXIT.inconclusive;
}

/** Kubernetes' notation of an amount. */
function quantity(text: string): string {
  if (!/^\d+(\.\d+)?(m|[kMGTPE]i?)?$/.test(text))
    throw new InvalidArgumentError('it must be a quantity such as 500m, 2 or 1Gi');
  return text;
}
