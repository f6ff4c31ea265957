import { afterEach, describe, expect, test } from 'vitest';
import { Store } from '../../../src/lab/control/store.js';
import type { KialiAuth } from '../../../src/lab/kiali/auth.js';
import { type RunningKiali, startKiali } from '../../../src/lab/kiali/server.js';

let kiali: RunningKiali | undefined;
afterEach(async () => {
  await kiali?.close();
  kiali = undefined;
});

async function start(auth: KialiAuth): Promise<string> {
  const store = new Store();
  store.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'pitstop' } });
  kiali = await startKiali({ store, prometheusUrl: 'http://127.0.0.1:1', auth });
  return kiali.url;
}

const cookieOf = (response: Response) => response.headers.get('set-cookie')?.split(';')[0] ?? '';
const names = async (response: Response) => ((await response.json()) as { name: string }[]).map(({ name }) => name);
const json = (response: Response) => response.json() as Promise<Record<string, unknown>>;

describe('anonymous', () => {
  test('needs no login', async () => {
    const url = await start({ strategy: 'anonymous' });
    expect(await (await fetch(`${url}/api/auth/info`)).json()).toEqual({ strategy: 'anonymous', sessionInfo: {} });
    expect(await names(await fetch(`${url}/api/namespaces`))).toEqual(['pitstop']);
  });
});

describe('token', () => {
  const post = (url: string, body: Record<string, string>) =>
    fetch(`${url}/api/authenticate`, { method: 'POST', body: new URLSearchParams(body) });

  test('the form gives a session cookie, which opens the API until the logout', async () => {
    const url = await start({ strategy: 'token', tokens: ['secret-one', 'secret-two'] });
    const login = await post(url, { token: 'secret-two' });
    expect(login.status).toBe(200);
    expect(await json(login)).toMatchObject({ username: 'token' });
    const cookie = cookieOf(login);
    expect(cookie).toMatch(/^kiali-token-Kubernetes=\S{20,}$/);
    expect(cookie).not.toContain('secret');
    const headers = { cookie };
    expect(await names(await fetch(`${url}/api/namespaces`, { headers }))).toEqual(['pitstop']);
    expect(await json(await fetch(`${url}/api/auth/info`, { headers }))).toMatchObject({
      sessionInfo: { username: 'token' },
    });
    expect((await fetch(`${url}/api/logout`, { headers })).status).toBe(204);
    expect((await fetch(`${url}/api/namespaces`, { headers })).status).toBe(401);
  });

  test('the name of the user is the subject of a service account token', async () => {
    const claims = Buffer.from(JSON.stringify({ sub: 'system:serviceaccount:istio-system:kiali' })).toString(
      'base64url',
    );
    const token = `e30.${claims}.x`;
    const url = await start({ strategy: 'token', tokens: [token] });
    expect(await json(await post(url, { token }))).toMatchObject({ username: 'istio-system:kiali' });
  });

  test('refusals have their own texts', async () => {
    const url = await start({ strategy: 'token', tokens: ['secret'] });
    const bad = await post(url, { token: 'guess' });
    expect([bad.status, await json(bad)]).toEqual([401, { error: 'token is not valid or is expired: Unauthorized' }]);
    const none = await post(url, {});
    expect([none.status, await json(none)]).toEqual([500, { error: 'token is empty' }]);
    const unauthenticated = await fetch(`${url}/api/namespaces/graph?namespaces=pitstop`);
    expect([unauthenticated.status, await unauthenticated.text()]).toEqual([401, 'Unauthorized\n']);
    const bearer = await fetch(`${url}/api/namespaces`, { headers: { authorization: 'Bearer secret' } });
    expect(bearer.status).toBe(401);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/api`)).status).toBe(200);
  });
});

describe('login as before 1.23', () => {
  const basic = (user: string, passphrase: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:${passphrase}`).toString('base64')}`,
  });

  test('Basic credentials give a token, as cookie or as Bearer', async () => {
    const url = await start({ strategy: 'login', username: 'admin', passphrase: 'ad:min' });
    const login = await fetch(`${url}/api/authenticate`, { headers: basic('admin', 'ad:min') });
    const { token, username, expiresOn } = (await login.json()) as Record<string, string>;
    expect(username).toBe('admin');
    expect(Date.parse(expiresOn ?? '')).toBeGreaterThan(Date.now());
    expect(await names(await fetch(`${url}/api/namespaces`, { headers: { cookie: cookieOf(login) } }))).toEqual([
      'pitstop',
    ]);
    expect(
      await names(await fetch(`${url}/api/namespaces`, { headers: { authorization: `Bearer ${token}` } })),
    ).toEqual(['pitstop']);
  });

  test.each([
    ['a wrong passphrase', basic('admin', 'x')],
    ['a wrong user', basic('root', 'admin')],
    ['no credentials', {}],
    ['credentials that are no base64', { authorization: 'Basic %%%' }],
  ])('%s: 401', async (_, headers) => {
    const url = await start({ strategy: 'login', username: 'admin', passphrase: 'admin' });
    expect((await fetch(`${url}/api/authenticate`, { headers })).status).toBe(401);
    expect((await fetch(`${url}/api/namespaces`, { headers })).status).toBe(401);
  });
});
