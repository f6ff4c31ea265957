import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTarget, type Json, labTarget } from '../../support/apiTargets.js';
import { CONVERSATIONS } from './conversations.js';
import { converse } from './talk.js';
import { WATCHES } from './watches.js';

type Call = ApiTarget['call'];
type Fault = (call: Call) => Call;

const rewriting =
  (request: (method: string, path: string, body: Json, headers: Record<string, string>) => Parameters<Call>): Fault =>
  (call) =>
  (method, path, body, headers = {}) =>
    call(...request(method, path, body, headers));

/** What a server could do wrong, and the conversation that must notice. */
const FAULTS: readonly (readonly [fault: string, noticed: string, inject: Fault])[] = [
  [
    'ignores limit',
    'a list comes in pages, whose items are those of the moment when it began',
    rewriting((method, path, body, headers) => [method, path.replace(/limit=\d/, 'limit='), body, headers]),
  ],
  [
    'shows later pages as they are now',
    'a list comes in pages, whose items are those of the moment when it began',
    (call) => async (method, path, body, headers) => {
      const answer = await call(method, path, body, headers);
      if (!path.includes('continue=')) return answer;
      const now = await call('GET', path.replace(/\?.*/, ''));
      const names = new Set(now.body.items.map(({ metadata }: Json) => metadata.name));
      const items = answer.body.items.filter(({ metadata }: Json) => names.has(metadata.name));
      return { ...answer, body: { ...answer.body, items } };
    },
  ],
  [
    'takes writes of stale objects',
    'a stale resourceVersion is a conflict',
    rewriting((method, path, body, headers) => {
      if (!body?.metadata?.resourceVersion) return [method, path, body, headers];
      const { resourceVersion: _, ...metadata } = body.metadata;
      return [method, path, { ...body, metadata }, headers];
    }),
  ],
  [
    'merges strategically what it should replace',
    'a strategic merge patch merges lists by their keys',
    rewriting((method, path, body, headers) => {
      const type = headers['content-type']?.replace('strategic-merge', 'merge');
      return [method, path, body, type ? { ...headers, 'content-type': type } : headers];
    }),
  ],
  [
    'forces every apply',
    'applied fields belong to their manager, and go when it no longer sends them',
    rewriting((method, path, body, headers) => [
      method,
      path.includes('fieldManager=') ? `${path}&force=true` : path,
      body,
      headers,
    ]),
  ],
  [
    'forgets who owns a field',
    'two managers may own one value, and one letting go does not remove it',
    rewriting((method, path, body, headers) => [
      method,
      path.replace('fieldManager=two', 'fieldManager=one'),
      body,
      headers,
    ]),
  ],
  [
    'lets anybody write the status',
    'status is written by its subresource and by nothing else',
    rewriting((method, path, body, headers) => [
      method,
      method === 'PATCH' && body.status && !path.endsWith('/status') ? `${path}/status` : path,
      body,
      headers,
    ]),
  ],
  [
    'leaves a default out',
    'a created object has its identity and its defaults from the server',
    (call) => async (method, path, body, headers) => {
      const answer = await call(method, path, body, headers);
      if (answer.body?.kind === 'Deployment') delete answer.body.spec.revisionHistoryLimit;
      return answer;
    },
  ],
  [
    'takes unknown fields',
    'an unknown field is refused, warned of or ignored, as asked',
    rewriting((method, path, body, headers) => [method, path.replace('Strict', 'Ignore'), body, headers]),
  ],
  [
    'deletes in spite of finalizers',
    'finalizers hold an object until the last is taken off',
    (call) => async (method, path, body, headers) => {
      const answer = await call(method, path, body, headers);
      if (method === 'DELETE') {
        const type = { 'content-type': 'application/merge-patch+json' };
        await call('PATCH', path, { metadata: { finalizers: null } }, type);
      }
      return answer;
    },
  ],
  [
    'forgets the columns of a definition',
    'a Table of a custom kind has the columns of its definition',
    (call) => async (method, path, body, headers) => {
      const answer = await call(method, path, body, headers);
      for (const list of [answer.body?.columnDefinitions, ...(answer.body?.rows ?? []).map((row: Json) => row.cells)])
        list?.splice(1, 1);
      return answer;
    },
  ],
];

describe('a server that', () => {
  let api: ApiTarget;
  beforeAll(async () => {
    api = await labTarget();
  }, 60_000);
  afterAll(() => api?.close());
  let talks = 0;

  it.each(FAULTS)('%s is found out', async (_fault, sentence, inject) => {
    const conversation = CONVERSATIONS[sentence];
    if (!conversation) throw new Error(`no conversation ${sentence}`);
    talks += 1;
    const right = await converse(api, `right-${talks}`, conversation);
    const wrong = await converse({ ...api, call: inject(api.call) }, `wrong-${talks}`, conversation).catch(
      (error: unknown) => error,
    );
    const named = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll(/(right|wrong)-\d+/g, 'NAMESPACE'));
    // Either a status is another one, or something in an answer.
    expect(wrong instanceof Error ? 'refused' : named(wrong)).not.toEqual(named(right));
  });

  it.each([
    [
      'begins every watch with what is there',
      'a watch tells what is added, changed and deleted after its resourceVersion',
    ],
    [
      'begins every watch with what is there',
      'a watch that was cut resumes at the last version that it saw, without loss and without repetition',
    ],
  ])('%s is found out by: %s', async (_fault, sentence) => {
    const follow = WATCHES[sentence];
    if (!follow) throw new Error(`no watch ${sentence}`);
    talks += 1;
    const right = await follow(api, `right-${talks}`);
    const watch: ApiTarget['watch'] = (path, enough, headers) =>
      api.watch(path.replace(/&resourceVersion=\d+/, ''), enough, headers);
    const wrong = await follow({ ...api, watch }, `wrong-${talks}`).catch((error: unknown) => error);
    expect(wrong).not.toEqual(right);
  });
});
