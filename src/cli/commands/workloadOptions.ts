import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LoadStage, ThinkTime } from '../../scenario/types.js';
import { parseStages, parseThinkTime, THINK_TIME_FORMS } from '../../scenario/workload-text.js';
import { duration, positive, wholeNumber } from '../options.js';
import { DEFAULT_USERS, MOST_IN_FLIGHT, MOST_USERS } from './loadWorkload.js';

/** The options of `load` that say when requests are sent and for how long. */
export function withWorkloadOptions(command: Command): Command {
  return command
    .optionsGroup('When: users who wait (closed model), arrivals that do not (open model), or both:')
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
    .optionsGroup('How long:')
    .option(
      '--duration <time>',
      'stop after this time, such as 30s or 5m (default without --requests: all stages, else 10s at full level)',
      duration,
    )
    .option('--requests <n>', 'stop after so many requests', wholeNumber(1));
}

function stages(text: string): LoadStage[] {
  const parsed = parseStages(text);
  if (!parsed) throw new InvalidArgumentError('it must be a list of duration:level such as 30s:100,1m:500');
  return parsed;
}

const level = (text: string): number | LoadStage[] => (text.includes(':') ? stages(text) : positive(text));

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
