import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { markerMatches, mixInMarkerUris } from '../../src/scenario/markers.js';
import type { Scenario, UriEntry } from '../../src/scenario/types.js';

describe('a marker pattern', () => {
  test.each([
    ['/CustomerManagement/Details/*', '/CustomerManagement/Details/7', true],
    ['/CustomerManagement/Details/*', '/CustomerManagement/Details/{customerId}', true],
    ['/CustomerManagement/Details/*', '/CustomerManagement', false],
    ['/a/*', '/a/', true],
    ['/a/*', '/a', false],
    ['/a', '/a?x=1', true],
    ['/a', '/ab', false],
    ['/a/*', 'http://host:1/a/b/c?d', true],
    ['/', 'http://host', true],
    ['/*/x', '/a/b/x', true],
    ['/ab*ba', '/aba', false],
    ['/*', '/', true],
  ])('%s and %s: %s', (pattern, path, expected) => {
    expect(markerMatches(pattern, path)).toBe(expected);
  });

  test('means what the same pattern means as a regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '.'), maxLength: 8 }).map((t) => `/${t}`);
    const path = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 10 }).map((t) => `/${t}`);
    const regex = (pattern: string) => new RegExp(`^${pattern.replace(/[.]/g, '\\.').replaceAll('*', '.*')}$`);
    fc.assert(
      fc.property(text, path, (pattern, target) => {
        expect(markerMatches(pattern, target)).toBe(regex(pattern).test(target));
      }),
      { seed: 5, numRuns: 5000 },
    );
  });

  test('of many stars takes no exponential time', () => {
    expect(markerMatches(`/${'*a'.repeat(2000)}`, `/${'a'.repeat(1999)}b`)).toBe(false);
  });
});

describe('mixing in marker requests', () => {
  const scenario = (uri: string | undefined, targets: readonly string[], seed: Scenario['seed'] = ['customer']) => ({
    file: 's.yaml',
    seed,
    marker: uri === undefined ? undefined : { uri, versions: { v2: 'x' }, failed: undefined },
    load: {
      urisFile: 'u.txt',
      uris: targets.map((target, line): UriEntry => ({ method: 'GET', target, headers: {}, line })),
    } as unknown as Scenario['load'],
  });
  const targets = (...args: Parameters<typeof scenario>) => {
    const { entries, mixedIn } = mixInMarkerUris(scenario(...args));
    return [entries.map((entry) => entry.target), mixedIn];
  };

  test('adds nothing where the list has marker requests, or nothing is marked', () => {
    expect(targets('/d/*', ['/', '/d/1'])).toEqual([['/', '/d/1'], []]);
    expect(targets(undefined, ['/', '/a'])).toEqual([['/', '/a'], []]);
  });

  test('spreads them over a list that has none, filled from the seed data', () => {
    expect(targets('/d/*', ['/', '/a', '/b', '/c'])).toEqual([
      ['/', '/a', '/d/{customerId}', '/b', '/c', '/d/{customerId}'],
      ['/d/{customerId}'],
    ]);
    expect(targets('/d', ['/'], [])).toEqual([['/', '/d'], ['/d']]);
  });

  test('makes at least a third of all requests marker requests, and no more than half', () => {
    for (let n = 1; n <= 50; n++) {
      const { entries } = mixInMarkerUris(
        scenario(
          '/d/*',
          Array.from({ length: n }, (_, i) => `/p${i}`),
        ),
      );
      const marked = entries.filter((entry) => markerMatches('/d/*', entry.target)).length;
      expect(entries.length - marked).toBe(n);
      expect(marked * 3).toBeGreaterThanOrEqual(entries.length);
      expect(marked * 2).toBeLessThanOrEqual(entries.length);
    }
  });

  test('makes them as heavy as half of their neighbours, so that weights do not thin them out', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 20 }), (weights) => {
        const plain = scenario(
          '/d/*',
          weights.map((_, i) => `/p${i}`),
        );
        const uris = plain.load.uris.map((entry, i) => ({ ...entry, weight: weights[i] ?? 1 }));
        const { entries } = mixInMarkerUris({ ...plain, load: { ...plain.load, uris } });
        const sum = (list: readonly UriEntry[]) => list.reduce((total, { weight = 1 }) => total + weight, 0);
        const marked = sum(entries.filter(({ target }) => markerMatches('/d/*', target)));
        expect(marked * 3).toBeGreaterThanOrEqual(sum(entries));
        expect(marked * 2).toBeLessThanOrEqual(sum(entries));
      }),
      { seed: 6, numRuns: 200 },
    );
  });

  test.each([
    ['no seed record', '/d/*', [] as const],
    ['two stars', '/*/d/*', ['customer'] as const],
  ])('says what to do with %s to fill a pattern', (_, uri, seed) => {
    expect(() => mixInMarkerUris(scenario(uri, ['/'], seed))).toThrow(
      /s\.yaml: marker\.uri: no URI of u\.txt matches .*\n +add such a URI to u\.txt/,
    );
  });
});
