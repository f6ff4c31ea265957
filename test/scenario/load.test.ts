import { afterAll, describe, expect, test } from 'vitest';
import { loadScenario } from '../../src/scenario/load.js';
import { responseTimeWatch } from '../../src/scenario/responseTimes.js';
import { Folders, problemsOf, SMALL, said } from '../support/scenario.js';

const folders = new Folders();
afterAll(() => folders.remove());

const change = (from: string | RegExp, to: string) => (text: string) => {
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`nothing to change for ${from}`);
  return changed;
};

describe('a scenario', () => {
  test('loads with every default filled in', async () => {
    const scenario = await loadScenario('.', { cwd: folders.make(SMALL) });
    expect(scenario).toMatchObject({
      name: 'shop-canary',
      file: 'scenario.yaml',
      mesh: 'istio',
      seed: [],
      precision: { margin: 0.03, errorRate: 0.0001, absence: 0.01 },
      watch: { client: 'require', source: 'require', destination: 'account', graph: 'account' },
      warmUp: 2000,
      maxDuration: 120_000,
      load: {
        urisFile: 'uris.txt',
        model: { kind: 'closed', users: 10, thinkTime: { kind: 'constant', ms: 50 } },
        order: 'round-robin',
        timeout: 10_000,
      },
      marker: { uri: '/items/*', versions: { v2: 'NEW' }, failed: 'sorry' },
      lab: { scrapeInterval: 1000, propagation: 300, apps: {} },
    });
    expect(Object.keys(scenario.versions)).toEqual(['v1', 'v2']);
    expect(scenario.stages.map(({ name, precision }) => [name, precision.margin])).toEqual([
      ['canary', 0.03],
      ['even', 0.05],
    ]);
    expect(scenario.stages[1]?.delete).toEqual([{ kind: 'VirtualService', namespace: 'demo', name: 'shop' }]);
    expect(scenario.stages[1]?.expect).toEqual({
      share: { v2: 0.5 },
      by: 'balancing',
      mirror: undefined,
      errors: undefined,
    });
  });

  test('carries the place of every field of its manifests, and the namespace that they leave out', async () => {
    const scenario = await loadScenario('scenario.yaml', { cwd: folders.make(SMALL) });
    const rule = scenario.stages[0]?.apply[0];
    expect(rule).toMatchObject({
      file: 'rule.yaml',
      line: 1,
      object: { metadata: { name: 'shop', namespace: 'demo' } },
    });
    expect(rule?.lines['spec.http[0].route[1].weight']).toBe(12);
    expect(scenario.lab.objects.map(({ file, line, object }) => `${file}:${line} ${object.kind}`)).toEqual([
      'app/shop.yaml:1 Service',
      'app/shop.yaml:6 Deployment',
      'app/shop.yaml:15 Deployment',
      'app/web.yaml:1 Service',
      'app/web.yaml:6 Deployment',
    ]);
  });

  test('is found from another folder, and its files are named as a person there would type them', async () => {
    const folder = folders.make(Object.fromEntries(Object.entries(SMALL).map(([name, text]) => [`my/${name}`, text])));
    const scenario = await loadScenario('my', { cwd: folder });
    expect([scenario.file, scenario.load.urisFile, scenario.stages[0]?.apply[0]?.file]).toEqual([
      'my/scenario.yaml',
      'my/uris.txt',
      'my/rule.yaml',
    ]);
  });

  test('survives JSON', async () => {
    const scenario = await loadScenario('.', { cwd: folders.make(SMALL) });
    const back = JSON.parse(JSON.stringify(scenario)) as typeof scenario;
    expect(back).toEqual(JSON.parse(JSON.stringify(back)));
    expect(back.stages[0]?.apply).toEqual(scenario.stages[0]?.apply);
  });

  test('may be written with a byte order mark, CRLF and anchors', async () => {
    const text = SMALL['scenario.yaml']!.replace('{version: v1}', '&one {version: v1}').replace(/\n/g, '\r\n');
    const uris = SMALL['uris.txt']!.replace(/\n/g, '\r\n');
    expect(
      await problemsOf(folders.make({ ...SMALL, 'scenario.yaml': `\ufeff${text}`, 'uris.txt': `\ufeff${uris}` })),
    ).toEqual([]);
  });

  test('may promise response times, errors of a version against another, and a soak', async () => {
    const text = SMALL['scenario.yaml'] as string;
    const scenario = await loadScenario('.', {
      cwd: folders.make({
        ...SMALL,
        'scenario.yaml': text.replace(
          '{share: {v2: 10%}}',
          '{errors: {max: 0.5%, v2: {notWorseThan: v1}}, responseTime: {p95: 800ms, p999: 2s, v2: {p50: 40ms, notSlowerThan: v1}}}\n    soak: 10m',
        ),
      }),
    });
    const [stage] = scenario.stages;
    expect(stage?.expect).toMatchObject({
      errors: { max: 0.005, notWorse: { v2: { than: 'v1', ratio: 1 } } },
      responseTime: {
        limits: { p95: 800, p999: 2000 },
        versions: { v2: { limits: { p50: 40 }, notSlower: { than: 'v1', margin: 0.1 } } },
      },
    });
    expect(stage?.soak).toBe(600_000);
    expect(scenario.stages[1]).not.toHaveProperty('soak');
    expect(responseTimeWatch(scenario)).toEqual({
      limits: [40, 800, 2000],
      versions: ['v2'],
      pairs: [{ candidate: 'v2', baseline: 'v1', margin: 0.1 }],
    });
  });

  test('may leave out the calling workload, and have a quiet band', async () => {
    const text = change('from: web\n', '')(change('{margin: 5%}', '{margin: 5%, quiet: 1%}')(SMALL['scenario.yaml']!));
    const scenario = await loadScenario('.', { cwd: folders.make({ ...SMALL, 'scenario.yaml': text }) });
    expect(scenario).not.toHaveProperty('from');
    expect(scenario.watch).toEqual({ client: 'require', source: 'off', destination: 'account', graph: 'account' });
    expect(scenario.stages.map(({ precision }) => precision.quiet)).toEqual([undefined, 0.01]);
  });

  test('may be an open model', async () => {
    const text = change('users: 10\n  thinkTime: 50ms', 'rate: 200\n  order: random')(SMALL['scenario.yaml']!);
    const scenario = await loadScenario('.', { cwd: folders.make({ ...SMALL, 'scenario.yaml': text }) });
    expect(scenario.load.model).toEqual({ kind: 'open', ratePerSecond: 200, arrivals: 'poisson', maxInFlight: 2000 });
  });
});

