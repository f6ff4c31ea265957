import fc from 'fast-check';
import { ASKED_MS } from './samples.js';

/** What the recorded series are called, and the labels and values that tell them apart. */
const COUNTERS = ['requests_total', 'random_total', 'istio_requests_total', 'latency_bucket', 'latency_count'];
const GAUGES = ['temperature', 'limit', 'info', 'up', 'random_gauge'];
const LABELS: Readonly<Record<string, readonly string[]>> = {
  job: ['a', 'b', 'e', 'f', ''],
  instance: ['a:1', 'a:2', 'd:1'],
  shard: ['0', '1', '2', '3'],
  kind: ['even', 'odd'],
  room: ['x', 'y', 'z'],
  reporter: ['source', 'destination'],
  destination_workload: ['api-v1', 'api-v2', 'unknown'],
  version: ['v1', 'v2'],
  le: ['10', '+Inf'],
};
const PATTERNS = ['.*', '.+', 'a|b', '[a-e]', '(a|b|).*', '^.*1$', 'v[12]', 'x|', '\\\\d+', 'api-.*', ''];
const GROUPS = ['job', 'instance', 'shard', 'kind', 'room', 'version', 'reporter', 'le', 'missing'];

const name = fc.constantFrom(...COUNTERS, ...GAUGES);
const labelName = fc.constantFrom(...Object.keys(LABELS));
const matcher = labelName.chain((label) =>
  fc
    .oneof(
      fc.tuple(fc.constantFrom('=', '!='), fc.constantFrom(...(LABELS[label] ?? []))),
      fc.tuple(fc.constantFrom('=~', '!~'), fc.constantFrom(...PATTERNS)),
    )
    .map(([operator, value]) => `${label}${operator}"${value}"`),
);
const matchers = fc
  .oneof(
    { weight: 3, arbitrary: fc.constant<string[]>([]) },
    { weight: 3, arbitrary: fc.array(matcher, { minLength: 1, maxLength: 2 }) },
  )
  .map((list) => (list.length > 0 ? `{${list.join(',')}}` : ''));
const shift = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom('15s', '1m', '5m', '-30s', '7m13s').map((by) => ` offset ${by}`) },
  {
    weight: 1,
    arbitrary: fc
      .oneof(
        fc.integer({ min: -900, max: 60 }).map((by) => String(ASKED_MS / 1000 + by)),
        fc.constantFrom('start()', 'end()'),
      )
      .map((at) => ` @ ${at}`),
  },
);
const range = fc.constantFrom('14s', '15s', '16s', '30s', '1m', '61s', '2m', '5m', '7m13s', '12m', '1h');

const selector = fc.tuple(name, matchers, shift).map((parts) => parts.join(''));
const counter = fc.tuple(fc.constantFrom(...COUNTERS), matchers).map((parts) => parts.join(''));
const window = fc.tuple(name, matchers, range, shift).map(([of, by, long, moved]) => `${of}${by}[${long}]${moved}`);
const counterWindow = fc.tuple(counter, range, shift).map(([of, long, moved]) => `${of}[${long}]${moved}`);

const RANGE_FUNCTIONS = [
  ...['delta', 'idelta', 'resets', 'changes', 'deriv', 'irate'],
  ...['sum', 'avg', 'min', 'max', 'count', 'last', 'present', 'stddev'].map((what) => `${what}_over_time`),
];
const ranged = fc
  .oneof(
    { weight: 3, arbitrary: fc.tuple(fc.constantFrom('rate', 'increase'), counterWindow) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...RANGE_FUNCTIONS), window) },
  )
  .map(([call, of]) => `${call}(${of})`);

const labelList = fc.uniqueArray(fc.constantFrom(...GROUPS), { maxLength: 3 }).map((list) => list.join(', '));
const grouping = fc.oneof(
  fc.constant(''),
  fc.tuple(fc.constantFrom('by', 'without'), labelList).map(([word, list]) => ` ${word} (${list}) `),
);
const number = fc.oneof(fc.integer({ min: -3, max: 60 }), fc.constantFrom(0.001, 0.5, 1e3)).map(String);

/** Vectors whose values are samples or whole numbers: what may be compared and subtracted without a last bit that decides. */
const steady = fc.oneof(
  selector,
  fc
    .tuple(fc.constantFrom('count', 'min', 'max', 'group'), grouping, selector)
    .map(([op, by, of]) => `${op}${by}(${of})`),
);

