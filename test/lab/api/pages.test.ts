import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../../support/api-server.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

const MAPS = '/api/v1/namespaces/default/configmaps';
const put = (name: string) =>
  cluster.store.put('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } });
const names = ({ items }: { items: { metadata: { name: string } }[] }) => items.map(({ metadata }) => metadata.name);

it('pages of any size show each object of the first moment once, in order, whatever changes meanwhile', async () => {
  const name = fc.stringMatching(/^[a-z]{1,3}$/);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { maxLength: 9 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(name),
      async (given, limit, changed) => {
        for (const { metadata } of cluster.store.list('configmaps'))
          cluster.store.remove('configmaps', 'default', metadata.name);
        for (const one of given) put(one);
        const all = names((await cluster.call('GET', MAPS)).json);
        const seen: string[] = [];
        let token = '';
        for (let page = 0; page === 0 || token !== ''; page++) {
          const { json } = await cluster.call('GET', `${MAPS}?limit=${limit}&continue=${encodeURIComponent(token)}`);
          seen.push(...names(json));
          if (json.metadata.continue) expect(json.metadata.remainingItemCount).toBe(all.length - seen.length);
          token = json.metadata.continue ?? '';
          const other = changed[page];
          if (other !== undefined && !cluster.store.remove('configmaps', 'default', other)) put(other);
        }
        expect(seen).toEqual(all);
      },
    ),
    { numRuns: 30, seed: 5 },
  );
});

it('a page of a state that is no longer held is 410 Expired', async () => {
  put('a');
  put('b');
  const { json } = await cluster.call('GET', `${MAPS}?limit=1`);
  for (let change = 0; change < 6000; change++)
    cluster.store.put('configmaps', { ...put('z'), data: { change: String(change) } });
  const late = await cluster.call('GET', `${MAPS}?limit=1&continue=${json.metadata.continue}`);
  expect(late.json).toMatchObject({ code: 410, reason: 'Expired' });
});