describe('the load of a scenario', () => {
  const uniform = { kind: 'uniform', minMs: 100, maxMs: 2000 };
  test.each<[string, string, object]>([
    [
      'users who ramp up',
      'users: 10\n  rampUp: 30s\n  thinkTime: {exponential: 1s}',
      {
        kind: 'closed',
        users: 0,
        stages: [{ ms: 30_000, to: 10 }],
        thinkTime: { kind: 'exponential', meanMs: 1000 },
      },
    ],
    [
      'users in stages from 0',
      'stages: [{duration: 30s, users: 5}, {duration: 1m, users: 50}]',
      {
        kind: 'closed',
        users: 0,
        stages: [
          { ms: 30_000, to: 5 },
          { ms: 60_000, to: 50 },
        ],
        thinkTime: uniform,
      },
    ],
    [
      'users in stages from some',
      'users: 7\n  stages: [{duration: 0, users: 5}]\n  thinkTime: {lognormal: {median: 800ms, sigma: 0.5}}',
      {
        kind: 'closed',
        users: 7,
        stages: [{ ms: 0, to: 5 }],
        thinkTime: { kind: 'lognormal', medianMs: 800, sigma: 0.5 },
      },
    ],
    [
      'a lognormal think time by its 95th percentile',
      'thinkTime: {lognormal: {median: 1s, p95: 4s}}',
      {
        kind: 'closed',
        users: 100,
        thinkTime: { kind: 'lognormal', medianMs: 1000, sigma: expect.closeTo(Math.log(4) / 1.6448536, 6) },
      },
    ],
    [
      'a rate in stages; the limit in flight is that of the highest',
      'stages: [{duration: 30s, rate: 0.5}, {duration: 1m, rate: 60}]\n  arrivals: constant\n  timeout: 2s',
      {
        kind: 'open',
        ratePerSecond: 0,
        arrivals: 'constant',
        maxInFlight: 120,
        stages: [
          { ms: 30_000, to: 0.5 },
          { ms: 60_000, to: 60 },
        ],
      },
    ],
    [
      'several models at once',
      'mix: [{users: 20}, {rate: 5, uris: /items/*, maxInFlight: 9}]',
      {
        kind: 'mixed',
        parts: [
          { model: { kind: 'closed', users: 20, thinkTime: uniform } },
          { model: { kind: 'open', ratePerSecond: 5, arrivals: 'poisson', maxInFlight: 9 }, uris: '/items/*' },
        ],
      },
    ],
  ])('may be %s', async (_, written, model) => {
    const text = change('users: 10\n  thinkTime: 50ms', written)(SMALL['scenario.yaml']!);
    const scenario = await loadScenario('.', { cwd: folders.make({ ...SMALL, 'scenario.yaml': text }) });
    expect(scenario.load.model).toEqual(model);
    expect(JSON.parse(JSON.stringify(scenario.load.model))).toEqual(model);
  });

  test('may come from several threads, and be paced by one more', async () => {
    const text = change(
      'thinkTime: 50ms',
      'thinkTime: 50ms\n  workers: 2\n  precise: true\n  freshConnections: 10%',
    )(SMALL['scenario.yaml']!);
    const scenario = await loadScenario('.', { cwd: folders.make({ ...SMALL, 'scenario.yaml': text }) });
    expect(scenario.load).toMatchObject({ workers: 2, precise: true, freshConnections: 0.1 });
  });
});

