import { expect, test } from 'vitest';
import { withClusterAddresses } from '../../../src/lab/envoy/adminView.js';
import { withIstioNames } from '../../../src/lab/envoy/metricsPage.js';
import { listenerFor, outboundListeners } from '../../../src/lab/envoy/outboundListeners.js';
import { preface } from '../../../src/lab/envoy/preface.js';
import { compileProxyConfig } from '../../../src/mesh/compile.js';
import { shopService } from '../../support/labShop.js';

const real = { socket_address: { address: '127.0.0.1', port_value: 41_234 } };

test('a host reads as its address in the cluster, a listener as the one that it stands for', () => {
  const dump = {
    configs: [
      { lb_endpoints: [{ endpoint: { address: real, hostname: '10.244.0.7:5100' }, health_status: 'HEALTHY' }] },
      { listener: { '@type': 'type/envoy.config.listener.v3.Listener', name: '0.0.0.0_80', address: real } },
      { cluster: { name: 'discovery', endpoints: [{ endpoint: { address: real } }] } },
    ],
  };
  const places = (name: string) => (name === '0.0.0.0_80' ? { address: '0.0.0.0', port: 80 } : undefined);
  expect(withClusterAddresses(dump, places)).toEqual({
    configs: [
      {
        lb_endpoints: [
          {
            endpoint: { address: { socket_address: { address: '10.244.0.7', port_value: 5100 } } },
            health_status: 'HEALTHY',
          },
        ],
      },
      {
        listener: {
          '@type': 'type/envoy.config.listener.v3.Listener',
          name: '0.0.0.0_80',
          address: { socket_address: { address: '0.0.0.0', port_value: 80 } },
        },
      },
      { cluster: { name: 'discovery', endpoints: [{ endpoint: { address: real } }] } },
    ],
  });
});

test('metrics lose the prefix that Envoy puts before them, and nothing else', () => {
  const page =
    '# TYPE envoy_istio_requests_total counter\nenvoy_istio_requests_total{a="envoy_istio_b"} 1\nenvoy_c 2\n';
  expect(withIstioNames(page)).toBe(
    '# TYPE istio_requests_total counter\nistio_requests_total{a="envoy_istio_b"} 1\nenvoy_c 2\n',
  );
});

test('a connection begins with the PROXY header of the dialled address and with the place behind it', () => {
  const bytes = preface('10.244.0.7', { ip: '10.96.0.9', port: 8000 }, 41_234);
  expect(bytes.subarray(0, 16).toString('hex')).toBe(`0d0a0d0a000d0a515549540a2111001e`);
  expect([...bytes.subarray(16, 28)]).toEqual([10, 244, 0, 7, 10, 96, 0, 9, 0, 0, 0x1f, 0x40]);
  expect(bytes.subarray(28).toString('latin1')).toBe('\xe0\0\x0f127.0.0.1:41234');
  expect(bytes.length).toBe(16 + 0x1e);
});

test('a connection meets the listener of its address, else of its port, else the one for all others', () => {
  const objects = [
    shopService({ clusterIP: '10.96.0.1' }, 'web'),
    shopService({ clusterIP: '10.96.0.2' }, 'db', { name: 'tcp', port: 1433 }),
    shopService({ clusterIP: '10.96.0.3' }, 'any', { name: 'other', port: 7005 }),
    shopService({ clusterIP: 'None' }, 'queue', { name: 'tcp', port: 5672 }),
  ];
  const caller = { workload: 'web', namespace: 'demo', labels: {}, gateway: false };
  const listeners = outboundListeners(compileProxyConfig(objects, caller));
  const nameFor = (ip: string, port: number, host?: string) => listenerFor(listeners, { ip, port, host })?.name;
  expect(nameFor('10.96.0.1', 8000)).toBe('0.0.0.0_8000');
  expect(nameFor('10.99.0.1', 8000)).toBe('0.0.0.0_8000');
  expect(nameFor('10.96.0.2', 1433)).toBe('10.96.0.2_1433');
  expect(nameFor('10.96.0.9', 1433)).toBe('virtualOutbound');
  expect(nameFor('10.96.0.3', 7005)).toBe('10.96.0.3_7005');
  expect(nameFor('10.244.0.4', 5672, 'queue.demo.svc.cluster.local')).toBe('queue.demo.svc.cluster.local_5672');
  expect(nameFor('10.96.0.1', 81)).toBe('virtualOutbound');
});
