import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type KubeObject, objectRef } from '../../src/base/kubernetes.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { predictShare } from '../../src/mesh/predict.js';
import { receiversOf } from '../../src/mesh/receivers.js';
import type { Caller } from '../../src/mesh/types.js';
import { explain, folder } from '../support/explain.js';
import { istioCase } from '../support/istioArbitraries.js';

/** The workload of a caller, and a pod of it where it runs. */
function workloadOf({ workload, namespace, labels, locality = '' }: Caller): KubeObject[] {
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: `${workload}-5d8f`,
    uid: workload,
    controller: true,
  };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: workload, namespace },
      spec: { template: { metadata: { labels, annotations: { 'sidecar.istio.io/inject': 'true' } } } },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${workload}-5d8f-0`,
        namespace,
        labels: { ...labels, ...(locality ? { 'istio-locality': locality.replaceAll('/', '.') } : {}) },
        ownerReferences: [owner],
      },
      spec: { containers: [{ name: 'istio-proxy' }] },
      status: { phase: 'Running', podIP: '10.9.9.9', conditions: [{ type: 'Ready', status: 'True' }] },
    },
  ];
}

it('property: explain says of the files of any cluster what mesh/ says of its objects', async () => {
  await fc.assert(
    fc.asyncProperty(istioCase, async ({ objects, caller, requests }) => {
      // What the API server would refuse is an error of the files.
      const refused = new Set(
        compileProxyConfig(objects, caller).warnings.flatMap(({ code, object }) =>
          code === 'OBJECT_REFUSED' ? [object] : [],
        ),
      );
      const all = [...objects.filter((object) => !refused.has(objectRef(object))), ...workloadOf(caller)];
      const dir = folder({ 'm.yaml': all.map((each) => stringify(each, { version: '1.1' })).join('---\n') });
      const config = compileProxyConfig(all, caller);
      for (const { tls: _tls, ...request } of requests) {
        const { host, port, method, path, headers } = request;
        // The option names a host as it is dialled.
        if (host.includes(':')) continue;
        const { stdout, stderr } = await explain(
          dir,
          ...['-f', 'm.yaml', '--from', `${caller.workload}.${caller.namespace}`, '--to', `${host}:${port}`],
          ...['--method', method, '--path', path, '--json', ...(caller.gateway ? ['--gateway'] : [])],
          ...Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}=${value}`]),
        );
        const { share, failed, mirrored } = predictShare(
          config,
          request,
          ({ version }) => version,
          receiversOf(all, caller),
        );
        expect(stderr).toBe('');
        expect(JSON.parse(stdout)).toMatchObject({ share, failed, mirrored });
      }
    }),
    { numRuns: 60, seed: 3 },
  );
});
