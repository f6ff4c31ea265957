import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bookinfo } from '../support/bookinfo.js';
import { document, explain, folder } from '../support/explain.js';

describe("Istio's book shop", () => {
  const to = (subset: string, weight: number) => `{destination: {host: reviews, subset: ${subset}}, weight: ${weight}}`;
  const EIGHTY = `[{route: [${to('v1', 80)}, ${to('v2', 20)}]}]`;
  const TESTER = `[{match: [{headers: {end-user: {exact: jason}}}], route: [${to('v2', 100)}]}, {route: [${to('v1', 50)}, ${to('v3', 50)}]}]`;
  const ASK = ['-f', '.', '--from', 'productpage-v1.default', '--to', 'reviews:9080'];

  it('80/20', async () => {
    const { share, failed, warnings } = await document(folder(bookinfo(EIGHTY)), ...ASK, '--expect', 'v1=80%,v2=20%');
    expect([share, failed, warnings]).toEqual([{ v1: 0.8, v2: 0.2 }, {}, []]);
  });
  it('90/10 expected of 80/20', async () => {
    const { code, stderr } = await explain(folder(bookinfo(EIGHTY)), ...ASK, '--expect', 'v1=90%,v2=10%');
    expect([code, stderr.split('\n')[1]]).toEqual([1, '--expect: expected v2 10 %, predicted 20 %']);
  });
  it('a tester sees v2, the others v1 and v3', async () => {
    const dir = folder(bookinfo(TESTER));
    expect((await document(dir, ...ASK)).share).toEqual({ v1: 0.5, v3: 0.5 });
    expect((await document(dir, ...ASK, '--header', 'end-user=jason')).share).toEqual({ v2: 1 });
  });
  it('at the ingress gateway', async () => {
    const ingress = `apiVersion: apps/v1
kind: Deployment
metadata: {name: istio-ingressgateway, namespace: istio-system}
spec: {selector: {matchLabels: {istio: ingressgateway}}, template: {metadata: {labels: {istio: ingressgateway}}, spec: {containers: [{name: istio-proxy}]}}}
`;
    const dir = folder({ ...bookinfo(EIGHTY), 'ingress.yaml': ingress });
    const at = [
      '-f',
      '.',
      '-n',
      'default',
      '--gateway',
      '--from',
      'istio-ingressgateway.istio-system',
      '--to',
      'shop.test:8080',
    ];
    expect((await document(dir, ...at, '--path', '/productpage')).share).toEqual({ v1: 1 });
    expect((await document(dir, ...at, '--path', '/else')).failed).toEqual({ '404 NR': 1 });
  });
});

describe("Pitstop's canary", () => {
  const SCENARIO = 'scenarios/pitstop';
  /** All manifests but the mirror's, with one of the two Services. */
  function canary(dir: string, name: string, service: 'svc' | 'svc-open'): void {
    mkdirSync(join(dir, name));
    cpSync(join(SCENARIO, 'app'), join(dir, name), { recursive: true });
    const left = [
      'scenario.yaml',
      'customermanagementapi-mirror.yaml',
      'customermanagementapi-svc.yaml',
      'customermanagementapi-svc-open.yaml',
    ];
    for (const file of readdirSync(SCENARIO).filter((each) => each.endsWith('.yaml') && !left.includes(each))) {
      cpSync(join(SCENARIO, file), join(dir, name, file));
    }
    writeFileSync(join(dir, name, 'svc.yaml'), readFileSync(join(SCENARIO, `customermanagementapi-${service}.yaml`)));
  }

  it('with the selector forgotten sends a tenth of the requests nowhere', async () => {
    const dir = folder({});
    canary(dir, 'meant', 'svc-open');
    canary(dir, 'forgotten', 'svc');
    const { stdout, code } = await explain(dir, '-f', 'meant', '--diff', 'forgotten', '--from', 'webapp.pitstop');
    expect(code).toBe(0);
    expect(stdout).toContain(`webapp.pitstop → customermanagementapi.pitstop.svc.cluster.local:5100  GET /
  10 % of these requests go elsewhere
    v1      ██████████████████░░      90 %  →  ██████████████████░░      90 %
    v2      ██░░░░░░░░░░░░░░░░░░      10 %  →  ░░░░░░░░░░░░░░░░░░░░       0 %
    503 UH  ░░░░░░░░░░░░░░░░░░░░       0 %  →  ██░░░░░░░░░░░░░░░░░░      10 %

new warnings
  SELECTOR_PINS_VERSION  Service/pitstop/customermanagementapi spec.selector.version (forgotten/svc.yaml:`);
  });
});
