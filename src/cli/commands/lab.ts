import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../../base/clock.js';
import { ConfigError, EnvironmentError, errorText } from '../../base/errors.js';
import { parseDuration } from '../../base/units.js';
import { type ClusterClient, connectCluster } from '../../cluster/client.js';
import { type Lab, startLab } from '../../lab/lab.js';
import { ObjectsRefused } from '../../lab/startObjects.js';
import { type Dataplane, dataplaneOption, findEnvoy } from '../dataplane.js';
import type { Io } from '../io.js';
import { entryPoint, labObjects, refusedError, unknownKinds } from '../labObjects.js';
import { defaultScenario, wholeNumber } from '../options.js';
import { findProgram } from '../programs.js';
import { readScenario } from '../scenarioFile.js';

interface Flags {
  readonly file: readonly string[];
  readonly seed: number;
  readonly scrapeInterval?: string;
  readonly propagation?: string;
  readonly portApi?: number;
  readonly portBase?: number;
  readonly portPrometheus?: number;
  readonly portKiali?: number;
  readonly dataplane: Dataplane;
  readonly prometheusConfig?: string;
  readonly kubeconfig?: string;
  readonly entry?: string;
  readonly beforeStage?: string;
  readonly stopWithStdin: boolean;
}

export function labCommand(io: Io): Command {
  const port = wholeNumber(0, 65_535);
  return new Command('lab')
    .description(
      'start the embedded cluster and mesh on loopback, and stay until Ctrl-C; the first line on stdout is a JSON document with its addresses',
    )
    .argument('[scenario]', 'scenario whose lab: section describes the applications (default: Pitstop)')
    .option(
      '-f, --file <path>',
      'apply objects of a file or folder at start, - is standard input (repeatable; replaces the objects of the scenario)',
      (path, all: string[]) => [...all, path],
      [] as string[],
    )
    .option('--entry <service[:port]>', 'the Service that baseUrl leads to, also service.namespace (default: found)')
    .option('--before-stage <name>', 'start as the stages before this one would have left the cluster')
    .option('--seed <n>', 'seed of every draw', wholeNumber(0, 2 ** 32 - 1), 1)
    .option('--scrape-interval <duration>', 'how often its Prometheus scrapes (default: of the scenario, else 1s)')
    .option(
      '--propagation <duration>',
      'from a changed object to changed sidecars (default: of the scenario, else 300ms)',
    )
    .addOption(dataplaneOption())
    .option('--port-api <n>', 'port of the Kubernetes API (default of all ports: any free one)', port)
    .option('--port-base <n>', 'port of the web application', port)
    .option('--port-prometheus <n>', 'port of Prometheus', port)
    .option('--port-kiali <n>', 'port of Kiali', port)
    .option(
      '--kubeconfig <file>',
      'follow this API server instead of an own one: play its controllers, kubelet and mesh (it must have no nodes)',
    )
    .option('--prometheus-config <file>', 'write the configuration of a real Prometheus that scrapes the lab as well')
    .option('--stop-with-stdin', 'end when standard input closes', false)
    .addHelpText(
      'after',
      `
The first line on stdout:
  {"kubeconfig":..,"baseUrl":..,"prometheusUrl":..,"kialiUrl":..}

Examples:
  weighbridge lab                  Pitstop; then, in another shell:
    export KUBECONFIG=<the printed kubeconfig>
    kubectl get pods -n pitstop
    weighbridge run --target cluster --base-url <baseUrl> \\
      --prometheus-url <prometheusUrl> --kiali-url <kialiUrl>
  weighbridge lab -f manifests/    rehearse your own manifests
  weighbridge lab -f manifests/ --dataplane envoy
                                   with a real Envoy beside every pod
  weighbridge lab --kubeconfig admin.conf
                                   play nodes and mesh for a bare kube-apiserver
                                   that knows Istio's definitions
  weighbridge lab --prometheus-config prometheus.yml
    prometheus --config.file=prometheus.yml    follows the pods as they change

The pods of a TestRun (k6-operator) are processes of the k6 of WEIGHBRIDGE_K6
or PATH; without one its image cannot be pulled.

Exit codes: 0 stopped by Ctrl-C or SIGTERM · 3 usage, or an object is faulty ·
4 a port is taken, the API server of --kubeconfig does not answer or refuses an
object, or Envoy is not installed`,
    )
    .action(async (scenarioFile: string | undefined, flags: Flags) => {
      const scenario = await readScenario(scenarioFile ?? defaultScenario(io.cwd), io);
      const { objects, placed, notes } = await labObjects(scenario, flags, io);
      const entry = flags.entry === undefined ? undefined : entryPoint(flags.entry, objects);
      const envoy = flags.dataplane === 'envoy' ? await findEnvoy(io.env) : undefined;
      const follow = await followed(flags, io.cwd);
      const folder = mkdtempSync(join(tmpdir(), 'weighbridge-lab-'));
      let lab: Lab | undefined;
      try {
        lab = await startLab({
          objects,
          apps: scenario.lab.apps,
          stale: scenario.lab.stale,
          scrapeIntervalMs: duration('--scrape-interval', flags.scrapeInterval) ?? scenario.lab.scrapeInterval,
          propagationMs: duration('--propagation', flags.propagation) ?? scenario.lab.propagation,
          seed: flags.seed,
          ...(entry ? { entry } : {}),
          ports: {
            api: flags.portApi ?? 0,
            base: flags.portBase ?? 0,
            prometheus: flags.portPrometheus ?? 0,
            kiali: flags.portKiali ?? 0,
          },
          ...(envoy ? { envoy } : {}),
          onWarning: (warning) => io.stderr.write(`${warning}\n`),
          k6: findProgram(io.env, io.env.WEIGHBRIDGE_K6 ?? 'k6'),
          clock: systemClock,
          ...(follow ? { follow } : {}),
          onError: (error) => io.stderr.write(`the lab goes on after a fault of its own: ${errorText(error)}\n`),
        });
        const kubeconfig = flags.kubeconfig ? resolve(io.cwd, flags.kubeconfig) : join(folder, 'kubeconfig');
        if (!follow) writeFileSync(kubeconfig, lab.kubeconfig, { mode: 0o600 });
        if (flags.prometheusConfig) writePrometheusConfig(resolve(io.cwd, flags.prometheusConfig), lab);
        for (const note of [...notes, ...unknownKinds(lab.unknownObjects, placed)]) io.stderr.write(`${note}\n`);
        if (envoy)
          io.stderr.write(`data plane: Envoy ${envoy.version}, one process beside every pod (${envoy.binary})\n`);
        io.stdout.write(
          `${JSON.stringify({ kubeconfig, baseUrl: lab.baseUrl, prometheusUrl: lab.prometheusUrl, kialiUrl: lab.kialiUrl })}\n`,
        );
        if (!flags.stopWithStdin) {
          const { service, namespace, port } = lab.entry() ?? {};
          io.stderr.write(
            `the lab is up: ${objects.length - lab.unknownObjects.length} objects applied${service ? `, and baseUrl leads to Service ${namespace}/${service}:${port}` : ''}. In another shell:\n  export KUBECONFIG=${kubeconfig}\n  kubectl get pods -A\nCtrl-C stops it.\n`,
          );
        }
        await untilStopped(io, flags.stopWithStdin);
      } catch (error) {
        throw error instanceof ObjectsRefused ? refusedError(error, placed, follow !== undefined) : error;
      } finally {
        rmSync(folder, { recursive: true, force: true });
        await lab?.close();
      }
    });
}

/** The API server of `--kubeconfig`. @throws ConfigError when the lab's own is asked for as well. */
async function followed(flags: Flags, cwd: string): Promise<ClusterClient | undefined> {
  if (flags.kubeconfig === undefined) return undefined;
  if (flags.portApi !== undefined)
    throw new ConfigError([
      {
        path: '--port-api',
        message: 'the lab has no API server of its own when it follows another one',
        hint: 'leave --port-api or --kubeconfig out',
      },
    ]);
  return connectCluster({ kubeconfig: resolve(cwd, flags.kubeconfig) });
}

function writePrometheusConfig(file: string, lab: Lab): void {
  try {
    writeFileSync(file, lab.prometheusConfig());
  } catch (error) {
    throw new EnvironmentError(
      'E_OUTPUT',
      `cannot write ${file}: ${errorText(error)}`,
      'name another file with --prometheus-config',
    );
  }
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
