import { SERVICE, SUBSETS, split, virtualService } from '../../support/mesh.js';
import { NINETY_TEN, type Table } from '../../support/meshCases.js';

const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: demo}
spec: {selector: {app: client}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
`;
const BOUND = { hosts: '[shop.example.com]', more: 'gateways: [gw]' };
const AT = { from: { gateway: true }, request: { host: 'shop.example.com' } };

export const headlessAtGateway: Table = {
  title: 'Destinations that a client inside would dial itself, at a gateway',
  cases: [
    {
      says: 'of a headless Service weights draw the version, since nobody has dialled a pod',
      base: `${SERVICE.replace('clusterIP: 10.0.0.1', 'clusterIP: None')}---${SUBSETS}`,
      yaml: `${GATEWAY}---${virtualService(split(90, 10), BOUND)}`,
      ...AT,
      share: NINETY_TEN,
      protocol: 'http',
    },
    {
      says: 'of a ServiceEntry without resolution there is no endpoint',
      base: '',
      yaml: `${GATEWAY}---${virtualService('[{route: [{destination: {host: pay.example.com}}]}]', BOUND)}---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: pay, namespace: demo}
spec: {hosts: [pay.example.com], resolution: NONE, ports: [{number: 80, name: http, protocol: HTTP}]}`,
      ...AT,
      failed: { '503 UH': 1 },
    },
  ],
};
