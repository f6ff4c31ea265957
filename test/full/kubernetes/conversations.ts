import type { Json } from '../../support/apiTargets.js';
import { deployment, service, virtualService } from '../../support/objects.js';
import type { Conversation } from './talk.js';

const MERGE = { 'content-type': 'application/merge-patch+json' };
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
const PARTIAL = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };

const labels = { app: 'web', version: 'v1' };
const map = (name: string, data: Record<string, string> = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});
const route = (name: string, rest: object = {}) => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name },
  spec: { parentRefs: [{ group: '', kind: 'Service', name, port: 80 }], ...rest },
});
const rule = (name: string, spec: object) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name },
  spec: { host: name, ...spec },
});

/** What clients of a Kubernetes API do, by the sentence that it shows. `ask` takes the status that must come back. */
export const CONVERSATIONS: Readonly<Record<string, Conversation>> = {
  // Discovery
  'a group and version lists its resources, with their subresources': async ({ ask }) => {
    const { resources } = (await ask('GET', '/apis/apps/v1', 200, { compare: false })).body;
    const found = resources.find(({ name }: Json) => name === 'deployments');
    if (!found.namespaced || found.kind !== 'Deployment' || !found.verbs.includes('watch'))
      throw new Error(JSON.stringify(found));
    for (const sub of ['deployments/status', 'deployments/scale'])
      if (!resources.some(({ name }: Json) => name === sub)) throw new Error(`${sub} is missing`);
  },
  'a custom resource definition makes its kind a resource like any other': async ({ ask }) => {
    const { resources } = (await ask('GET', '/apis/networking.istio.io/v1', 200, { compare: false })).body;
    if (!resources.some(({ name, kind }: Json) => name === 'virtualservices' && kind === 'VirtualService'))
      throw new Error(JSON.stringify(resources));
  },
  'what is not served is a 404': async ({ ask, ns }) => {
    await ask('GET', '/apis/nothing.example.com', 404, { compare: false });
    await ask('GET', `${ns}/things`, 404, { compare: false });
    await ask('GET', '/apis/apps/v9/deployments', 404, { compare: false });
  },

  // Reading
  'an absent object is a 404 that names it': async ({ ask, ns, apps, istio }) => {
    await ask('GET', `${ns}/configmaps/absent`, 404);
    await ask('GET', `${apps}/deployments/absent`, 404);
    await ask('GET', `${istio}/virtualservices/absent`, 404);
    await ask('DELETE', `${ns}/configmaps/absent`, 404);
    await ask('PATCH', `${ns}/configmaps/absent`, 404, { body: {}, headers: MERGE });
  },
  'label selectors select by equality, by sets and by presence': async ({ ask, ns }) => {
    for (const [name, given] of Object.entries({
      a: { app: 'web', version: 'v1' },
      b: { app: 'web', version: 'v2' },
      c: { app: 'db' },
      d: {},
    }))
      await ask('POST', `${ns}/configmaps`, 201, { body: map(name, {}, { labels: given }) });
    for (const selector of [
      'app=web',
      'app==web,version!=v1',
      'version in (v1,v3)',
      'version notin (v1)',
      'app,!version',
      '!app',
      'app!=web',
    ])
      await ask('GET', `${ns}/configmaps?labelSelector=${encodeURIComponent(selector)}`, 200);
    await ask('GET', `${ns}/configmaps?labelSelector=${encodeURIComponent('app=(')}`, 400, { compare: 'status' });
  },
  'field selectors select by name, and refuse what the kind has no selector for': async ({ ask, ns }) => {
    await ask('POST', `${ns}/configmaps`, 201, { body: map('a') });
    await ask('POST', `${ns}/configmaps`, 201, { body: map('b') });
    await ask('GET', `${ns}/configmaps?fieldSelector=metadata.name%3Da`, 200);
    await ask('GET', `${ns}/configmaps?fieldSelector=metadata.name!%3Da`, 200);
    await ask('GET', `${ns}/configmaps?fieldSelector=data.x%3Da`, 400, { compare: 'status' });
  },
  'a list comes in pages, whose items are those of the moment when it began': async ({ ask, ns }) => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await ask('POST', `${ns}/configmaps`, 201, { body: map(name) });
    const first = (await ask('GET', `${ns}/configmaps?limit=2`, 200)).body;
    await ask('DELETE', `${ns}/configmaps/d`, 200);
    await ask('POST', `${ns}/configmaps`, 201, { body: map('cc') });
    const token = encodeURIComponent(first.metadata.continue);
    const second = (await ask('GET', `${ns}/configmaps?limit=2&continue=${token}`, 200)).body;
    if (second.metadata.resourceVersion !== first.metadata.resourceVersion) throw new Error('pages of two moments');
    const last = encodeURIComponent(second.metadata.continue);
    await ask('GET', `${ns}/configmaps?limit=2&continue=${last}`, 200);
    await ask('GET', `${ns}/configmaps?limit=2`, 200);
    await ask('GET', `${ns}/configmaps?limit=9`, 200);
    await ask('GET', `${ns}/configmaps?limit=2&labelSelector=x`, 200);
    await ask('GET', `${ns}/configmaps?continue=nonsense`, 400, { compare: 'status' });
    await ask('GET', `${ns}/configmaps?limit=x`, 400, { compare: 'status' });
  },
  'a list of metadata holds no more than metadata': async ({ ask, ns }) => {
    await ask('POST', `${ns}/configmaps`, 201, { body: map('a', { secret: 'x' }) });
    await ask('GET', `${ns}/configmaps`, 200, { headers: PARTIAL });
  },

  // Tables
  'a Table has the columns and cells that kubectl prints': async ({ ask, ns, apps }) => {
    await ask('POST', `${ns}/configmaps`, 201, { body: map('a', { x: '1', y: '2' }) });
    await ask('POST', `${ns}/services`, 201, { body: service('web', labels) });
    await ask('POST', `${apps}/deployments`, 201, { body: deployment('web', labels) });
    for (const path of [`${ns}/configmaps`, `${apps}/deployments`, `${apps}/deployments/web`, `${apps}/replicasets`])
      await ask('GET', path, 200, { headers: TABLE, compare: 'table' });
    await ask('GET', `${ns}/configmaps?includeObject=None`, 200, { headers: TABLE, compare: 'table' });
    await ask('GET', `${ns}/pods`, 200, { headers: TABLE, compare: 'table' });
  },
  'a Table of a custom kind has the columns of its definition': async ({ ask, istio }) => {
    await ask('POST', `${istio}/virtualservices`, 201, { body: virtualService('web', { v1: 90, v2: 10 }) });
    await ask('POST', `${istio}/destinationrules`, 201, { body: rule('web', {}) });
    for (const plural of ['virtualservices', 'destinationrules'])
      await ask('GET', `${istio}/${plural}`, 200, { headers: TABLE, compare: 'table' });
  },

  // Creating
  'a created object has its identity and its defaults from the server': async ({ ask, ns, apps }) => {
    await ask('POST', `${ns}/configmaps`, 201, { body: map('a', { x: '1' }) });
    await ask('POST', `${apps}/deployments`, 201, { body: deployment('web', labels) });
    const { body } = await ask('POST', `${ns}/services`, 201, { body: service('web', labels), compare: false });
    if (!/^10\.96\./.test(body.spec.clusterIP)) throw new Error(body.spec.clusterIP);
  },
  'a name can be taken once': async ({ ask, ns }) => {
    await ask('POST', `${ns}/configmaps`, 201, { body: map('a') });
    await ask('POST', `${ns}/configmaps`, 409, { body: map('a') });
  },
  'a generated name begins as asked': async ({ ask, ns }) => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'web-' } };
    const { name } = (await ask('POST', `${ns}/configmaps`, 201, { body, compare: false })).body.metadata;
    if (!/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/.test(name)) throw new Error(name);
  },
  'a dry run answers as if and stores nothing': async ({ ask, ns }) => {
    await ask('POST', `${ns}/configmaps?dryRun=All`, 201, { body: map('a') });
    await ask('GET', `${ns}/configmaps/a`, 404);
  },
  'a namespace that is not there takes nothing': async ({ ask }) => {
    await ask('POST', '/api/v1/namespaces/nowhere/configmaps', 404, { body: map('a') });
  },
  'names, versions and namespaces of the body must fit the path': async ({ ask, ns }) => {
    await ask('POST', `${ns}/configmaps`, 422, { body: map('Upper_Case') });
    await ask('POST', `${ns}/configmaps`, 400, {
      body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } },
      compare: 'status',
    });
    await ask('POST', `${ns}/configmaps`, 400, { body: map('a', {}, { namespace: 'other' }) });
    await ask('POST', `${ns}/configmaps`, 400, { body: '{"apiVersion":', compare: 'status' });
  },
  'an unknown field is refused, warned of or ignored, as asked': async ({ ask, apps, ns }) => {
    const wrong = deployment('web', labels) as Json;
    wrong.spec.replcas = 3;
    await ask('POST', `${apps}/deployments?fieldValidation=Strict`, 400, { body: wrong });
    const { warnings } = await ask('POST', `${apps}/deployments`, 201, { body: wrong, compare: 'status' });
    if (warnings.join() !== '299 - "unknown field \\"spec.replcas\\""') throw new Error(warnings.join());
    const quiet = { ...wrong, metadata: { name: 'quiet' } };
    const silent = await ask('POST', `${apps}/deployments?fieldValidation=Ignore`, 201, {
      body: quiet,
      compare: 'status',
    });
    if (silent.warnings.length > 0) throw new Error(silent.warnings.join());
    await ask('POST', `${ns}/configmaps?fieldValidation=Strict`, 400, { body: { ...map('a'), dta: {} } });
    await ask('POST', `${ns}/services?fieldValidation=Strict`, 400, {
      body: { ...service('a', labels), spec: { selectr: {}, ports: [{ port: 80 }] } },
    });
  },
  'a field of the wrong type is refused': async ({ ask, apps }) => {
    const wrong = deployment('web', labels) as Json;
    wrong.spec.replicas = 'three';
    await ask('POST', `${apps}/deployments`, 400, { body: wrong, compare: 'status' });
  },
  'workloads and Services that cannot work are refused with every reason': async ({ ask, ns, apps }) => {
    const other = deployment('web', labels) as Json;
    other.spec.template.metadata.labels = { app: 'other' };
    await ask('POST', `${apps}/deployments`, 422, { body: other, compare: 'causes' });
    await ask('POST', `${apps}/deployments`, 422, {
      body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: {} },
      compare: 'causes',
    });
    await ask('POST', `${ns}/services`, 422, { body: service('a', labels, 70_000), compare: 'causes' });
    await ask('POST', `${ns}/services`, 422, {
      body: { ...service('a', labels), spec: { ports: [{ port: 1 }, { port: 2 }] } },
      compare: 'causes',
    });
  },

  // Updating
  'a stale resourceVersion is a conflict': async ({ ask, ns }) => {
    const { body } = await ask('POST', `${ns}/configmaps`, 201, { body: map('a', { n: '1' }) });
    await ask('PUT', `${ns}/configmaps/a`, 200, { body: { ...body, data: { n: '2' } } });
    await ask('PUT', `${ns}/configmaps/a`, 409, { body: { ...body, data: { n: '3' } } });
    await ask('PATCH', `${ns}/configmaps/a`, 409, {
      body: { metadata: { resourceVersion: body.metadata.resourceVersion }, data: { n: '4' } },
      headers: MERGE,
    });
    await ask('DELETE', `${ns}/configmaps/a`, 409, {
      body: { preconditions: { resourceVersion: body.metadata.resourceVersion } },
      compare: 'status',
    });
    await ask('GET', `${ns}/configmaps/a`, 200);
  },
  'an update without a version overwrites built-in kinds and not custom ones': async ({ ask, ns, istio }) => {
    await ask('POST', `${ns}/configmaps`, 201, { body: map('a', { n: '1' }) });
    await ask('PUT', `${ns}/configmaps/a`, 200, { body: map('a', { n: '2' }) });
    await ask('POST', `${istio}/virtualservices`, 201, { body: virtualService('a', { v1: 1 }) });
    await ask('PUT', `${istio}/virtualservices/a`, 422, { body: virtualService('a', { v1: 2 }) });
  },
  'generation follows spec, and nothing follows a write that changes nothing': async ({ ask, apps }) => {
    const created = (await ask('POST', `${apps}/deployments`, 201, { body: deployment('web', labels) })).body;
    const same = (await ask('PUT', `${apps}/deployments/web`, 200, { body: created })).body;
    if (same.metadata.resourceVersion !== created.metadata.resourceVersion) throw new Error('a version for nothing');
    await ask('PATCH', `${apps}/deployments/web`, 200, { body: { metadata: { labels: { x: 'y' } } }, headers: MERGE });
    await ask('PATCH', `${apps}/deployments/web`, 200, { body: { spec: { replicas: 2 } }, headers: MERGE });
  },
  'what must not change is refused': async ({ ask, apps, ns }) => {
    const { body } = await ask('POST', `${apps}/deployments`, 201, { body: deployment('web', labels) });
    const other = deployment('web', { app: 'other' });
    await ask('PUT', `${apps}/deployments/web`, 422, { body: { ...body, spec: other.spec }, compare: 'causes' });
    const uid = '11111111-2222-3333-4444-555555555555';
    await ask('PUT', `${apps}/deployments/web`, 409, {
      body: { ...body, metadata: { ...body.metadata, uid } },
      compare: 'status',
    });
    await ask('POST', `${ns}/services`, 201, { body: service('a', labels), compare: false });
    await ask('PATCH', `${ns}/services/a`, 422, {
      body: { spec: { clusterIP: '10.96.3.3', clusterIPs: ['10.96.3.3'] } },
      headers: MERGE,
      compare: 'status',
    });
  },

  // Patches
  'a JSON patch tests, adds, replaces, moves and removes, all or nothing': async ({ ask, ns }) => {
    await ask('POST', `${ns}/configmaps`, 201, { body: map('a', { x: '1', y: '2' }) });
    const patch = (...operations: object[]) => ({ body: operations, headers: JSON_PATCH });
    await ask('PATCH', `${ns}/configmaps/a`, 200, {
      ...patch(
        { op: 'test', path: '/data/x', value: '1' },
        { op: 'add', path: '/data/z', value: '3' },
        { op: 'replace', path: '/data/x', value: '9' },
        { op: 'move', from: '/data/y', path: '/data/w' },
        { op: 'add', path: '/metadata/labels', value: { 'a/b': 'c' } },
        { op: 'replace', path: '/metadata/labels/a~1b', value: 'd' },
      ),
    });
    await ask('PATCH', `${ns}/configmaps/a`, 422, {
      ...patch({ op: 'remove', path: '/data/w' }, { op: 'test', path: '/data/x', value: 'other' }),
      compare: 'status',
    });
    await ask('PATCH', `${ns}/configmaps/a`, 422, { ...patch({ op: 'remove', path: '/data/no' }), compare: 'status' });
    await ask('PATCH', `${ns}/configmaps/a`, 400, { body: { op: 'add' }, headers: JSON_PATCH, compare: 'status' });
    await ask('GET', `${ns}/configmaps/a`, 200);
  },
  'a merge patch merges objects, replaces lists and removes by null': async ({ ask, ns, istio }) => {
    await ask('POST', `${ns}/configmaps`, 201, { body: map('a', { x: '1', y: '2' }, { labels: { a: 'b' } }) });
    const body = { data: { x: null, z: '3' }, metadata: { labels: { c: 'd' } } };
    await ask('PATCH', `${ns}/configmaps/a`, 200, { body, headers: MERGE });
    await ask('POST', `${istio}/virtualservices`, 201, { body: virtualService('a', { v1: 90, v2: 10 }) });
    const { http } = virtualService('a', { v1: 100 }).spec;
    await ask('PATCH', `${istio}/virtualservices/a`, 200, { body: { spec: { http } }, headers: MERGE });
  },
  'a strategic merge patch merges lists by their keys': async ({ ask, apps, ns }) => {
    await ask('POST', `${apps}/deployments`, 201, { body: deployment('web', labels) });
    const containers = (...list: object[]) => ({ spec: { template: { spec: { containers: list } } } });
    await ask('PATCH', `${apps}/deployments/web`, 200, {
      body: containers(
        { name: 'web', image: 'web:2', env: [{ name: 'B', value: '2' }] },
        { name: 'log', image: 'log:1' },
      ),
      headers: STRATEGIC,
    });
    await ask('PATCH', `${apps}/deployments/web`, 200, {
      body: containers({ name: 'log', $patch: 'delete' }, { name: 'web', env: [{ name: 'A', $patch: 'delete' }] }),
      headers: STRATEGIC,
    });
    await ask('PATCH', `${apps}/deployments/web`, 200, {
      body: { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
      headers: STRATEGIC,
    });
    await ask('POST', `${ns}/services`, 201, { body: service('web', labels), compare: false });
    const { body } = await ask('PATCH', `${ns}/services/web`, 200, {
      body: {
        spec: {
          ports: [
            { port: 81, name: 'more' },
            { port: 80, name: 'http' },
          ],
          selector: { version: null },
        },
      },
      headers: STRATEGIC,
      compare: false,
    });
    const ports = body.spec.ports.map(({ port, name }: Json) => `${name}:${port}`);
    if (ports.sort().join() !== 'http:80,more:81' || 'version' in body.spec.selector)
      throw new Error(JSON.stringify(body.spec));
  },
  'custom kinds take no strategic merge patch': async ({ ask, istio }) => {
    await ask('POST', `${istio}/virtualservices`, 201, { body: virtualService('a', { v1: 1 }) });
    await ask('PATCH', `${istio}/virtualservices/a`, 415, { body: {}, headers: STRATEGIC, compare: 'status' });
  },

  // Server-side apply
  'applied fields belong to their manager, and go when it no longer sends them': async ({ ask, ns }) => {
    const apply = (manager: string, body: object, expected = 200, force = '') =>
      ask('PATCH', `${ns}/configmaps/a?fieldManager=${manager}${force}`, expected, { body, headers: APPLY });
    await apply('one', map('a', { x: '1', y: '1' }), 201);
    await apply('two', map('a', { z: '2' }));
    await apply('one', map('a', { x: '1' }));
    await apply('two', map('a', { x: '2', z: '2' }), 409);
    await apply('two', map('a', { x: '2', z: '2' }), 200, '&force=true');
    await apply('one', map('a', {}));
    await apply('two', map('a', { x: '2', z: '2' }));
  },
  'two managers may own one value, and one letting go does not remove it': async ({ ask, ns }) => {
    const apply = (manager: string, data: Record<string, string>) =>
      ask('PATCH', `${ns}/configmaps/a?fieldManager=${manager}`, manager === 'one' && data.y ? 201 : 200, {
        body: map('a', data),
        headers: APPLY,
      });
    await apply('one', { x: '1', y: '1' });
    await apply('two', { x: '1' });
    await apply('one', { y2: '1' });
  },
  'lists of a Deployment are merged by their keys when applied': async ({ ask, apps }) => {
    const body = (containers: object[]) => ({
      ...deployment('web', labels),
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
    });
    const path = `${apps}/deployments/web?fieldManager=`;
    await ask('PATCH', `${path}one`, 201, { body: body([{ name: 'web', image: 'web:1' }]), headers: APPLY });
    await ask('PATCH', `${path}two`, 200, {
      body: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: { template: { spec: { containers: [{ name: 'web', env: [{ name: 'A', value: '1' }] }] } } },
      },
      headers: APPLY,
    });
    await ask('PATCH', `${path}one`, 200, { body: body([{ name: 'web', image: 'web:2' }]), headers: APPLY });
    await ask('PATCH', `${path}two`, 409, {
      body: body([{ name: 'web', image: 'web:3' }]),
      headers: APPLY,
      compare: 'causes',
    });
  },
  'an update takes fields over from who applied them': async ({ ask, ns }) => {
    await ask('PATCH', `${ns}/configmaps/a?fieldManager=one`, 201, {
      body: map('a', { x: '1', y: '1' }),
      headers: APPLY,
    });
    await ask('PATCH', `${ns}/configmaps/a?fieldManager=hand`, 200, { body: { data: { x: '2' } }, headers: MERGE });
    await ask('PATCH', `${ns}/configmaps/a?fieldManager=one`, 409, {
      body: map('a', { x: '1', y: '1' }),
      headers: APPLY,
    });
    await ask('PATCH', `${ns}/configmaps/a?fieldManager=one`, 200, { body: map('a', { y: '1' }), headers: APPLY });
  },
  'applying needs a manager, and no managed fields': async ({ ask, ns }) => {
    await ask('PATCH', `${ns}/configmaps/a`, 422, { body: map('a'), headers: APPLY, compare: 'status' });
    await ask('PATCH', `${ns}/configmaps/a?fieldManager=one`, 400, {
      body: map('a', {}, { managedFields: [{ manager: 'x' }] }),
      headers: APPLY,
      compare: 'status',
    });
  },
  'custom resources are applied, too': async ({ ask, istio }) => {
    const path = `${istio}/virtualservices/web?fieldManager=`;
    await ask('PATCH', `${path}one`, 201, { body: virtualService('web', { v1: 90, v2: 10 }), headers: APPLY });
    await ask('PATCH', `${path}two`, 409, { body: virtualService('web', { v1: 50, v2: 50 }), headers: APPLY });
    await ask('PATCH', `${path}two&force=true`, 200, {
      body: virtualService('web', { v1: 50, v2: 50 }),
      headers: APPLY,
    });
  },

  // Subresources
  'status is written by its subresource and by nothing else': async ({ ask, apps, istio }) => {
    await ask('POST', `${apps}/deployments`, 201, { body: { ...deployment('web', labels), status: { replicas: 7 } } });
    await ask('PATCH', `${apps}/deployments/web`, 200, { body: { status: { replicas: 7 } }, headers: MERGE });
    await ask('PATCH', `${apps}/deployments/web/status`, 200, {
      body: { status: { replicas: 3, readyReplicas: 2 }, spec: { replicas: 9 } },
      headers: MERGE,
    });
    await ask('GET', `${apps}/deployments/web/status`, 200);
    await ask('POST', `${istio}/virtualservices`, 201, {
      body: { ...virtualService('a', { v1: 1 }), status: { x: 1 } },
    });
    await ask('PATCH', `${istio}/virtualservices/a/status`, 200, {
      body: { status: { observedGeneration: 1 }, spec: { hosts: ['other'] } },
      headers: MERGE,
    });
  },
  'scale is read, patched and replaced': async ({ ask, apps }) => {
    await ask('POST', `${apps}/deployments`, 201, { body: deployment('web', labels) });
    const scale = (await ask('GET', `${apps}/deployments/web/scale`, 200)).body;
    await ask('PATCH', `${apps}/deployments/web/scale`, 200, { body: { spec: { replicas: 3 } }, headers: MERGE });
    await ask('PUT', `${apps}/deployments/web/scale`, 409, { body: scale, compare: 'status' });
    delete scale.metadata.resourceVersion;
    await ask('PUT', `${apps}/deployments/web/scale`, 200, { body: { ...scale, spec: { replicas: 4 } } });
    await ask('PATCH', `${apps}/deployments/web/scale`, 422, {
      body: { spec: { replicas: -1 } },
      headers: MERGE,
      compare: 'status',
    });
    await ask('GET', `${apps}/deployments/web`, 200);
  },

  // Deleting
  'deleting answers with what was deleted, and a second time with 404': async ({ ask, ns, apps, istio }) => {
    await ask('POST', `${ns}/configmaps`, 201, { body: map('a') });
    await ask('DELETE', `${ns}/configmaps/a`, 200);
    await ask('DELETE', `${ns}/configmaps/a`, 404);
    await ask('POST', `${apps}/deployments`, 201, { body: deployment('web', labels) });
    await ask('DELETE', `${apps}/deployments/web`, 200, { body: { propagationPolicy: 'Background' } });
    await ask('POST', `${istio}/virtualservices`, 201, { body: virtualService('a', { v1: 1 }) });
    await ask('DELETE', `${istio}/virtualservices/a`, 200);
  },
  'finalizers hold an object until the last is taken off': async ({ ask, ns }) => {
    await ask('POST', `${ns}/configmaps`, 201, {
      body: map('a', {}, { finalizers: ['example.com/a', 'example.com/b'] }),
    });
    await ask('DELETE', `${ns}/configmaps/a`, 200, { compare: 'status' });
    await ask('GET', `${ns}/configmaps/a`, 200);
    await ask('DELETE', `${ns}/configmaps/a`, 200, { compare: 'status' });
    const off = (...finalizers: string[]) => ({ body: { metadata: { finalizers } }, headers: MERGE });
    await ask('PATCH', `${ns}/configmaps/a`, 200, { ...off('example.com/b') });
    await ask('PATCH', `${ns}/configmaps/a`, 422, { ...off('example.com/b', 'example.com/c'), compare: 'status' });
    await ask('PATCH', `${ns}/configmaps/a`, 200, { ...off(), compare: 'status' });
    await ask('GET', `${ns}/configmaps/a`, 404);
  },
  'propagation Foreground and Orphan mark the owner until its dependents were seen to': async ({ ask, apps }) => {
    for (const policy of ['Foreground', 'Orphan']) {
      const name = policy.toLowerCase();
      await ask('POST', `${apps}/deployments`, 201, { body: deployment(name, labels), compare: 'status' });
      await ask('DELETE', `${apps}/deployments/${name}`, 200, {
        body: { propagationPolicy: policy },
        compare: 'status',
      });
    }
    await ask('POST', `${apps}/deployments`, 201, { body: deployment('sideways', labels), compare: 'status' });
    await ask('DELETE', `${apps}/deployments/sideways`, 422, {
      body: { propagationPolicy: 'Sideways' },
      compare: 'status',
    });
  },
  'preconditions guard a deletion': async ({ ask, ns }) => {
    const { body } = await ask('POST', `${ns}/configmaps`, 201, { body: map('a') });
    await ask('DELETE', `${ns}/configmaps/a`, 409, {
      body: { preconditions: { uid: '11111111-2222-3333-4444-555555555555' } },
      compare: 'status',
    });
    await ask('DELETE', `${ns}/configmaps/a`, 200, { body: { preconditions: { uid: body.metadata.uid } } });
  },
  'a collection is deleted by selector': async ({ ask, ns }) => {
    for (const name of ['a', 'b', 'c'])
      await ask('POST', `${ns}/configmaps`, 201, {
        body: map(name, {}, { labels: { group: name === 'c' ? 'y' : 'x' } }),
      });
    await ask('DELETE', `${ns}/configmaps?labelSelector=group%3Dx`, 200);
    await ask('GET', `${ns}/configmaps`, 200);
  },

  // Custom resource definitions
  'a new definition becomes a served kind with its schema, columns, status and scale': async ({ ask, definition }) => {
    const name = await definition({
      plural: 'gadgets',
      kind: 'Gadget',
      version: {
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' },
        },
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'integer', minimum: 1, maximum: 9 },
                  color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
                  code: { type: 'string', pattern: '^[a-z]+$', maxLength: 4 },
                  tags: { type: 'array', maxItems: 2, items: { type: 'string' } },
                  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
              },
              status: { type: 'object', properties: { size: { type: 'integer' } } },
            },
          },
        },
      },
    });
    const { group, path } = name;
    const gadget = (called: string, spec: object) => ({
      apiVersion: `${group}/v1`,
      kind: 'Gadget',
      metadata: { name: called },
      spec,
    });
    await ask('POST', path, 201, { body: gadget('a', { size: 2, free: { any: [1] } }) });
    await ask('POST', path, 201, { body: gadget('b', { size: 3, colour: 'blue' }) });
    await ask('POST', `${path}?fieldValidation=Strict`, 400, { body: gadget('c', { size: 3, colour: 'blue' }) });
    for (const wrong of [
      { size: 0 },
      { size: 10 },
      { size: 1.5 },
      { size: 'two' },
      {},
      { size: 1, color: 'green' },
      { size: 1, code: 'A' },
      { size: 1, code: 'abcde' },
      { size: 1, tags: ['a', 'b', 'c'] },
      { size: 1, tags: [1] },
    ])
      await ask('POST', path, 422, { body: gadget('wrong', wrong), compare: 'causes' });
    await ask('GET', path, 200, { headers: TABLE, compare: 'table' });
    await ask('PATCH', `${path}/a/scale`, 200, { body: { spec: { replicas: 4 } }, headers: MERGE });
    await ask('PATCH', `${path}/a/status`, 200, { body: { status: { size: 4 } }, headers: MERGE });
    await ask('GET', `${path}/a/scale`, 200);
    await ask('DELETE', `${path}/a`, 200);
  },
  'a definition that is no structural schema, or is named wrongly, is refused': async ({ ask }) => {
    const names = { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' };
    const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }];
    await ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', 422, {
      body: {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'other.example.com' },
        spec: { group: 'example.com', scope: 'Namespaced', names, versions },
      },
      compare: 'status',
    });
  },
  'Istio objects are validated by their definitions': async ({ ask, istio }) => {
    const wrong: [string, Json][] = [
      ['virtualservices', virtualService('a', { v1: 'ten' })],
      ['virtualservices', { ...virtualService('a', { v1: 1 }), spec: { hosts: 'a' } }],
      ['virtualservices', virtualService('a', { v1: 1 }, { timeout: 5 })],
      ['virtualservices', virtualService('a', { v1: 1 }, { match: [{ uri: { exact: '/', prefix: '/' } }] })],
      ['destinationrules', rule('a', { trafficPolicy: { loadBalancer: { simple: 'FASTEST' } } })],
      ['destinationrules', { ...rule('a', {}), spec: {} }],
      ['destinationrules', rule('a', { subsets: [{ labels: { version: 'v1' } }] })],
    ];
    for (const [plural, body] of wrong) await ask('POST', `${istio}/${plural}`, 422, { body, compare: 'causes' });
    const unknown = virtualService('a', { v1: 1 }) as Json;
    unknown.spec.http[0].route[0].wieght = 5;
    await ask('POST', `${istio}/virtualservices?fieldValidation=Strict`, 400, { body: unknown });
    await ask('POST', `${istio}/virtualservices`, 201, { body: unknown });
  },
  'Gateway API objects get their defaults and are validated': async ({ ask, gateway }) => {
    const backend = (rest: object) => ({ rules: [{ backendRefs: [{ name: 'web', port: 80, ...rest }] }] });
    await ask('POST', `${gateway}/httproutes`, 201, { body: route('web', backend({ weight: 90 })) });
    await ask('POST', `${gateway}/httproutes`, 422, { body: route('a', backend({ weight: -1 })), compare: 'causes' });
    await ask('POST', `${gateway}/httproutes`, 422, { body: route('a', backend({ port: 70_000 })), compare: 'causes' });
    const path = { rules: [{ matches: [{ path: { type: 'Sometimes', value: '/' } }] }] };
    await ask('POST', `${gateway}/httproutes`, 422, { body: route('a', path), compare: 'causes' });
  },
};
