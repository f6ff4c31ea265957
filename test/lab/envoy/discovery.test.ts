import { afterEach, beforeEach, expect, test } from 'vitest';
import { httpRequest } from '../../../src/cluster/http.js';
import { DiscoveryServer } from '../../../src/lab/envoy/discovery.js';

const forever = new AbortController().signal;
let server: DiscoveryServer;
let port: number;

beforeEach(async () => {
  server = new DiscoveryServer();
  port = await server.listen();
});
afterEach(() => server.close());

/** Asks as an Envoy does that runs `version`. */
const ask = (version: string, name = '8000') =>
  httpRequest(new URL(`http://127.0.0.1:${port}/v3/discovery:routes`), {
    method: 'POST',
    body: JSON.stringify({ version_info: version, resource_names: [name] }),
  });
const versionOf = ({ text }: { text: string }) => (JSON.parse(text) as { version_info: string }).version_info;

const tables = (name: string) => [{ name: '8000', virtual_hosts: [{ name }] }];
const give = (name: string) => {
  const topic = server.set('rds', '8000', tables(name));
  return topic ? [topic] : [];
};

test('a question is held until there is an answer that differs', async () => {
  const asked = ask('');
  give('a');
  const first = await asked;
  expect(JSON.parse(first.text)).toEqual({ version_info: versionOf(first), resources: tables('a') });
  const again = ask(versionOf(first));
  give('b');
  expect(JSON.parse((await again).text)).toMatchObject({ resources: tables('b') });
});

test('what has not changed is not told again', () => {
  expect(give('a')).toHaveLength(1);
  expect(give('a')).toHaveLength(0);
});

test('the next question with the version says that it is in force', async () => {
  const taken = server.taken(give('a'), forever);
  void ask(versionOf(await ask(''))).catch(() => undefined);
  await taken;
});

test('the next question with an older version says that it is refused, and it is told again on the next occasion', async () => {
  give('a');
  const old = versionOf(await ask(''));
  const next = ask(old);
  const taken = server.taken(give('b'), forever);
  await next;
  const held = ask(old);
  await expect(taken).rejects.toThrow('refuses the route table 8000');
  expect(give('b')).toHaveLength(1);
  await held;
});

test('a first version that is asked for again and again is refused, and the questions do not spin', async () => {
  const taken = server.taken(give('a'), forever);
  taken.catch(() => undefined);
  for (let i = 0; i < 3; i++) await ask('');
  const held = ask('');
  await expect(taken).rejects.toThrow('refuses');
  give('b');
  expect(JSON.parse((await held).text)).toMatchObject({ resources: tables('b') });
});

test('a subscription that begins anew is told at once, as often as it does', async () => {
  give('a');
  for (let i = 0; i < 6; i++) {
    const version = versionOf(await ask(''));
    const held = ask(version);
    give(`b${i}`);
    await held;
  }
});

test('whoever waits for a proxy that ends is told so', async () => {
  const gone = new AbortController();
  const taken = server.taken(give('a'), gone.signal);
  gone.abort();
  await expect(taken).rejects.toThrow('ended');
});

test('what is no question is answered 400', async () => {
  const call = (path: string, body: string) =>
    httpRequest(new URL(`http://127.0.0.1:${port}${path}`), { method: 'POST', body });
  expect((await call('/v3/discovery:routes', '{')).status).toBe(400);
  expect((await call('/', '{}')).status).toBe(400);
});
