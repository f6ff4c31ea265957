import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { systemClock } from '../../base/clock.js';
import { ConfigError, type Problem } from '../../base/errors.js';
import type { Millis } from '../../base/units.js';
import { connectCluster } from '../../cluster/client.js';
import { type Plan, planRun } from '../../judge/plan.js';
import { findK6 } from '../../load/k6/program.js';
import { LOAD_ENGINES, type LoadEngine } from '../../load/types.js';
import { runRelease } from '../../release/run.js';
import { prepareReports } from '../../report/reportsDir.js';
import type { Scenario } from '../../scenario/types.js';
import { type Dataplane, dataplaneOption, findEnvoy } from '../dataplane.js';
import type { Io } from '../io.js';
import { startLabProcess } from '../labProcess.js';
import { labReady } from '../labReady.js';
import {
  type ClusterFlags,
  credentials,
  defaultScenario,
  duration,
  httpUrl,
  refuseClusterOptions,
  refuseLabOptions,
  UNDO_FILE,
  wholeNumber,
  withClusterOptions,
} from '../options.js';
import { packageVersion } from '../package.js';
import { readScenario } from '../scenarioFile.js';
import { openSession } from '../session.js';
import { chosenStages, withSoak } from '../stages.js';

interface Flags extends ClusterFlags {
  readonly target: 'lab' | 'cluster';
  readonly dataplane: Dataplane;
  readonly stage: readonly string[];
  readonly baseUrl: string;
  readonly allowUndecidable: boolean;
  readonly keep: boolean;
  readonly reports: string;
  readonly seed?: number;
  readonly engine: LoadEngine;
  readonly k6?: string;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly soak?: Millis;
}

export function runCommand(io: Io): Command {
  const command = new Command('run')
    .description('walk the stages of a release under load and judge each one; the cluster is put back afterwards')
    .argument('[scenario]', 'scenario file or its folder (default: Pitstop)')
    .addOption(
      new Option('--target <where>', 'the embedded lab, or the cluster of the kubeconfig')
        .choices(['lab', 'cluster'])
        .default('lab'),
    )
    .addOption(dataplaneOption())
    .option('--stage <name>', 'only this stage (repeatable)', (name, all: string[]) => [...all, name], [] as string[])
    .option('--allow-undecidable', 'also start stages that maxDuration will probably leave undecided (see plan)', false)
    .option('--soak <duration>', 'after each pass the load goes on so long, and drift is watched for', duration)
    .option('--keep', 'a passed run leaves the last stage in place', false)
    .option(
      '--base-url <url>',
      'where the load enters the application (target cluster)',
      httpUrl,
      'http://localhost:7005',
    )
    .option(
      '--seed <n>',
      'seed of every draw of the load and the lab (default: from the clock, printed)',
      wholeNumber(0, 2 ** 32 - 1),
    )
    .addOption(
      new Option(
        '--engine <name>',
        "what sends the load: Node's sockets, the undici library to compare with, or a process of k6 on all cores",
      )
        .choices(LOAD_ENGINES)
        .default('node'),
    )
    .option('--k6 <path>', 'engine k6: the program, 1.0 or newer (default: WEIGHBRIDGE_K6, else k6 on PATH)')
    .option('--reports <dir>', 'folder of the reports', 'reports')
    .option('--verbose', 'tell how every check was decided, with its statistics', false)
    .option('--json', 'print report.json on stdout', false);
  return withClusterOptions(command)
    .addHelpText(
      'after',
      `
The same seed sends the same URIs with the same think times to the same lab,
and the lab draws alike. What runs side by side is not repeated: which request
meets which draw, how long answers take, how many requests a verdict needs.

Ctrl-C stops the load, puts the cluster back and writes the reports; a second
Ctrl-C leaves at once, and \`weighbridge restore\` puts the cluster back.

Examples:
  weighbridge run                            Pitstop on the embedded lab
  weighbridge run --stage canary --seed 7    one stage, the same draws each time
  weighbridge run --dataplane envoy          with a real Envoy beside every pod
  weighbridge run --engine k6                the same load, sent by k6
  weighbridge run shop/ --target cluster --keep
                                             on a cluster; a release that passes
                                             stays in place

Exit codes: 0 pass · 1 fail · 2 inconclusive, no data or invalid run ·
3 configuration · 4 environment · 130/143 interrupted`,
    )
    .action(async (scenarioFile: string | undefined, flags: Flags, self: Command) => {
      if (flags.target === 'lab') refuseClusterOptions(self);
      else refuseLabOptions(self);
      if (flags.dataplane === 'envoy') await findEnvoy(io.env);
      if (flags.k6 !== undefined && flags.engine !== 'k6') {
        throw new ConfigError([{ path: '--k6', message: 'is for --engine k6' }]);
      }
      const file = scenarioFile ?? defaultScenario(io.cwd);
      const scenario = withSoak(await readScenario(file, io), flags.soak);
      const stages = chosenStages(scenario, flags.stage);
      const plan = planRun(scenario);
      if (!flags.allowUndecidable) refuseUndecidable(scenario, plan, stages);
      const k6 = flags.engine === 'k6' ? await findK6(flags.k6 ?? io.env.WEIGHBRIDGE_K6) : undefined;
      const seed = flags.seed ?? systemClock.wallMs() % 2 ** 32;
      const reports = resolve(io.cwd, flags.reports);
      prepareReports(reports);
      const labArgs = [
        resolve(io.cwd, file),
        '--seed',
        String(seed),
        '--dataplane',
        flags.dataplane,
        ...(stages[0] ? ['--before-stage', stages[0]] : []),
      ];
      const lab = flags.target === 'lab' ? await startLabProcess(labArgs) : undefined;
      try {
        const client = await connectCluster(lab ? { kubeconfig: lab.kubeconfig } : flags);
        await client.check();
        if (lab) await labReady(client, systemClock, io.signal, (line) => io.stderr.write(`${line}\n`));
        const { baseUrl, prometheusUrl, kialiUrl } = lab ?? flags;
        const plans = new Map(plan.stages.map(({ name, line }) => [name, line]));
        const session = openSession(io, reports, scenario.name, flags, plans);
        await runRelease(
          scenario,
          {
            runId: session.runId,
            weighbridgeVersion: packageVersion(),
            stages,
            seed,
            engine: flags.engine,
            ...(k6 ? { k6 } : {}),
            keep: flags.keep,
            target: {
              kind: flags.target,
              baseUrl,
              prometheusUrl,
              kialiUrl,
              ...(lab ? { kialiAuth: { strategy: 'anonymous' as const } } : credentials(flags, io)),
            },
            undoFile: join(session.dir, UNDO_FILE),
          },
          { clock: systemClock, client, emit: session.emit, signal: io.signal },
        );
        session.finish();
      } finally {
        const complaints = await lab?.stop();
        if (complaints) io.stderr.write(`${complaints}\n`);
      }
    });
}

/** @throws ConfigError when a stage would probably end without a verdict: the load is spared, and what to change is said. */
function refuseUndecidable(scenario: Scenario, plan: Plan, stages: readonly string[]): void {
  const problems = plan.stages.flatMap(({ name, advice, undecidable }): Problem[] =>
    advice === undefined || !stages.includes(name)
      ? []
      : [
          {
            file: scenario.file,
            path: `stages.${name}`,
            message: undecidable
              ? `not decidable from here, because ${undecidable}`
              : `probably not decided within maxDuration: ${advice}`,
            hint: `change ${undecidable ? 'the objects or the load' : 'one of these'}, or take the risk with --allow-undecidable`,
          },
        ],
  );
  if (problems.length > 0) throw new ConfigError(problems);
}
