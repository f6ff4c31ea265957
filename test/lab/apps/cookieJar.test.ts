import { expect, test } from 'vitest';
import { CookieJar } from '../../../src/lab/apps/cookieJar.js';

test('a jar sends to a host what that host has set, the newest value of each name', () => {
  const jar = new CookieJar();
  expect(jar.header('shop')).toBeUndefined();
  jar.keep('shop', ['content-type', 'text/plain', 'Set-Cookie', 'version=v1; Path=/; HttpOnly']);
  jar.keep('shop', ['set-cookie', 'user=7', 'set-cookie', 'version=v2']);
  jar.keep('other', ['set-cookie', 'x=']);
  expect([jar.header('shop'), jar.header('other')]).toEqual(['version=v2; user=7', 'x=']);
});

test('what is no cookie is not kept', () => {
  const jar = new CookieJar();
  jar.keep('shop', ['set-cookie', 'no equals sign', 'set-cookie', '=nameless', 'set-cookie']);
  expect(jar.header('shop')).toBeUndefined();
});
