import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { CERTIFICATE, CERTIFICATE_KEY } from '../../support/certificate.js';
import { compared } from '../../support/comparisons.js';
import { subsets, to, virtualService } from '../../support/labMesh.js';
import { freePort } from '../../support/load.js';
import { eventually } from '../../support/poll.js';
import { envoySidecars, ownSidecars, realEnvoy } from '../../support/realEnvoy.js';
import { answers, startRealServer } from '../../support/realServer.js';
import { ScrapedMesh } from '../../support/scrapedMesh.js';

const envoy = await realEnvoy();
const sidecars = envoy && envoySidecars(envoy);

const type = (name: string) => `type.googleapis.com/envoy.${name}`;

/** The inbound side of a sidecar under a strict PeerAuthentication: it takes nobody who shows no certificate of the mesh. */
const strict = (port: number) => ({
  static_resources: {
    listeners: [
      {
        name: 'strict',
        address: { socket_address: { address: '127.0.0.1', port_value: port } },
        filter_chains: [
          {
            transport_socket: {
              name: 'envoy.transport_sockets.tls',
              typed_config: {
                '@type': type('extensions.transport_sockets.tls.v3.DownstreamTlsContext'),
                require_client_certificate: true,
                common_tls_context: {
                  tls_certificates: [
                    {
                      certificate_chain: { inline_string: CERTIFICATE },
                      private_key: { inline_string: CERTIFICATE_KEY },
                    },
                  ],
                  validation_context: { trusted_ca: { inline_string: CERTIFICATE } },
                },
              },
            },
            filters: [
              {
                name: 'envoy.filters.network.http_connection_manager',
                typed_config: {
                  '@type': type('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
                  stat_prefix: 'strict',
                  route_config: {
                    virtual_hosts: [
                      {
                        name: 'all',
                        domains: ['*'],
                        routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }],
                      },
                    ],
                  },
                  http_filters: [
                    {
                      name: 'envoy.filters.http.router',
                      typed_config: { '@type': type('extensions.filters.http.router.v3.Router') },
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
  },
  admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
});

/** Starts it. @returns its port, and a counter of its own. */
async function strictServer(binary: string) {
  const folder = mkdtempSync(join(tmpdir(), 'weighbridge-strict-'));
  const [config, adminFile, port] = [join(folder, 'envoy.json'), join(folder, 'admin'), await freePort()];
  writeFileSync(config, JSON.stringify(strict(port)));
  const admin = () => `http://${readFileSync(adminFile, 'utf8')}`;
  const server = await startRealServer({
    name: 'envoy',
    program: binary,
    args: [
      '-c',
      config,
      '--admin-address-path',
      adminFile,
      '--concurrency',
      '1',
      '--disable-hot-restart',
      '-l',
      'error',
    ],
    url: `https://127.0.0.1:${port}`,
    ready: async () => answers(`${admin()}/ready`),
    patienceMs: 10_000,
    after: () => rmSync(folder, { recursive: true, force: true }),
  });
  onTestFinished(() => server.stop());
  const counter = async (name: string): Promise<number> => {
    const page = await (await fetch(`${admin()}/stats?filter=${encodeURIComponent(name)}`)).text();
    return [...page.matchAll(/: (\d+)$/gm)].reduce((sum, [, value]) => sum + Number(value), 0);
  };
  return { port, counter };
}

describe.skipIf(!envoy)('a server that takes mutual TLS only', () => {
  afterEach(() => expect(sidecars?.complaints.splice(0)).toEqual([]));

  test('is 503 UC for a caller in plain text, its version unknown, and has seen no request', async () => {
    if (!sidecars || !envoy) return;
    for (const start of [ownSidecars, sidecars.start]) {
      const server = await strictServer(envoy.binary);
      const tunnel = (socket: Socket) => {
        const upstream = connect(server.port, '127.0.0.1');
        for (const one of [socket, upstream]) one.on('error', () => socket.destroy());
        socket.pipe(upstream).pipe(socket);
      };
      const pods = [{ name: 'shop-v1-1', version: 'v1', sidecar: false, app: { raw: tunnel } }];
      const rules = [subsets(), virtualService({ route: [to('v1')] })];
      const mesh = await ScrapedMesh.start(start, pods, rules);
      try {
        expect((await mesh.send()).status).toBe(503);
        await eventually(async () =>
          expect(await mesh.ledgers()).toEqual({ source: ['1x 503 UC shop-v1 unknown shop'], destination: [] }),
        );
        expect(await server.counter('listener\\..*\\.ssl\\.connection_error')).toBe(1);
        expect(await server.counter('http\\.strict\\.downstream_rq_total')).toBe(0);
        compared('envoy');
      } finally {
        await mesh.close();
      }
    }
  });
});
