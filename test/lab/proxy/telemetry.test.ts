import { expect, onTestFinished, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { TestMesh } from '../../support/labMesh.js';
import { NAMESPACE } from '../../support/labShop.js';

const telemetry = (override: object, selector?: object): KubeObject => ({
  apiVersion: 'telemetry.istio.io/v1',
  kind: 'Telemetry',
  metadata: { name: 't', namespace: NAMESPACE, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    ...(selector ? { selector: { matchLabels: selector } } : {}),
    metrics: [{ providers: [{ name: 'prometheus' }], overrides: [override] }],
  },
});

async function counted(...rules: readonly KubeObject[]): Promise<{ source: string[]; destination: string[] }> {
  const mesh = await TestMesh.start(
    [{ name: 'shop-v1', version: 'v1', sidecar: true, app: (_request, response) => response.end('ok') }],
    rules,
  );
  onTestFinished(() => mesh.close());
  await mesh.send();
  return { source: mesh.source(), destination: mesh.destination() };
}

test.each<[string, KubeObject[], number, number]>([
  ['without a Telemetry both sides count', [], 1, 1],
  [
    'a counter that is switched off is on no page',
    [telemetry({ match: { metric: 'REQUEST_COUNT' }, disabled: true })],
    0,
    0,
  ],
  ['the mode CLIENT is for the side that sends', [telemetry({ match: { mode: 'CLIENT' }, disabled: true })], 0, 1],
  ['the mode SERVER is for the side that is called', [telemetry({ match: { mode: 'SERVER' }, disabled: true })], 1, 0],
  ['a selector chooses the proxies', [telemetry({ disabled: true }, { app: 'shop' })], 1, 0],
])('%s', async (_says, rules, source, destination) => {
  const told = await counted(...rules);
  expect([told.source.length, told.destination.length]).toEqual([source, destination]);
});

test('a removed label is on no page, and the requests are counted without it', async () => {
  const removed = { match: { mode: 'SERVER' }, tagOverrides: { destination_version: { operation: 'REMOVE' } } };
  const told = await counted(telemetry(removed));
  expect(told.source[0]).toContain(' v1 ');
  expect(told.destination[0]).toContain(' undefined ');
});
