import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../base/clock.js';
import { EXIT, type ExitCode } from '../../base/errors.js';
import { type Millis, parseDuration } from '../../base/units.js';
import { loadDocument, loadText } from '../../load/document.js';
import { startLoad } from '../../load/engine.js';
import { foreseeableShortages, readLimits } from '../../load/limits.js';
import { checkReachable } from '../../load/reach.js';
import { prepareRequests } from '../../load/requests.js';
import type { LoadSummary } from '../../load/types.js';
import { type LoadStage, type ThinkTime, URI_ORDERS } from '../../scenario/types.js';
import { parseStages, parseThinkTime, THINK_TIME_FORMS } from '../../scenario/workload-text.js';
import type { Io } from '../io.js';
import { httpUrl, wholeNumber } from '../options.js';
import { followLoad } from './loadFollow.js';
import { namedValue } from './loadMarker.js';
import { describeLoad, type LoadFlags, loadSpec } from './loadSpec.js';
import { withWireOptions } from './loadWire.js';
import { DEFAULT_USERS, MOST_IN_FLIGHT, MOST_USERS } from './loadWorkload.js';

export function loadCommand(io: Io): Command {
  const command = new Command('load')
    .description('send load only: users with think time (closed model) or arrivals at a rate (open model)')
    .argument('[url]', 'one URI to ask for again and again', httpUrlArgument)
    .option('--uris <file>', 'URI list, one [METHOD] URI [Header: value] a line, walked round-robin by every user')
    .option('--base-url <url>', 'what the paths of the list are below', httpUrl)
    .option('--set <name=value>', 'value of {name} in the URIs (repeatable)', namedValue)
    .addOption(
      new Option(
        '--order <kind>',
        'of the URIs; weights count in all of them: round-robin (as listed), random (each request draws), shuffled (a new order every lap)',
      )
        .choices(URI_ORDERS)
        .default('round-robin'),
    )
    .option(
      '--users <n|stages>',
      `closed model: so many users wait for an answer, pause, and ask again (default ${DEFAULT_USERS}); or stages such as 30s:100,1m:500`,
      level,
    )
    .option(
      '--think-time <spec>',
      `closed model: the pause after an answer: ${THINK_TIME_FORMS} (default 100ms..2s)`,
      thinkTime,
    )
    .option(
      '--rate <n|stages>',
      'open model: so many arrivals per second, whatever the answers take; or stages. With --users both at once',
      level,
    )
    .addOption(
      new Option(
        '--arrivals <kind>',
        'open model: evenly spaced, or at random as a Poisson process (default constant)',
      ).choices(['constant', 'poisson']),
    )
    .option(
      '--max-in-flight <n>',
      `open model: arrivals beyond this are dropped and counted (default: rate x timeout, at most ${MOST_IN_FLIGHT})`,
      wholeNumber(1, MOST_USERS),
    )
    .option(
      '--stages <list>',
      'changes of users or rate, linear: 30s:100,1m:500 goes to 100 in 30 s, then to 500 in 1 m; 0s:100 jumps. They start from --users or --rate, else from 0',
      stages,
    )
    .option('--ramp-up <time>', 'go from 0 to the full level in this time', duration)
    .option('--ramp-down <time>', 'go down to 0 in the last part of --duration', duration)
    .option(
      '--replay <file>',
      'arrivals as recorded, one a line: TIME, or TIME [METHOD] URI; in seconds or as 2026-03-01T10:00:00.123Z',
    )
    .option('--speed <factor>', 'replay faster or slower than recorded, such as 2x or 0.5x (default 1x)', speed)
    .option(
      '--duration <time>',
      'stop after this time, such as 30s or 5m (default without --requests: all stages, else 10s at full level)',
      duration,
    )
    .option('--requests <n>', 'stop after so many requests', wholeNumber(1))
    .option(
      '--seed <n>',
      'repeats the order of URIs, think times and arrivals (default: from the clock, printed)',
      wholeNumber(0, 2 ** 32 - 1),
    );
  return withWireOptions(command, duration)
    .option('--workers <n>', 'threads that send, when one core is not enough (default 1)', wholeNumber(1, 64))
    .option(
      '--precise',
      'send within about 0.2 ms of the due time instead of 1 ms; takes a part of a second core',
      false,
    )
    .option(
      '--marker <version=text>',
      'count versions: a good page with this text came from this version; without a text (v1=), a page with none (repeatable)',
      namedValue,
    )
    .option('--marker-uri <pattern>', 'only these paths tell the version; * is any run of characters (default *)')
    .option('--marker-failed <text>', 'a page with this text has failed, whatever its status')
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
    weighbridge load --replay access.txt --speed 2x --base-url http://localhost:7005
  a rate that grows until something gives:
    weighbridge load http://localhost:7005/ --rate 10 --stages 5m:2000

A URI list holds one request a line; indented lines below it are a part of it:
  /CustomerManagement
  POST /orders
    Content-Type: application/json
    | {"article": 7,
    |  "amount": 1}
  PUT /photo
    @photo.jpg

Exit codes: 0 requests were answered · 2 none was, or the generator was the
bottleneck · 3 usage · 4 unreachable · 130/143 interrupted`,
    )
    .action(async (url: string | undefined, flags: LoadFlags) => {
      const seed = flags.seed ?? systemClock.wallMs() % 2 ** 32;
      const spec = await loadSpec(url, flags, seed, io);
      await checkReachable(prepareRequests(spec), io.signal, spec.tls);
      for (const shortage of foreseeableShortages(spec, readLimits())) io.stderr.write(`warning: ${shortage}\n`);
      io.stderr.write(`${describeLoad(spec)}, seed ${seed}\n`);
      const summary = await followLoad(startLoad(spec, { clock: systemClock }), spec, systemClock, io);
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

function speed(text: string): number {
  const value = /^\d{1,6}(\.\d{1,6})?x?$/.test(text) ? Number(text.replace('x', '')) : 0;
  if (value <= 0) throw new InvalidArgumentError('it must be a factor above 0, such as 2x or 0.5x');
  return value;
}

function thinkTime(text: string): ThinkTime {
  const parsed = parseThinkTime(text);
  if (!parsed) throw new InvalidArgumentError(`it must look like ${THINK_TIME_FORMS}`);
  return parsed;
}

function stages(text: string): LoadStage[] {
  const parsed = parseStages(text);
  if (!parsed) throw new InvalidArgumentError('it must be a list of duration:level such as 30s:100,1m:500');
  return parsed;
}

const level = (text: string): number | LoadStage[] => (text.includes(':') ? stages(text) : positive(text));

function duration(text: string): Millis {
  const parsed = parseDuration(text);
  if (parsed === undefined) throw new InvalidArgumentError('it must be a duration with its unit, such as 500ms or 30s');
  return parsed;
}

function positive(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0) throw new InvalidArgumentError('it must be a number above 0');
  return value;
}
