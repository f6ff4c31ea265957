import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { systemClock } from '../../base/clock.js';
import { EXIT, type ExitCode } from '../../base/errors.js';
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
import { credentials, UNDO_FILE } from '../options.js';
import { newRunId } from '../session.js';
import type { ClusterLoadFlags } from './loadClusterOptions.js';
import { heavyProgress } from './loadClusterProgress.js';
import { describeLoad } from './loadSpec.js';

const PUSH_SECONDS = 1;

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
