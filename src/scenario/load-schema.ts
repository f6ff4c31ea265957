import * as z from 'zod';
import { choice, count, duration, mapping, percent, range, text } from './schema-parts.js';
import { URI_ORDERS } from './types.js';
import { LARGEST_SIGMA } from './workload-text.js';

const SIGMA = `a number from 0 to ${LARGEST_SIGMA}`;
const thinkTime = z.union(
  [
    duration,
    mapping({
      constant: duration.optional(),
      uniform: range.optional(),
      exponential: duration.optional().meta({ description: 'The mean; cut off at 10 times it.' }),
      lognormal: mapping({
        median: duration,
        sigma: z
          .number({ error: SIGMA })
          .min(0, { error: SIGMA })
          .max(LARGEST_SIGMA, { error: SIGMA })
          .optional()
          .meta({ description: 'Standard deviation of the logarithm.' }),
        p95: duration.optional().meta({ description: '95th percentile, instead of sigma.' }),
      }).optional(),
    }),
  ],
  {
    error:
      'a duration such as 500ms, {constant: 1s}, {uniform: [100ms, 2s]}, {exponential: 1s} or {lognormal: {median: 800ms, sigma: 0.5}}',
  },
);

const RATE = 'requests a second: a number above 0, at most 1000000';
const rate = z.number({ error: RATE }).positive({ error: RATE }).max(1_000_000, { error: RATE });
const users = count('the number of users', 100_000);

const stage = mapping({
  duration,
  users: users.optional().meta({ description: 'At the end of this stage.' }),
  rate: rate.optional().meta({ description: 'Requests a second at the end of this stage.' }),
});

const STAGES = 'a list of at least one stage, such as [{duration: 30s, users: 100}, {duration: 1m, users: 500}]';
/** One model. */
const model = {
  users: users.optional().meta({ description: 'Closed model: users at once. Default 100.' }),
  thinkTime: thinkTime
    .optional()
    .meta({ description: 'Pause of a user between two requests. Default {uniform: [100ms, 2s]}.' }),
  rate: rate.optional().meta({ description: 'Open model: requests a second, whatever the answers do.' }),
  arrivals: choice(['constant', 'poisson']).optional().meta({ description: 'Open model. Default poisson.' }),
  maxInFlight: count('the most requests in flight', 100_000).optional().meta({
    description: 'Open model: arrivals beyond this are dropped and counted. Default: rate x timeout, at most 10000.',
  }),
  rampUp: duration.optional().meta({ description: 'From 0 to the full level in this time.' }),
  stages: z
    .array(stage, { error: STAGES })
    .min(1, { error: STAGES })
    .max(100, { error: 'at most 100 stages' })
    .optional()
    .meta({
      description: 'Linear changes from users or rate (default 0), one after the other; the last level stays.',
    }),
};

const PATTERN = 'a path pattern that starts with "/", such as /api/*';
const MIX = 'a list of models, such as [{users: 200}, {rate: 50, uris: /api/*}]';
export const load = mapping({
  uris: text('path of the URI list'),
  ...model,
  mix: z
    .array(
      mapping({
        ...model,
        uris: z
          .string({ error: PATTERN })
          .regex(/^\/[\x21-\x7e]*$/, { error: PATTERN })
          .optional()
          .meta({ description: 'The URIs of the list that this model asks for; * stands for any run of characters.' }),
      }),
      { error: MIX },
    )
    .min(1, { error: MIX })
    .max(16, { error: 'at most 16 models' })
    .optional()
    .meta({ description: 'Several models at once, in place of users or rate.' }),
  order: choice(URI_ORDERS).optional().meta({ description: 'Through the URI list. Default round-robin.' }),
  timeout: duration.optional().meta({ description: 'For a whole response. Default 10s.' }),
  workers: count('threads that send', 64).optional().meta({ description: 'Threads that send. Default 1.' }),
  precise: z
    .boolean({ error: 'true or false' })
    .optional()
    .meta({ description: 'Send within about 0.2 ms of the due time instead of 1 ms. Default false.' }),
  freshConnections: percent
    .optional()
    .meta({ description: 'Share of the requests that get a connection of their own. Default 0%.' }),
});

export type LoadFile = z.output<typeof load>;
