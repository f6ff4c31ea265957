import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTarget, labTarget, realTarget } from '../../support/apiTargets.js';
import { compared } from '../../support/comparisons.js';
import { hasKubernetes } from '../../support/kubeApiserver.js';
import { CONVERSATIONS } from './conversations.js';
import { converse, type Said } from './talk.js';
import { type Seen, WATCHES } from './watches.js';

/**
 * What clients of a Kubernetes API do, once with the lab and once with a real kube-apiserver over etcd: the answers must be the asked-for
 * ones on both, and equal.
 */
const present = hasKubernetes();
const TARGETS = [
  { name: 'the lab', start: labTarget, here: true },
  { name: 'kube-apiserver', start: realTarget, here: present },
];
const conversations = Object.entries(CONVERSATIONS);
const watches = Object.entries(WATCHES);
const said = new Map<string, Map<string, readonly Said[]>>();
const seen = new Map<string, Map<string, readonly Seen[]>>();

const remember = <T>(book: Map<string, Map<string, T>>, sentence: string, target: string, what: T) => {
  book.set(sentence, (book.get(sentence) ?? new Map<string, T>()).set(target, what));
};

describe.each(TARGETS.filter(({ here }) => here))('$name', ({ name, start }) => {
  let api: ApiTarget;
  beforeAll(async () => {
    api = await start();
  }, 120_000);
  afterAll(() => api?.close());

  it.each(conversations)('%s', async (sentence, conversation) => {
    const namespace = `talk-${conversations.findIndex(([known]) => known === sentence)}`;
    remember(said, sentence, name, await converse(api, namespace, conversation));
  });

  it.each(watches)('%s', async (sentence, follow) => {
    const namespace = `watch-${watches.findIndex(([known]) => known === sentence)}`;
    remember(seen, sentence, name, await follow(api, namespace));
  });
});

describe.skipIf(!present)('both answer alike', () => {
  it.each(conversations)('%s', (sentence) => {
    const answers = said.get(sentence);
    const [lab, real] = [answers?.get('the lab'), answers?.get('kube-apiserver')];
    expect(lab, 'the conversation with the lab failed').toBeDefined();
    expect(lab).toEqual(real);
    compared('kube-apiserver', real?.length ?? 0);
  });

  it.each(watches)('%s', (sentence) => {
    const events = seen.get(sentence);
    const [lab, real] = [events?.get('the lab'), events?.get('kube-apiserver')];
    expect(lab, 'the watch of the lab failed').toBeDefined();
    expect(lab).toEqual(real);
    compared('kube-apiserver', real?.length ?? 0);
  });
});