describe('a bad scenario file', () => {
  const rows: [string, (text: string) => string, string[]][] = [
    [
      'an unknown key at the top',
      change('from: web', 'form: web'),
      [/scenario.yaml:4: form: unknown key "form"; allowed are .* \(did you mean "from"\?\)/.source],
    ],
    [
      'an unknown key in a stage',
      change('apply:', 'aply:'),
      [
        'scenario.yaml:15: stages\\[0\\].aply: unknown key "aply"; allowed are name, apply, .* \\(did you mean "apply"\\?\\)',
      ],
    ],
    [
      'an unknown key in an expectation',
      change('{share: {v2: 10%}}', '{shares: {v2: 10%}}'),
      ['scenario.yaml:16: stages\\[0\\].expect.shares: unknown key "shares".*"share"\\?'],
    ],
    [
      'response times and errors of versions that cannot be compared',
      change(
        '{share: {v2: 10%}}',
        '{share: {v2: 0%}, errors: {v2: {notWorseThan: v2}}, responseTime: {p95: 20s, v3: {notSlowerThan: v1}, v2: {margin: 5%}}}',
      ),
      [
        'scenario.yaml:16: stages\\[0\\].expect.errors.v2: v2 is promised no request here, so nothing of it can be measured',
        'scenario.yaml:16: stages\\[0\\].expect.responseTime.v2: v2 is promised no request here.*',
        'scenario.yaml:16: stages\\[0\\].expect.errors.v2.notWorseThan: compares v2 with itself.*',
        "scenario.yaml:16: stages\\[0\\].expect.responseTime.p95: the limit of 20 s is not below the load's timeout of 10 s.*",
        'scenario.yaml:16: stages\\[0\\].expect.responseTime.v3: unknown version "v3"; the versions are v1, v2.*',
        'scenario.yaml:16: stages\\[0\\].expect.responseTime.v2: promises nothing.*',
      ],
    ],
    [
      'a comparison that has no margin, and one that the client cannot see',
      (text: string) =>
        change(
          '{share: {v2: 10%}}',
          '{responseTime: {v2: {notSlowerThan: v1, margin: 0%}}}',
        )(text).replace(/marker: .*\n/, ''),
      [
        'scenario.yaml:15: stages\\[0\\].expect.responseTime.v2.margin: found 0%; allowed is more than 0% and at most 100%.*',
        'scenario.yaml:15: stages\\[0\\].expect.responseTime: promises a response time of a version, but without a marker.*',
      ],
    ],
    [
      'a ratio below 1 and an unknown key of a version',
      change('{share: {v2: 10%}}', '{errors: {v2: {notWorseThan: v1, ratio: 0.5}}, responseTime: {v2: {p96: 1s}}}'),
      [
        'scenario.yaml:16: stages\\[0\\].expect.errors.v2.ratio: found 0.5; allowed is a number from 1 to 100, such as 1.5',
        'scenario.yaml:16: stages\\[0\\].expect.responseTime.v2.p96: unknown key "p96".*',
      ],
    ],
    [
      'a duration without unit',
      change('50ms', '100'),
      ['scenario.yaml:12: load.thinkTime: found 100; allowed is a duration .*'],
    ],
    [
      'a duration without unit elsewhere',
      change('stages:', 'warmUp: 100\nstages:'),
      ['scenario.yaml:13: warmUp: found 100; allowed is a duration with its unit.* \\(write 100ms or 100s\\)'],
    ],
    [
      'a percentage without unit',
      change('margin: 5%', 'margin: 0.05'),
      [
        'scenario.yaml:20: stages\\[1\\].precision.margin: found 0.05; allowed is a percentage .* \\(write 0.05%, or 5% if a ratio was meant\\)',
      ],
    ],
    [
      'a percentage above 100',
      change('v2: 10%', 'v2: 110%'),
      ['scenario.yaml:16: stages\\[0\\].expect.share.v2: found "110%"; allowed is a percentage from 0% to 100%.*'],
    ],
    [
      'an unknown mesh',
      change('namespace:', 'mesh: istoi\nnamespace:'),
      [
        'scenario.yaml:2: mesh: found "istoi"; allowed is one of istio, linkerd, gateway-api \\(did you mean "istio"\\?\\)',
      ],
    ],
    [
      'two stages of one name',
      change('name: even', 'name: canary'),
      ['scenario.yaml:17: stages\\[1\\].name: two stages are named "canary".*'],
    ],
    [
      'no stages',
      change(/stages:.*lab:/s, 'stages: []\nlab:'),
      ['scenario.yaml:13: stages: found \\[\\]; allowed is a list of at least one stage'],
    ],
    [
      'an unknown version in a share',
      change('v2: 10%', 'v3: 10%'),
      ['scenario.yaml:16: stages\\[0\\].expect.share.v3: unknown version "v3"; the versions are v1, v2 .*'],
    ],
    [
      'shares above 100 % in sum',
      change('{v2: 10%}', '{v1: 95%, v2: 10%}'),
      ['scenario.yaml:16: stages\\[0\\].expect.share: the shares sum to 105 %; all requests are 100 %'],
    ],
    [
      'shares of all versions below 100 %',
      change('{v2: 10%}', '{v1: 80%, v2: 10%}'),
      ['scenario.yaml:16: stages\\[0\\].expect.share: the shares of all versions sum to 90 %; .*'],
    ],
    [
      'a margin that swallows the share',
      change('v2: 10%', 'v2: 2%'),
      [
        'scenario.yaml:16: stages\\[0\\].expect.share.v2: the margin of 3 % makes 0 % as good as the promised 2 % .*below 2 %.*',
      ],
    ],
    [
      'a stage that promises nothing',
      change('{share: {v2: 10%}}', '{}'),
      ['scenario.yaml:16: stages\\[0\\].expect: promises nothing; .*'],
    ],
    [
      'an errors.max of zero',
      change('{share: {v2: 10%}}', '{errors: {max: 0%}}'),
      ['scenario.yaml:16: stages\\[0\\].expect.errors.max: found 0 %; .*'],
    ],
    [
      'a mirror claim that nobody watches',
      (text) =>
        change('{share: {v2: 10%}}', '{mirror: {v2: 100%}}')(change('lab:', 'watch: {destination: off}\nlab:')(text)),
      ['scenario.yaml:16: stages\\[0\\].expect.mirror: mirror copies are seen by the destination proxy only.*'],
    ],
    [
      'a wrong "by"',
      change('by: balancing', 'by: ballancing'),
      [
        'scenario.yaml:19: stages\\[1\\].expect.share.by: found "ballancing"; allowed is one of weight, balancing \\(did you mean "balancing"\\?\\)',
      ],
    ],
    [
      'a version label that YAML reads as a number',
      change('v1: {version: v1}', 'v1: {version: 1.0}'),
      ['scenario.yaml:6: versions.v1.version: found 1; allowed is text, .* \\(quote it: "1.0"\\)'],
    ],
    [
      'a version that no object carries',
      change('v2: {version: v2}', 'v2: {version: v3}'),
      ['scenario.yaml:7: versions.v2: no object carries version: v3 \\(pod templates carry version: v1, v2\\)'],
    ],
    [
      'versions that cannot be told apart',
      change('v2: {version: v2}', 'v2: {version: v1}'),
      ['scenario.yaml:7: versions.v2: every pod of v1 carries these labels too.*'],
    ],
    [
      'one version only',
      change('  v2: {version: v2}\n', ''),
      [
        'versions: found 1 version\\(s\\); a split needs at least 2',
        'marker.v2: unknown key',
        'unknown version "v2"',
        'unknown version "v2"',
      ],
    ],
    [
      'a Service that is nowhere',
      change('service: shop', 'service: shpo'),
      ['scenario.yaml:3: service: no manifest holds a Service "shpo" in namespace demo \\(did you mean "shop"\\?\\)'],
    ],
    [
      'a caller that is nowhere',
      change('from: web', 'from: wbe'),
      ['scenario.yaml:4: from: no manifest holds a workload "wbe" .*"web"\\?\\)'],
    ],
    [
      'a manifest that does not exist',
      change('[rule.yaml]', '[rul.yaml]'),
      [
        'scenario.yaml:15: stages\\[0\\].apply\\[0\\]: rul.yaml: no such file or folder \\(did you mean "rule.yaml"\\?\\)',
      ],
    ],
    [
      'a URI list that does not exist',
      change('uris: uris.txt', 'uris: url.txt'),
      ['scenario.yaml:10: load.uris: url.txt: no such file or folder.*'],
    ],
    [
      'a URI list that is a folder',
      change('uris: uris.txt', 'uris: app'),
      ['scenario.yaml:10: load.uris: app: is no regular file.*'],
    ],
    [
      'both load models',
      change('users: 10', 'users: 10\n  rate: 5'),
      ['scenario.yaml:9: load: mixes users and thinkTime .*'],
    ],
    [
      'arrivals without a rate',
      change('users: 10\n  thinkTime: 50ms', 'arrivals: poisson'),
      ['load: arrivals without rate'],
    ],
    [
      'a ramp beside stages',
      change('thinkTime: 50ms', 'rampUp: 5s\n  stages: [{duration: 5s, users: 3}]'),
      ['scenario.yaml:12: load.rampUp: contradicts stages .*'],
    ],
    [
      'a stage of no level and one of both',
      change('users: 10\n  thinkTime: 50ms', 'stages: [{duration: 5s}, {duration: 5s, users: 3, rate: 3}]'),
      [
        'load: mixes stages of users .* with stages of rate .*',
        'load.stages\\[0\\]: needs either users or rate: the level at its end',
        'load.stages\\[1\\]: needs either users or rate: the level at its end',
      ],
    ],
    [
      'a stage that sends nothing',
      change('users: 10', 'stages: [{duration: 5s, users: 0}]'),
      ['load.stages\\[0\\].users: found 0; allowed is the number of users: an integer from 1 to 100000'],
    ],
    [
      'more threads than sense, and a precision that is no yes or no',
      change('thinkTime: 50ms', 'workers: 65\n  precise: 1ms'),
      [
        'load.workers: found 65; allowed is threads that send: an integer from 1 to 64',
        'load.precise: .*true or false',
      ],
    ],
    [
      'a mixture with a model beside it',
      change('thinkTime: 50ms', 'mix: [{users: 3, rate: 2}, {arrivals: poisson}]'),
      [
        'scenario.yaml:9: load: has users beside mix .*',
        'scenario.yaml:12: load.mix\\[0\\]: mixes users .* with rate .*',
        'scenario.yaml:12: load.mix\\[1\\]: arrivals without rate.*',
      ],
    ],
    [
      'a model of a mixture that asks for nothing',
      change('users: 10\n  thinkTime: 50ms', 'mix:\n    - users: 3\n    - rate: 2\n      uris: /itmes/*'),
      ['scenario.yaml:14: load.mix\\[1\\].uris: /itmes/\\* matches no URI of uris.txt .*'],
    ],
    [
      'a lognormal think time of two widths',
      change('50ms', '{lognormal: {median: 1s, sigma: 1, p95: 2s}}'),
      ['scenario.yaml:12: load.thinkTime.lognormal: needs either sigma or p95'],
    ],
    [
      'a lognormal think time that is too wide',
      change('50ms', '{lognormal: {median: 1s, p95: 30s}}'),
      ['load.thinkTime.lognormal.p95: found 30 s; allowed is the median or more, up to 26 times it.*'],
    ],
    [
      'a think time of an unknown kind',
      change('50ms', '{normal: 1s}'),
      ['load.thinkTime.normal: unknown key "normal"; allowed are constant, uniform, exponential, lognormal.*'],
    ],
    [
      'an order of URIs that there is not',
      change('thinkTime: 50ms', 'order: shuffle'),
      ['load.order: found "shuffle"; allowed is one of round-robin, random, shuffled \\(did you mean "shuffled"\\?\\)'],
    ],
    [
      'a think time that runs backwards',
      change('50ms', '{uniform: [2s, 1s]}'),
      ['scenario.yaml:12: load.thinkTime.uniform: runs from 2 s down to 1 s.*'],
    ],
    [
      'a think time of two kinds',
      change('50ms', '{constant: 1s, uniform: [1s, 2s]}'),
      ['load.thinkTime: names constant and uniform; exactly one is needed'],
    ],
    [
      'no users',
      change('users: 10', 'users: 0'),
      ['scenario.yaml:11: load.users: found 0; allowed is the number of users: an integer from 1 to 100000'],
    ],
    [
      'a maxDuration of nothing',
      change('lab:', 'maxDuration: 0\nlab:'),
      ['maxDuration: found 0; allowed are durations above 0'],
    ],
    [
      'a seed record without the ones it needs',
      change('lab:', 'seed: [vehicle]\nlab:'),
      ['seed\\[0\\]: vehicle needs customer \\(write \\[customer, vehicle\\]\\)'],
    ],
    [
      'a watch that requires nothing',
      change('lab:', 'watch: {client: off, source: account}\nlab:'),
      ['scenario.yaml:21: watch: requires no vantage point.*'],
    ],
    [
      'an error rate of 100 %',
      change('lab:', 'precision: {errorRate: 100%}\nlab:'),
      ['precision.errorRate: found 100 %; allowed is more than 0% and at most 20 %.*'],
    ],
    [
      'a quiet band that is not below the margin',
      change('precision: {margin: 5%}', 'precision: {margin: 5%, quiet: 5%}'),
      ['stages\\[1\\].precision.quiet: found 5 %, which is not below the margin of 5 % .*'],
    ],
    [
      'a quiet band that the margin of a stage is too small for',
      change('lab:', 'precision: {quiet: 4%}\nlab:'),
      ['precision.quiet: found 4 %, which is not below the margin of 3 % .*'],
    ],
    [
      'a margin that is no wider than the quiet band of all stages',
      (text) => change('{margin: 5%}', '{margin: 1%}')(change('lab:', 'precision: {quiet: 2%}\nlab:')(text)),
      ['stages\\[1\\].precision.margin: found 1 %, which is not above the quiet band of 2 % .*'],
    ],
    [
      'no calling workload, and nobody who could tell the versions apart',
      (text) => change('from: web\n', '')(change(/marker: .*\n/, '')(text)),
      ['marker: without "from" only the client can tell which version answered .*'],
    ],
    [
      'no calling workload, but its proxy is asked for',
      (text) => change('from: web\n', '')(change('lab:', 'watch: {source: require}\nlab:')(text)),
      ['watch.source: without "from" no proxy of a caller counts the calls of the load .*'],
    ],
    [
      'a marker text for no version',
      change('v2: NEW', 'v3: NEW'),
      [
        'scenario.yaml:8: marker.v3: unknown key "v3"; allowed are uri, failed, v1, v2 .*',
        'marker: gives no text for v1 and v2; .*',
      ],
    ],
    [
      'marker texts that contain each other',
      change('v2: NEW', 'v1: NE, v2: NEW'),
      ['marker.v1: the text "NE" is also in the text of v2.*'],
    ],
    [
      'a marker that nothing can reach',
      change('/items/*', '/other/*'),
      ['scenario.yaml:8: marker.uri: no URI of uris.txt matches /other/\\*, and nothing can fill its "\\*".*'],
    ],
    [
      'an unknown kind to delete',
      change('VirtualService/shop', 'VirtualServise/shop'),
      [
        'scenario.yaml:18: stages\\[1\\].delete\\[0\\]: unknown kind "VirtualServise" \\(did you mean "VirtualService"\\?\\)',
      ],
    ],
    [
      'a reference that is none',
      change('VirtualService/shop', 'shop'),
      ['stages\\[1\\].delete\\[0\\]: found "shop"; allowed is Kind/name or Kind/namespace/name.*'],
    ],
    [
      'an object both applied and deleted',
      change('delete: [', 'apply: [rule.yaml]\n    delete: ['),
      ['stages\\[1\\].delete\\[0\\]: VirtualService/shop is both applied and deleted.*'],
    ],
    [
      'an object applied twice by a stage',
      change('[rule.yaml]', '[rule.yaml, ./rule.yaml]'),
      ['stages\\[0\\].apply: VirtualService/demo/shop is there twice, at rule.yaml:1 and rule.yaml:1.*'],
    ],
    [
      'behaviour of an app that is nowhere',
      change('objects: [app]', 'objects: [app]\n  apps: {shpo: {errors: 5%}}'),
      ['lab.apps.shpo: no manifest holds .* "shpo" \\(did you mean "shop"\\?\\)'],
    ],
    [
      'a text where a list belongs',
      change('[rule.yaml]', 'rule.yaml'),
      ['stages\\[0\\].apply: found "rule.yaml"; allowed is a list of .* \\(write \\[rule.yaml\\]\\)'],
    ],
    [
      'a key that is there twice',
      change('from: web', 'from: web\nfrom: web'),
      ['scenario.yaml:5: Map keys must be unique .*'],
    ],
    ['broken YAML', change('{version: v1}', '{version: v1'), ['scenario.yaml:7: .*']],
    ['nothing at all', () => '', ['scenario.yaml:1: found null; allowed is a mapping with name, .*']],
    [
      'a caller of another namespace',
      change('from: web\n', 'from: edge.istio-system\n'),
      ['from: found "edge.istio-system"; allowed is a workload in the namespace of the Service.*a gateway of its own'],
    ],
    ['a list', () => '- a\n', ['scenario.yaml:1: found \\["a"\\]; allowed is a mapping .*']],
    ['a second document', change(/$/, '---\na: 1\n'), ['scenario.yaml:24: a scenario is one YAML document.*']],
    ['deep nesting', () => `a: ${'['.repeat(100_000)}`, ['scenario.yaml:1: nests deeper than 64 levels.*']],
    ['keys that are collections', () => '? '.repeat(30), ['scenario.yaml:1: a key is a list or a mapping.*']],
    [
      'an alias bomb',
      () =>
        `a0: &a0 [x, x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n')}\n`,
      ['scenario.yaml:2: its aliases .*'],
    ],
  ];

  test.each(rows)('with %s is refused', async (_, edit, expected) => {
    const problems = await problemsOf(folders.make({ ...SMALL, 'scenario.yaml': edit(SMALL['scenario.yaml']!) }));
    for (const text of expected) expect(problems.map(said)).toContainEqual(expect.stringMatching(new RegExp(text)));
    expect(problems.map(said)).toHaveLength(expected.length);
    for (const problem of problems) expect(problem.line, said(problem)).toBeGreaterThan(0);
  });

  test('reports everything that is wrong in all of its files at once', async () => {
    const folder = folders.make({
      ...SMALL,
      'scenario.yaml': SMALL['scenario.yaml']!.replace('name: even', 'name: canary')
        .replace('50ms', '100')
        .replace('namespace', 'namspace')
        .replace('objects: [app]', 'objects: [app, gone]'),
      'rule.yaml': SMALL['rule.yaml']!.replace('weight: 10', 'weight: 1.5').replace('weight: 90', 'weight: -1'),
      'uris.txt': '/items/1\nnot a uri\n',
    });
    expect((await problemsOf(folder)).map((p) => `${p.file}:${p.line} ${p.path ?? ''}`)).toEqual([
      'scenario.yaml:1 namespace',
      'scenario.yaml:2 namspace',
      'scenario.yaml:12 load.thinkTime',
      'scenario.yaml:17 stages[1].name',
      'scenario.yaml:22 lab.objects[1]',
      'rule.yaml:10 spec.http[0].route[0].weight',
      'rule.yaml:12 spec.http[0].route[1].weight',
      'uris.txt:2 ',
    ]);
  });

  test('that is no file, a pipe-like device or too large is refused without being read', async () => {
    const folder = folders.make({ ...SMALL, 'big.yaml': `#${'x'.repeat(300_000)}\n` });
    expect((await problemsOf(folder, 'gone.yaml')).map(said)).toEqual([
      expect.stringContaining('gone.yaml:-: no such file or folder'),
    ]);
    expect((await problemsOf(folder, 'big.yaml')).map(said)).toEqual([
      expect.stringContaining('is larger than 262144 bytes'),
    ]);
    expect((await problemsOf(folder, '/dev/zero')).map(said)).toEqual([expect.stringContaining('is no regular file')]);
  });

  test('that is not UTF-8 is refused with the line', async () => {
    const bytes = Buffer.concat([Buffer.from('name: a\nnamespace: '), Buffer.from([0xff, 0xfe]), Buffer.from('\n')]);
    expect((await problemsOf(folders.make({ ...SMALL, 'scenario.yaml': bytes }))).map(said)).toEqual([
      'scenario.yaml:2: is not UTF-8 text (save it as UTF-8)',
    ]);
  });
});
