import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../../base/clock.js';
import { ConfigError } from '../../base/errors.js';
import { parseDuration } from '../../base/units.js';
import { startLab } from '../../lab/lab.js';
import { objectsBefore } from '../../scenario/before.js';
import { loadScenario } from '../../scenario/load.js';
import { readManifests } from '../../scenario/manifests.js';
import type { Io } from '../io.js';
import { defaultScenario, wholeNumber } from '../options.js';

interface Flags {
  readonly file: readonly string[];
  readonly seed: number;
  readonly scrapeInterval?: string;
  readonly propagation?: string;
  readonly portApi?: number;
  readonly portBase?: number;
  readonly portPrometheus?: number;
  readonly portKiali?: number;
  readonly prometheusConfig?: string;
  readonly beforeStage?: string;
  readonly stopWithStdin: boolean;
}

export function labCommand(io: Io): Command {
  const port = wholeNumber(1, 65_535);
  return new Command('lab')
    .description(
      'start the embedded cluster and mesh on loopback, and stay until Ctrl-C; the first line on stdout is a JSON document with its addresses',
    )
    .argument('[scenario]', 'scenario whose lab: section describes the applications (default: Pitstop)')
    .option(
      '-f, --file <path>',
      'apply objects of a file or folder at start (repeatable; replaces the objects of the scenario)',
      (path, all: string[]) => [...all, path],
      [] as string[],
    )
    .option('--before-stage <name>', 'start as the stages before this one would have left the cluster')
    .option('--seed <n>', 'seed of every draw', wholeNumber(0, 2 ** 32 - 1), 1)
    .option('--scrape-interval <duration>', 'how often its Prometheus scrapes')
    .option('--propagation <duration>', 'from a changed object to changed sidecars')
    .option('--port-api <n>', 'port of the Kubernetes API', port)
    .option('--port-base <n>', 'port of the web application', port)
    .option('--port-prometheus <n>', 'port of Prometheus', port)
    .option('--port-kiali <n>', 'port of Kiali', port)
    .option('--prometheus-config <file>', 'write what a real Prometheus needs to scrape the lab')
    .option('--stop-with-stdin', 'end when standard input closes', false)
    .addHelpText(
      'after',
      `
Examples:
  weighbridge lab                                    Pitstop; then, in another shell:
    export KUBECONFIG=<the printed kubeconfig>
    kubectl get pods -n pitstop
    weighbridge run --target cluster --base-url ... --prometheus-url ... --kiali-url ...
  weighbridge lab -f manifests/                      rehearse your own manifests`,
    )
    .action(async (scenarioFile: string | undefined, flags: Flags) => {
      const scenario = await loadScenario(scenarioFile ?? defaultScenario(io.cwd), { cwd: io.cwd });
      const given = await Promise.all(flags.file.map((path) => readManifests(path, io.cwd)));
      const problems = given.flatMap((manifests) => manifests.problems);
      if (problems.length > 0) throw new ConfigError(problems);
      const objects =
        given.length > 0
          ? given.flatMap((one) => one.objects.map(({ object }) => object))
          : objectsBefore(scenario, flags.beforeStage);
      const folder = mkdtempSync(join(tmpdir(), 'weighbridge-lab-'));
      try {
        const lab = await startLab({
          objects,
          apps: scenario.lab.apps,
          scrapeIntervalMs: duration('--scrape-interval', flags.scrapeInterval) ?? scenario.lab.scrapeInterval,
          propagationMs: duration('--propagation', flags.propagation) ?? scenario.lab.propagation,
          seed: flags.seed,
          ports: {
            ...(flags.portApi ? { api: flags.portApi } : {}),
            ...(flags.portBase ? { base: flags.portBase } : {}),
            ...(flags.portPrometheus ? { prometheus: flags.portPrometheus } : {}),
            ...(flags.portKiali ? { kiali: flags.portKiali } : {}),
          },
          clock: systemClock,
        });
        const kubeconfig = join(folder, 'kubeconfig');
        writeFileSync(kubeconfig, lab.kubeconfig, { mode: 0o600 });
        if (flags.prometheusConfig) writeFileSync(flags.prometheusConfig, lab.prometheusConfig());
        io.stdout.write(
          `${JSON.stringify({ kubeconfig, baseUrl: lab.baseUrl, prometheusUrl: lab.prometheusUrl, kialiUrl: lab.kialiUrl })}\n`,
        );
        if (!flags.stopWithStdin) {
          io.stderr.write(
            `the lab is up: ${objects.length} objects applied. In another shell:\n  export KUBECONFIG=${kubeconfig}\n  kubectl get pods -A\nCtrl-C stops it.\n`,
          );
        }
        await untilStopped(io, flags.stopWithStdin);
        await lab.close();
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
}

function duration(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0)
    throw new ConfigError([
      { path: option, message: `found ${JSON.stringify(text)}; a duration such as 500ms or 2s is needed` },
    ]);
  return ms;
}

function untilStopped(io: Io, withStdin: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (io.signal.aborted) return resolve();
    io.signal.addEventListener('abort', () => resolve(), { once: true });
    if (withStdin) {
      io.stdin.on('end', () => resolve());
      io.stdin.resume();
    }
  });
}
