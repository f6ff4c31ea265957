import { describe, expect, test } from 'vitest';
import { ratio } from '../../src/base/units.js';
import { freshConnectionsFor, freshShareFor } from '../../src/judge/unit/fresh.js';
import type { Choice } from '../../src/mesh/choice.js';
import { FreshConnections } from '../../src/release/freshConnections.js';
import { scenario } from '../support/judge.js';

const choice: Choice = {
  unit: 'connection',
  by: 'weight',
  discipline: undefined,
  key: undefined,
  replicas: {},
  why: 'port tcp is routed as TCP',
  gateway: false,
  partlyMirrored: [],
  mirroredReads: [],
};
const known = (
  unit: 'request' | 'connection' | 'client' | 'group' | 'unknown',
  evidence: 'objects' | 'connections',
) => ({
  unit,
  evidence,
  sentence: '',
});

describe('requests on connections of their own are draws', () => {
  test.each([
    ['at a gateway that forwards TCP', known('connection', 'objects'), { ...choice, gateway: true }, 'gw', true],
    ['at the Service that the load calls itself', known('connection', 'objects'), choice, undefined, true],
    ['where answers on them have shown it', known('connection', 'connections'), choice, 'web', true],
    ['not behind another workload', known('connection', 'objects'), choice, 'web', false],
    ['not where clients are hashed', known('client', 'objects'), choice, undefined, false],
    ['not where nobody knows what stays together', known('group', 'objects'), undefined, 'web', false],
  ] as const)('%s', (_says, unit, objects, from, helps) =>
    expect(freshConnectionsFor(unit, objects, from)?.helps).toBe(helps),
  );

  test('and where every request is one, or nobody knows, there is no question', () => {
    expect(freshConnectionsFor(known('request', 'objects'), choice, 'web')).toBeUndefined();
    expect(freshConnectionsFor(known('unknown', 'objects'), undefined, 'web')).toBeUndefined();
  });
});

test('as many requests get one as the local ports last for', () => {
  const model = (ratePerSecond: number) =>
    ({ kind: 'open', ratePerSecond, arrivals: 'poisson', maxInFlight: 100 }) as const;
  const at = (rate: number, own?: number) =>
    freshShareFor(
      scenario([], {
        load: {
          ...scenario([]).load,
          model: model(rate),
          ...(own === undefined ? {} : { freshConnections: ratio(own) }),
        },
      }),
    );
  expect([at(50), at(400), at(1000), at(4000), at(4000, 0.5)]).toEqual([1, 1, 0.4, 0.1, 0.5]);
});

describe('a run that follows the judge', () => {
  const helps = {
    unit: 'connection',
    evidence: 'objects',
    sentence: 'So.',
    fresh: { helps: true, why: 'it is' },
  } as const;
  const useless = { ...helps, fresh: { helps: false, why: 'it is not' } } as const;
  const following = (able = true) => {
    const shares: number[] = [];
    const events: unknown[] = [];
    const load = able ? { setFreshShare: (share: number) => void shares.push(share) } : {};
    const parts = {
      scenario: scenario([]),
      stage: 'even',
      load: load as never,
      emit: (event: unknown) => void events.push(event),
    };
    return { fresh: new FreshConnections(parts), shares, events };
  };

  test('switches once, says so, and goes back when the stage ends', () => {
    const { fresh, shares, events } = following();
    fresh.follow({ unit: 'request', evidence: 'objects', sentence: '' });
    fresh.follow(helps);
    fresh.follow(helps);
    fresh.end();
    expect(shares).toEqual([1, 0]);
    expect(events).toEqual([
      { type: 'fresh-connections', stage: 'even', share: 1, switched: true, why: 'it is', unit: 'So.' },
    ]);
  });

  test('says once that it would not help, and switches should it turn out that it does', () => {
    const { fresh, shares, events } = following();
    fresh.follow(useless);
    fresh.follow(useless);
    expect(shares).toEqual([]);
    fresh.follow(helps);
    expect(shares).toEqual([1]);
    expect(events).toMatchObject([{ switched: false, share: 0, why: 'it is not' }, { switched: true }]);
  });

  test('says when the engine cannot', () => {
    const { fresh, events } = following(false);
    fresh.follow(helps);
    fresh.end();
    expect(events).toMatchObject([{ switched: false, why: 'the engine of this load cannot open them' }]);
  });
});
