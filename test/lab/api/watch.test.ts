import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventLog } from '../../../src/lab/api/eventlog.js';
import { Store } from '../../../src/lab/control/store.js';
import { type Cluster, startCluster, until } from '../../support/api-server.js';

const map = (name: string, more: object = {}, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', labels },
  ...more,
});

interface Event {
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: objects of every shape
  object: any;
}

let cluster: Cluster;
beforeEach(async () => {
  cluster = await startCluster();
});
afterEach(() => cluster.close());

/** Opens a watch and collects its events. */
async function watch(query: string, headers: Record<string, string> = {}, path = '/api/v1/configmaps') {
  const abort = new AbortController();
  const response = await fetch(`${cluster.server.url}${path}?watch=true${query}`, { headers, signal: abort.signal });
  const events: Event[] = [];
  let rest = '';
  let ended = false;
  const reading = (async () => {
    for await (const chunk of response.body!) {
      const lines = (rest + Buffer.from(chunk).toString()).split('\n');
      rest = lines.pop() ?? '';
      events.push(...lines.map((line) => JSON.parse(line) as Event));
    }
    ended = true;
  })().catch(() => {});
  return {
    events,
    names: () => events.map((event) => `${event.type} ${event.object.metadata?.name}`),
    ended: () => (ended ? true : undefined),
    atLeast: (n: number) => until(`${n} events`, () => (events.length >= n ? events : undefined)),
    stop: async () => {
      abort.abort();
      await reading;
    },
  };
}

