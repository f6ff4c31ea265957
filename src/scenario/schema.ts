import * as z from 'zod';
import { load } from './load-schema.js';
import { PERCENTILES } from './percentiles.js';
import { ALLOWED, choice, count, duration, mapping, percent, range, text } from './schema-parts.js';
import { SEED_NAMES } from './seeds.js';
import type { Percentile } from './types.js';

const dnsName = (what: string) => dnsText(`${what}: lower-case letters, digits and "-", at most 63`);
const dnsText = (error: string) => z.string({ error }).regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, { error });

const VERSION_NAME =
  'a version name: a letter, then letters, digits, "-", "_" and ".", but not uri, failed, by, max or a percentile';
const versionName = z
  .string({ error: VERSION_NAME })
  .regex(/^(?!(uri|failed|by|max|p50|p90|p95|p99|p999)$)[A-Za-z][\w.-]{0,62}$/, { error: VERSION_NAME });

const labels = z
  .record(
    z.string().regex(/^([a-z0-9.-]+\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/, { error: 'a label key' }),
    z.string({ error: ALLOWED.label }).regex(/^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/, { error: ALLOWED.label }),
    { error: 'a mapping of pod labels, such as {version: v1}' },
  )
  .meta({ minProperties: 1 });

const shares = z.record(versionName, percent, { error: 'a mapping of versions to percentages, such as {v2: 100%}' });

const stringList = (what: string) => z.array(text(what), { error: `a list of ${what}s` });

const MARKER = 'off, or a mapping with uri, failed and a text for each version but one';
const marker = z.union(
  [
    z.literal('off'),
    z
      .object(
        {
          uri: z
            .string({ error: 'a path pattern that starts with "/"' })
            .regex(/^\/[\x21-\x7e]*$/, { error: 'a path pattern that starts with "/"' })
            .meta({ description: 'Pages that tell the version; * stands for any run of characters.' }),
          failed: text('text of a failed page').optional(),
        },
        { error: MARKER },
      )
      .catchall(text('text that only this version has in its pages')),
  ],
  { error: MARKER },
);

const precision = mapping({
  margin: percent.optional().meta({ description: 'Largest harmless deviation of a share. Default 3%.' }),
  errorRate: percent
    .optional()
    .meta({ description: 'How often a run in which all is well may end red. Default 0.01%.' }),
  absence: percent.optional().meta({ description: 'What "0 %" certifies: less than this. Default 1%.' }),
  quiet: percent.optional().meta({
    description: 'Deviation of a share that must not alarm either. Default 0%; by balancing a quarter of the margin.',
  }),
});

const watchMode = choice(['require', 'account', 'off']);
const watch = mapping({
  client: watchMode.optional(),
  source: watchMode.optional(),
  destination: watchMode.optional(),
  graph: watchMode.optional(),
});

const limits = Object.fromEntries(
  (Object.keys(PERCENTILES) as Percentile[]).map((name) => [name, duration.optional()]),
) as Record<Percentile, z.ZodOptional<typeof duration>>;

const RATIO = 'a number from 1 to 100, such as 1.5';
const EXPECT_ERRORS = 'a mapping with max, or versions such as {v2: {notWorseThan: v1}}';
const errors = z.object({ max: percent.optional() }, { error: EXPECT_ERRORS }).catchall(
  mapping({
    notWorseThan: versionName,
    ratio: z
      .number({ error: RATIO })
      .min(1, { error: RATIO })
      .max(100, { error: RATIO })
      .optional()
      .meta({ description: 'So many times as often is still in order. Default 1; twice as much must be caught.' }),
  }),
);

const EXPECT_TIME = 'a mapping of percentiles to durations, such as {p95: 800ms, v2: {notSlowerThan: v1}}';
const responseTime = z.object(limits, { error: EXPECT_TIME }).catchall(
  mapping({
    ...limits,
    notSlowerThan: versionName.optional(),
    margin: percent.optional().meta({ description: 'So much slower is still in order. Default 10%.' }),
  }),
);

const EXPECT_SHARE = 'a mapping of versions to percentages, such as {v2: 10%}';
const expectation = mapping({
  share: z
    .object({ by: choice(['weight', 'balancing']).optional() }, { error: EXPECT_SHARE })
    .catchall(percent)
    .optional()
    .meta({ description: 'Share of the requests by version. by: weight (default) or balancing over ready pods.' }),
  mirror: shares.optional().meta({ description: 'Copies per primary request, by version.' }),
  errors: errors.optional().meta({
    description: 'max: most failing calls that are still in order. By version: not worse than another version.',
  }),
  responseTime: responseTime.optional().meta({
    description:
      'Largest percentiles of the response time at the client, from the intended start: of all answers, or by version.',
  }),
});

const stage = mapping({
  name: dnsName('a stage name'),
  apply: stringList('path of a manifest file or folder').optional(),
  delete: stringList('Kind/name or Kind/namespace/name').optional(),
  expect: expectation,
  precision: precision.optional(),
  soak: duration
    .optional()
    .meta({ description: 'The load goes on for so long after a pass, and drift is watched for. Default 0.' }),
});

const SIGMA = 'a number from 0 to 5';
const STATUS = 'a status from 400 to 599';
const app = mapping({
  latency: z
    .union(
      [
        duration,
        mapping({
          constant: duration.optional(),
          uniform: range.optional(),
          lognormal: mapping({
            median: duration,
            sigma: z.number({ error: SIGMA }).min(0, { error: SIGMA }).max(5, { error: SIGMA }),
          }).optional(),
        }),
      ],
      {
        error:
          'a duration such as 5ms, {constant: 5ms}, {uniform: [1ms, 9ms]} or {lognormal: {median: 5ms, sigma: 0.5}}',
      },
    )
    .optional(),
  errors: percent.optional().meta({ description: 'Share of requests answered with errorStatus.' }),
  errorStatus: z.int({ error: STATUS }).min(400, { error: STATUS }).max(599, { error: STATUS }).optional(),
  startUp: duration.optional().meta({ description: 'From container start to ready.' }),
  calls: z
    .array(
      z
        .string({ error: 'an http URL' })
        .regex(/^http:\/\/[^\s/]+/, { error: 'an http URL, such as http://stock:8080/items' }),
      { error: 'a list of http URLs' },
    )
    .optional(),
});

const lab = mapping({
  objects: stringList('path of a manifest file or folder')
    .optional()
    .meta({ description: 'What the lab starts with.' }),
  scrapeInterval: duration.optional().meta({ description: "Of the lab's Prometheus. Default 1s." }),
  propagation: duration.optional().meta({ description: 'From a changed object to changed sidecars. Default 300ms.' }),
  stale: z
    .record(dnsName('a workload'), count('the number of proxies', 1000), {
      error: 'a mapping of workloads to numbers, such as {web: 1}',
    })
    .optional()
    .meta({ description: 'How many proxies of a workload keep the routes they have when the lab is up.' }),
  apps: z
    .record(text('workload name, image or app label'), app, {
      error: 'a mapping of workload names, images or app labels to their behaviour',
    })
    .optional(),
});

/** The shape of a scenario file; values with a unit come out as numbers in the units of base/. */
export const ScenarioFile = mapping({
  name: dnsName('the name of the scenario'),
  mesh: choice(['istio', 'linkerd', 'gateway-api']).optional().meta({ description: 'Default istio.' }),
  namespace: dnsName('a namespace'),
  service: dnsName('the name of the Service under release'),
  from: dnsText(ALLOWED.caller)
    .optional()
    .meta({ description: 'The workload whose calls are judged. Left out: the load calls the Service itself.' }),
  versions: z
    .record(versionName, labels, {
      error: 'a mapping of version names to their pod labels, such as {v1: {version: v1}, v2: {version: v2}}',
    })
    .meta({
      minProperties: 2,
      description: 'Pod labels that tell the versions apart; the last one is being released.',
    }),
  marker: marker.optional().meta({ description: 'How the client tells the versions apart. Default off.' }),
  load,
  seed: z
    .array(choice([...SEED_NAMES]), { error: `a list of ${SEED_NAMES.join(', ')}` })
    .optional()
    .meta({ description: "Records created through the app's own forms before the load." }),
  precision: precision.optional(),
  watch: watch.optional().meta({ description: 'Whose word counts: require (decides), account (shown) or off.' }),
  warmUp: duration.optional().meta({ description: 'Load before the counting starts. Default 2s.' }),
  maxDuration: duration.optional().meta({ description: 'Longest counting of a stage. Default 2m.' }),
  stages: z.array(stage, { error: 'a list of stages' }).min(1, { error: 'a list of at least one stage' }),
  lab: lab.optional().meta({ description: 'Behaviour of apps in the embedded lab.' }),
});

export type ScenarioFile = z.output<typeof ScenarioFile>;
export type StageFile = z.output<typeof stage>;