const { vector } = fc.letrec<{ vector: string }>((tie) => ({
  vector: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 2, arbitrary: selector },
    { weight: 4, arbitrary: ranged },
    {
      weight: 4,
      arbitrary: fc
        .tuple(
          fc.constantFrom('sum', 'avg', 'max', 'min', 'count', 'group', 'stddev', 'stdvar'),
          grouping,
          tie('vector'),
        )
        .map(([op, by, of]) => `${op}${by}(${of})`),
    },
    {
      weight: 1,
      // Not of aggregates: over a range a real one meets these in the order of a map, and ties fall at random.
      arbitrary: fc
        .tuple(
          fc.constantFrom('topk', 'bottomk', 'quantile'),
          fc.constantFrom('0', '1', '2', '0.4'),
          grouping,
          selector,
        )
        .map(([op, k, by, of]) => `${op}${by}(${k}, ${of})`),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie('vector'), fc.constantFrom('+', '-', '*', '/', '%', '^'), number)
        .map(([left, op, right]) => `${left} ${op} ${right}`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(steady, fc.constantFrom('>', '<', '>=', '!=', '== bool', '> bool'), number)
        .map(([left, op, right]) => `${left} ${op} ${right}`),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          tie('vector'),
          fc.constantFrom('+', '*', '/', 'and', 'or', 'unless', '-'),
          fc.oneof(
            fc.constant(''),
            fc.tuple(fc.constantFrom('on', 'ignoring'), labelList).map(([word, list]) => ` ${word} (${list})`),
          ),
          fc.constantFrom('', '', ' group_left ', ' group_right '),
          tie('vector'),
        )
        .map(([left, op, on, group, right]) => `${left} ${op}${on}${on && /[+*/-]/.test(op) ? group : ''} ${right}`),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom('0.5', '0.95', '0', '1', '1.5', '-1'),
          fc.constantFrom('le', 'le, version', 'le, reporter', 'version'),
          range,
        )
        .map(
          ([q, by, long]) =>
            `histogram_quantile(${q}, sum by (${by}) (rate({__name__=~"latency_bucket|istio_request_duration_milliseconds_bucket"}[${long}])))`,
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          fc.constantFrom('abs', 'ceil', 'floor', 'sgn', 'sqrt', 'ln', 'exp', 'sort', 'timestamp', '-', 'scalar'),
          tie('vector'),
        )
        .map(([call, of]) => (call === 'scalar' ? `vector(scalar(${of}))` : `${call}(${of})`)),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          selector,
          fc.constantFrom('host', 'job', 'instance', 'room'),
          fc.constantFrom('$1', 'x-$1', '', '$2$1'),
          labelName,
          fc.constantFrom('(.*)', '(.).*', 'a.*', '(.*):(.*)'),
        )
        .map(([of, to, text, from, pattern]) => `label_replace(${of}, "${to}", "${text}", "${from}", "${pattern}")`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(selector, labelName, labelName)
        .map(([of, a, b]) => `label_join(${of}, "joined", "/", "${a}", "${b}")`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          fc.constantFrom('max', 'sum', 'count', 'last'),
          ranged,
          fc.constantFrom('5m:30s', '3m:7s', '10m:1m', '5m:'),
        )
        .map(([what, of, long]) => `${what}_over_time(${of}[${long}])`),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(steady, fc.constantFrom('0.25', '10', '1')).map(([of, to]) => `round(${of}, ${to})`),
    },
    { weight: 1, arbitrary: tie('vector').map((of) => `(${of})`) },
  ),
}));

/** A query of the supported subset over the recorded series; some are refused when they are evaluated, as series do not match one to one. */
export const promql: fc.Arbitrary<string> = vector;

/** Texts that are nearly queries: one of them with something taken out, doubled or put in. */
export const nearlyPromql: fc.Arbitrary<string> = fc
  .tuple(
    vector,
    fc.nat(),
    fc.constantFrom(
      '',
      '',
      '(',
      ')',
      '}',
      '"',
      '[5m]',
      ' by (job)',
      ' offset 1m',
      ' @ 5',
      ' bool',
      'x',
      ',',
      ' 1',
      '-',
      '[5m:1m]',
    ),
  )
  .map(([query, at, put]) => {
    const place = at % (query.length + 1);
    return query.slice(0, place) + put + query.slice(place + (put === '' ? 1 + (at % 3) : 0));
  });

/** When to ask, ms: while the series grow, at their ends, and until all of them are out of sight. */
export const instant: fc.Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: ASKED_MS - 1_000_000, max: ASKED_MS + 20_000 }) },
  // On the seconds of scrapes, where a window's border counts.
  { weight: 2, arbitrary: fc.integer({ min: -60, max: 2 }).map((step) => ASKED_MS + step * 15_000) },
  { weight: 1, arbitrary: fc.integer({ min: ASKED_MS, max: ASKED_MS + 400_000 }) },
);
