import { expect } from 'vitest';
import type { ApiTarget, Json, WatchEvent } from '../../support/apiTargets.js';
import { deployment } from '../../support/objects.js';

/** One event of a watch, without what differs from server to server. */
export type Seen = Readonly<Record<string, unknown>>;

type Follow = (api: ApiTarget, namespace: string) => Promise<readonly Seen[]>;

const MERGE = { 'content-type': 'application/merge-patch+json' };
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };

const shown = ({ type, object }: WatchEvent): Seen => ({
  type,
  kind: object.kind,
  name: object.metadata?.name,
  labels: object.metadata?.labels,
  data: object.data,
  ...(type === 'ERROR' ? { code: object.code, reason: object.reason } : {}),
});

const map = (name: string, labels: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data: { n: '1' },
});

async function inNamespace(api: ApiTarget, namespace: string) {
  await api.call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const version = async () => (await api.call('GET', path)).body.metadata.resourceVersion as string;
  return {
    path,
    version,
    create: (name: string, labels?: object) => api.call('POST', path, map(name, labels)),
    patch: (name: string, body: object) => api.call('PATCH', `${path}/${name}`, body, MERGE),
    remove: (name: string) => api.call('DELETE', `${path}/${name}`),
    /** Opens a watch and waits until the server has accepted it. */
    async watch(query: string, enough: (events: readonly WatchEvent[]) => boolean, headers?: Record<string, string>) {
      const watching = api.watch(`${path}?watch=true${query}`, enough, headers);
      expect(await watching.open).toBe(200);
      return watching;
    },
  };
}

const after = (count: number) => (events: readonly WatchEvent[]) => events.length >= count;

/** What watches show, by the sentence. */
export const WATCHES: Readonly<Record<string, Follow>> = {
  'a watch tells what is added, changed and deleted after its resourceVersion': async (api, namespace) => {
    const maps = await inNamespace(api, namespace);
    await maps.create('before');
    const watching = await maps.watch(`&resourceVersion=${await maps.version()}`, after(4));
    await maps.create('a');
    await maps.patch('a', { data: { n: '2' } });
    await maps.create('b');
    await maps.remove('a');
    return (await watching.events).map(shown);
  },
  'a watch without a version begins with what is there': async (api, namespace) => {
    const maps = await inNamespace(api, namespace);
    await maps.create('a');
    await maps.create('b');
    const watching = await maps.watch('', after(3));
    await maps.create('c');
    return (await watching.events).map(shown);
  },
  'a watch that was cut resumes at the last version that it saw, without loss and without repetition': async (
    api,
    namespace,
  ) => {
    const maps = await inNamespace(api, namespace);
    const first = await maps.watch(`&resourceVersion=${await maps.version()}`, after(1));
    await maps.create('a');
    const last = (await first.events).at(-1)?.object.metadata.resourceVersion;
    await maps.create('b');
    await maps.remove('a');
    const second = await maps.watch(`&resourceVersion=${last}`, after(2));
    return (await second.events).map(shown);
  },
  'a version that is too old is told as 410 Expired': async (api, namespace) => {
    const maps = await inNamespace(api, namespace);
    const watching = await maps.watch('&resourceVersion=1', after(1));
    return (await watching.events).map(shown);
  },
  'with selectors, what enters the selection is added and what leaves it is deleted': async (api, namespace) => {
    const maps = await inNamespace(api, namespace);
    const watching = await maps.watch(`&resourceVersion=${await maps.version()}&labelSelector=in%3Dyes`, after(5));
    await maps.create('a', { in: 'no' });
    await maps.patch('a', { metadata: { labels: { in: 'yes' } } });
    await maps.patch('a', { data: { n: '2' } });
    await maps.patch('a', { metadata: { labels: { in: 'no' } } });
    await maps.create('b', { in: 'yes' });
    await maps.remove('b');
    return (await watching.events).map(shown);
  },
  'a watch of one object by its name': async (api, namespace) => {
    const maps = await inNamespace(api, namespace);
    await maps.create('a');
    const watching = await maps.watch(
      `&resourceVersion=${await maps.version()}&fieldSelector=metadata.name%3Db`,
      after(1),
    );
    await maps.patch('a', { data: { n: '2' } });
    await maps.create('b');
    return (await watching.events).map(shown);
  },
  'a watch ends when its time is over, and has told its last version by a bookmark': async (api, namespace) => {
    const maps = await inNamespace(api, namespace);
    await maps.create('a');
    const watching = await maps.watch(
      `&resourceVersion=${await maps.version()}&timeoutSeconds=2&allowWatchBookmarks=true`,
      () => false,
    );
    const events = await watching.events;
    const bookmark = events.find(({ type }) => type === 'BOOKMARK');
    return [
      {
        ended: true,
        others: events.filter(({ type }) => type !== 'BOOKMARK').length,
        kind: bookmark?.object.kind ?? 'ConfigMap',
      },
    ];
  },
  'a watch of a Table sends the columns once': async (api, namespace) => {
    const maps = await inNamespace(api, namespace);
    const watching = await maps.watch(`&resourceVersion=${await maps.version()}`, after(2), TABLE);
    await maps.create('a');
    await maps.create('b');
    return (await watching.events).map(({ type, object }) => ({
      type,
      kind: object.kind,
      columns: (object.columnDefinitions ?? []).map(({ name }: Json) => name),
      cells: object.rows.map(({ cells }: Json) => cells.slice(0, 2)),
    }));
  },
  'a deletion that finalizers hold is a change first': async (api, namespace) => {
    const maps = await inNamespace(api, namespace);
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
    const held = deployment('held', { app: 'held' });
    const { body } = await api.call('POST', path, {
      ...held,
      metadata: { name: 'held', finalizers: ['example.com/x'] },
    });
    const watching = api.watch(`${path}?watch=true&resourceVersion=${body.metadata.resourceVersion}`, after(2));
    expect(await watching.open).toBe(200);
    await api.call('DELETE', `${path}/held`);
    await api.call('PATCH', `${path}/held`, { metadata: { finalizers: null } }, MERGE);
    await maps.create('z');
    return (await watching.events).map(({ type, object }) => ({
      type,
      deleting: object.metadata.deletionTimestamp !== undefined,
      generation: object.metadata.generation,
    }));
  },
};