describe('watch', () => {
  it('shows the present state first, then every change', async () => {
    cluster.store.put('configmaps', map('a'));
    const seen = await watch('');
    cluster.store.put('configmaps', map('a', { data: { x: '1' } }));
    cluster.store.put('configmaps', map('b'));
    cluster.store.put('secrets', { ...map('not-this'), kind: 'Secret' });
    cluster.store.remove('configmaps', 'default', 'a');
    await seen.atLeast(4);
    expect(seen.names()).toEqual(['ADDED a', 'MODIFIED a', 'ADDED b', 'DELETED a']);
    const versions = seen.events.map((event) => Number(event.object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((x, y) => x - y));
    await seen.stop();
  });

  it('goes on after a list without a gap or a repetition', async () => {
    cluster.store.put('configmaps', map('a'));
    const { json } = await cluster.call('GET', '/api/v1/configmaps');
    cluster.store.put('configmaps', map('b'));
    const seen = await watch(`&resourceVersion=${json.metadata.resourceVersion}`);
    cluster.store.put('configmaps', map('c'));
    await seen.atLeast(2);
    expect(seen.names()).toEqual(['ADDED b', 'ADDED c']);
    await seen.stop();
  });

  it('sends its headers before anything happens', async () => {
    const socket = connect(cluster.server.port, '127.0.0.1');
    socket.write('GET /api/v1/configmaps?watch=1&resourceVersion=0 HTTP/1.1\r\nHost: x\r\n\r\n');
    const [chunk] = await once(socket, 'data');
    expect(String(chunk)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    socket.destroy();
  });

  it('sees objects enter and leave its selection', async () => {
    const seen = await watch(`&labelSelector=${encodeURIComponent('app=web')}`);
    cluster.store.put('configmaps', map('a', { data: { n: '1' } }, { app: 'db' }));
    cluster.store.put('configmaps', map('a', { data: { n: '2' } }, { app: 'web' }));
    cluster.store.put('configmaps', map('a', { data: { n: '3' } }, { app: 'web' }));
    const out = cluster.store.put('configmaps', map('a', { data: { n: '4' } }, { app: 'db' }));
    cluster.store.remove('configmaps', 'default', 'a');
    cluster.store.put('configmaps', map('end', {}, { app: 'web' }));
    await seen.atLeast(4);
    expect(seen.names()).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED end']);
    expect(seen.events[2]?.object).toMatchObject({
      data: { n: '3' },
      metadata: { labels: { app: 'web' }, resourceVersion: out.metadata.resourceVersion },
    });
    await seen.stop();
  });

  it('keeps to one namespace and one name', async () => {
    const seen = await watch('&fieldSelector=metadata.name%3Da', {}, '/api/v1/namespaces/default/configmaps');
    cluster.store.put('configmaps', map('b'));
    cluster.store.put('configmaps', { ...map('a'), metadata: { name: 'a', namespace: 'other' } });
    cluster.store.put('configmaps', map('a'));
    await seen.atLeast(1);
    expect(seen.events.map((event) => event.object.metadata.namespace)).toEqual(['default']);
    await seen.stop();
  });

  it('ends after its time, with a bookmark of the newest version where allowed', async () => {
    const seen = await watch('&timeoutSeconds=1&allowWatchBookmarks=true');
    cluster.store.put('configmaps', map('a'));
    const other = cluster.store.put('secrets', { ...map('other'), kind: 'Secret' });
    await until('the end', seen.ended);
    expect(seen.names()).toEqual(['ADDED a', 'BOOKMARK undefined']);
    expect(seen.events[1]?.object).toEqual({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { resourceVersion: other.metadata.resourceVersion, creationTimestamp: null },
    });
  });

  it.each([
    ['of an earlier life of the server', '99999'],
    ['from before the server started', '1'],
  ])('answers a version %s with 410, so that the client lists anew', async (_, version) => {
    const seen = await watch(`&resourceVersion=${version}`);
    await until('the end', seen.ended);
    expect(seen.events).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }]);
  });

  it('renders tables with one header', async () => {
    const seen = await watch('', { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' });
    cluster.store.put('configmaps', map('a'));
    cluster.store.put('configmaps', map('b'));
    await seen.atLeast(2);
    expect(
      seen.events.map((event) => [
        event.object.kind,
        event.object.columnDefinitions.length,
        event.object.rows[0].cells[0],
      ]),
    ).toEqual([
      ['Table', 3, 'a'],
      ['Table', 0, 'b'],
    ]);
    await seen.stop();
  });

  it('shows the asked version of the group', async () => {
    const seen = await watch('', {}, '/apis/networking.istio.io/v1beta1/virtualservices');
    cluster.store.put('virtualservices.networking.istio.io', {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'a', namespace: 'default' },
    });
    await seen.atLeast(1);
    expect(seen.events[0]?.object.apiVersion).toBe('networking.istio.io/v1beta1');
    await seen.stop();
  });

  it('cuts off a client that does not read, and goes on for the others', async () => {
    const deaf = connect(cluster.server.port, '127.0.0.1');
    deaf.on('error', () => {});
    deaf.write('GET /api/v1/configmaps?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(deaf, 'readable');
    const seen = await watch('');
    const closed = once(deaf, 'close');
    for (let i = 0; i < 60; i++)
      cluster.store.put('configmaps', map('big', { data: { n: String(i), x: 'x'.repeat(1_000_000) } }));
    deaf.resume();
    await closed;
    await seen.stop();
    expect((await cluster.call('GET', '/readyz')).text).toBe('ok');
  });
});

describe('the event log', () => {
  it('forgets the oldest events and says so', () => {
    const store = new Store();
    const log = new EventLog(store, 10);
    for (let i = 0; i < 25; i++) store.put('configmaps', map('a', { data: { n: String(i) } }));
    const versions = log.since(log.oldest)?.map((event) => Number(event.object.metadata.resourceVersion));
    expect(versions).toEqual(Array.from({ length: store.resourceVersion - log.oldest }, (_, i) => log.oldest + 1 + i));
    expect(versions?.length).toBeGreaterThanOrEqual(5);
    expect(log.since(log.oldest - 1)).toBeUndefined();
    expect(log.since(store.resourceVersion)).toEqual([]);
    log.close();
  });
});

describe('the store', () => {
  it('delivers what a listener changes after the event it handles, to every listener in order', () => {
    const store = new Store();
    const seen: string[] = [];
    store.subscribe((event) => {
      if (event.resource === 'deployments.apps' && event.type === 'ADDED') {
        store.put('replicasets.apps', {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          metadata: { name: 'rs', namespace: 'n' },
        });
      }
    });
    store.subscribe((event) => seen.push(`${event.type} ${event.resource} ${event.object.metadata.resourceVersion}`));
    store.put('deployments.apps', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', namespace: 'n' },
    });
    expect(seen).toEqual(['ADDED deployments.apps 2', 'ADDED replicasets.apps 3']);
  });

  it('tells every listener although one throws, and then the writer', () => {
    const store = new Store();
    const seen: string[] = [];
    store.subscribe(() => {
      throw new Error('listener failed');
    });
    store.subscribe((event) => seen.push(event.type));
    expect(() => store.put('configmaps', map('a'))).toThrow('listener failed');
    expect(seen).toEqual(['ADDED']);
    expect(store.get('configmaps', 'default', 'a')).toBeDefined();
  });

  it('makes no event of an equal object, whatever the order of its fields', () => {
    const store = new Store();
    const first = store.put('configmaps', { ...map('a'), data: { x: '1', y: '2' } });
    const again = store.put('configmaps', { data: { y: '2', x: '1' }, ...map('a') });
    expect(again).toBe(first);
    expect(store.put('configmaps', map('a')).metadata.uid).toBe(first.metadata.uid);
  });

  it('keeps a given creation time, and previews without storing', () => {
    const store = new Store();
    const old = {
      ...map('a'),
      metadata: { name: 'a', namespace: 'default', creationTimestamp: '2020-01-01T00:00:00Z' },
    };
    expect(store.preview('configmaps', old).metadata.creationTimestamp).toBe('2020-01-01T00:00:00Z');
    expect(store.get('configmaps', 'default', 'a')).toBeUndefined();
    expect(store.put('configmaps', old).metadata.creationTimestamp).toBe('2020-01-01T00:00:00Z');
  });
});
