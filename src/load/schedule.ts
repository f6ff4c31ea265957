import { ConfigError } from '../base/errors.js';
import type { ClosedModel, OpenModel, UriEntry, UriOrder } from '../scenario/types.js';
import { levelsOf, partAsksFor, partsOf, peakLevel } from '../scenario/workload.js';
import type { Workload } from './types.js';
import { ClosedSchedule } from './workload/closed.js';
import { MixedSchedule } from './workload/mixed.js';
import { OpenSchedule } from './workload/open.js';
import type { ReplayModel } from './workload/replay.js';
import type { Schedule, SchedulePart, WorkerShare } from './workload/types.js';
import type { WeightedUris } from './workload/uriWalk.js';

export interface ScheduleOptions {
  readonly model: Workload;
  readonly order: UriOrder;
  readonly uris: readonly Pick<UriEntry, 'target' | 'weight'>[];
  readonly seed: number;
  /** Nothing is due at or after this, active ms; default: no end. */
  readonly endMs?: number;
  /** Default: the only one. No user's or arrival's sequence depends on the number of workers. */
  readonly worker?: WorkerShare;
}

interface PartSpec {
  readonly model: ClosedModel | OpenModel | ReplayModel;
  readonly uris?: string;
}

/** Shuffled order holds a list for every user; more entries than this take too much memory. */
const MOST_SHUFFLED = 50_000_000;

/**
 * The same options give the same slots, as far as answers take the same time.
 * @throws ConfigError when a part of a mixture asks for no URI, or shuffled order would take too much memory.
 */
export function createSchedule(options: ScheduleOptions): Schedule {
  const parts: readonly PartSpec[] =
    options.model.kind === 'replay' ? [{ model: options.model }] : partsOf(options.model);
  const firstUsers: number[] = [];
  let users = 0;
  const schedules = parts.map((each, part) => {
    firstUsers.push(users);
    const common = {
      part,
      firstUser: users,
      order: options.order,
      uris: urisOf(options.uris, each),
      seed: options.seed,
      endMs: options.endMs ?? Number.POSITIVE_INFINITY,
      worker: options.worker ?? { index: 0, of: 1 },
    };
    const walkers = each.model.kind === 'closed' ? peakLevel(levelsOf(each.model)) : 1;
    if (options.order === 'shuffled') checkShuffled(walkers, common.uris);
    users += walkers;
    return scheduleOf(common, each.model);
  });
  const [only] = schedules;
  return only && schedules.length === 1 ? only : new MixedSchedule(schedules, firstUsers);
}

function scheduleOf(part: SchedulePart, model: ClosedModel | OpenModel | ReplayModel): Schedule {
  return model.kind === 'closed' ? new ClosedSchedule(part, model) : new OpenSchedule(part, model);
}

/**
 * The URIs of a list that a part of a mixture asks for.
 * @throws ConfigError when there are none.
 */
export function urisOf(uris: ScheduleOptions['uris'], part: Pick<PartSpec, 'uris'>): WeightedUris {
  const own = [...uris.entries()].filter(([, uri]) => partAsksFor(part, uri));
  if (own.length === 0 && uris.length > 0) {
    throw new ConfigError([
      {
        path: `uris: ${part.uris}`,
        message: 'matches no URI of the list',
        hint: 'write a path pattern such as /api/*',
      },
    ]);
  }
  return { positions: own.map(([position]) => position), weights: own.map(([, { weight }]) => weight ?? 1) };
}

function checkShuffled(walkers: number, { weights }: WeightedUris): void {
  const entries = weights.reduce((sum, weight) => sum + weight, 0);
  if (walkers * entries <= MOST_SHUFFLED) return;
  throw new ConfigError([
    {
      path: 'order',
      message: `shuffled order of ${entries} entries (a URI of weight 3 counts as 3) for ${walkers} users would take ${Math.round((2 * walkers * entries) / 1e6)} MB`,
      hint: 'use round-robin or random order, or smaller weights',
    },
  ]);
}
