import { setFlagsFromString } from 'node:v8';
import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../base/clock.js';
import { EXIT, type ExitCode } from '../../base/errors.js';
import { loadDocument, loadText } from '../../load/document.js';
import { refuseForK6 } from '../../load/k6/lacks.js';
import { findK6 } from '../../load/k6/program.js';
import { foreseeableShortages, readLimits, refuseTooManyUsers } from '../../load/limits.js';
import { checkReachable } from '../../load/reach.js';
import { prepareRequests } from '../../load/requests.js';
import { startWithEngine } from '../../load/start.js';
import type { LoadSummary } from '../../load/types.js';
import { URI_ORDERS } from '../../scenario/types.js';
import type { Io } from '../io.js';
import { duration, httpUrl, wholeNumber } from '../options.js';
import { type ClusterLoadFlags, checkTarget, withClusterLoadOptions } from './loadClusterOptions.js';
import { followLoad } from './loadFollow.js';
import { namedValue } from './loadMarker.js';
import { describeLoad, type LoadFlags, loadSpec } from './loadSpec.js';
import { withWireOptions } from './loadWire.js';
import { withWorkloadOptions } from './workloadOptions.js';

export function loadCommand(io: Io): Command {
  const command = new Command('load')
    .description('send load only: users with think time (closed model) or arrivals at a rate (open model)')
    .argument('[url]', 'one URI to ask for again and again', httpUrlArgument)
    .optionsGroup('What is asked for:')
    .option('--uris <file>', 'URI list, one [METHOD] URI [weight=N] [Header: value] a line')
    .option('--base-url <url>', 'what the paths of the list are below', httpUrl)
    .option('--set <name=value>', 'value of {name} in the URIs (repeatable)', namedValue)
    .addOption(
      new Option(
        '--order <kind>',
        'of the URIs; weights count in all of them: round-robin (as listed), random (each request draws), shuffled (a new order every lap)',
      )
        .choices(URI_ORDERS)
        .default('round-robin'),
    );
  withWorkloadOptions(command)
    .option(
      '--seed <n>',
      'repeats the order of URIs, think times and arrivals (default: from the clock, printed)',
      wholeNumber(0, 2 ** 32 - 1),
    )
    .optionsGroup('Connections and threads:');
  withWireOptions(command, duration)
    .option('--workers <n>', 'threads that send, when one core is not enough (default 1)', wholeNumber(1, 64))
    .option(
      '--precise',
      'send within about 0.2 ms of the due time instead of 1 ms; takes a part of a second core',
      false,
    )
    .optionsGroup('Versions:')
    .option(
      '--marker <version=text>',
      'count versions: a good page with this text came from this version; without a text (v1=), a page with none (repeatable)',
      namedValue,
    )
    .option('--marker-uri <pattern>', 'only these paths tell the version; * is any run of characters (default *)')
    .option('--marker-failed <text>', 'a page with this text has failed, whatever its status');
  return withClusterLoadOptions(command)
    .optionsGroup('Output:')
    .option('--json', 'print one JSON document on stdout', false)
    .addHelpText(
      'after',
      `
Examples:
  a plain closed loop, one connection a user:
    weighbridge load http://localhost:7005/ --users 32 --think-time 0 \\
      --duration 8s
  users of a web page:
    weighbridge load --uris uris.txt --base-url http://localhost:7005 \\
      --users 200
  users who come and go, with pauses as people make them:
    weighbridge load http://localhost:7005/ --stages 30s:100,2m:100,10s:0 \\
      --think-time lognormal:800ms,0.5
  arrivals at a rate:
    weighbridge load http://localhost:7005/ --rate 500 --arrivals poisson --json
  which version answers:
    weighbridge load http://localhost:7005/details --marker v1= \\
      --marker v2=LoyaltyLevel
  the arrivals of an hour in half the time:
    weighbridge load --replay access.txt --speed 2x \\
      --base-url http://localhost:7005
  a rate that grows until something gives:
    weighbridge load http://localhost:7005/ --rate 10 --stages 5m:2000
  by k6, in a shape:
    weighbridge load http://localhost:7005/ --engine k6 --script spike \\
      --users 500 --duration 3m
  from eight pods of a cluster, at addresses as the cluster knows them:
    weighbridge load --uris uris.txt --base-url http://webapp.pitstop:7005 \\
      --users 20000 --duration 10m --engine k6 --target cluster --parallelism 8

A URI list holds one request a line; indented lines below it are a part of it:
  /CustomerManagement weight=3
  POST /orders
    Content-Type: application/json
    | {"article": 7,
    |  "amount": 1}
  PUT /photo
    @photo.jpg

Exit codes: 0 requests were answered · 2 none was, or the generator was the
bottleneck · 3 usage · 4 unreachable · 130/143 interrupted`,
    )
    .action(async (url: string | undefined, flags: LoadFlags & ClusterLoadFlags, self: Command) => {
      checkTarget(self, flags, flags.engine);
      const seed = flags.seed ?? systemClock.wallMs() % 2 ** 32;
      const spec = await loadSpec(url, flags, seed, io);
      if (flags.engine === 'k6') refuseForK6(spec);
      // Half of weighbridge comes with it, which a load from here would wait for.
      if (flags.target === 'cluster') return (await import('./loadCluster.js')).loadFromCluster(spec, flags, io);
      const k6 = flags.engine === 'k6' ? await findK6(flags.k6 ?? io.env.WEIGHBRIDGE_K6) : undefined;
      const limits = readLimits();
      refuseTooManyUsers(spec, limits);
      await checkReachable(prepareRequests(spec), io.signal, spec.tls);
      // Nothing is allocated for a request: a larger nursery would only hold the connections' start twice over (tens of MB at 10,000 users).
      setFlagsFromString('--semi-space-growth-factor=1');
      // So small a nursery is emptied sooner than helper threads get a core that they share with this one: waiting for them took 10 ms where it alone takes 1.
      setFlagsFromString('--no-parallel-scavenge');
      for (const shortage of foreseeableShortages(spec, limits)) io.stderr.write(`warning: ${shortage}\n`);
      io.stderr.write(`${describeLoad(spec)}, seed ${seed}\n`);
      if (k6) io.stderr.write(`starting k6 ${k6.version}\n`);
      const { script = 'replay' } = flags;
      const run = await startWithEngine(spec, { clock: systemClock, k6, script, cwd: io.cwd, signal: io.signal });
      const summary = await followLoad(run, spec, systemClock, io);
      io.stdout.write(
        flags.json
          ? `${JSON.stringify(loadDocument(summary, { engine: flags.engine, seed }))}\n`
          : loadText(summary, io.stdout.color),
      );
      io.setExitCode(exitCodeOf(summary, io.signal));
    });
}

function exitCodeOf({ counts, generator }: LoadSummary, signal: AbortSignal): ExitCode {
  if (signal.aborted) return signal.reason === 'SIGTERM' ? EXIT.sigterm : EXIT.sigint;
  const answered = Object.keys(counts.status).length > 0;
  return answered && generator.valid ? EXIT.pass : EXIT.inconclusive;
}

function httpUrlArgument(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new InvalidArgumentError('it must be a URL such as http://localhost:7005/');
  }
  return text;
}
