import type { Table } from '../../support/meshCases.js';
import * as gatewayApi from './gatewayApi.js';
import * as headlessAtGateway from './headlessAtGateway.js';
import * as hosts from './hosts.js';
import * as kubernetesGateway from './kubernetesGateway.js';
import * as localities from './localities.js';
import * as mirrorAndProtocol from './mirrorAndProtocol.js';
import * as missingPorts from './missingPorts.js';
import * as policies from './policies.js';
import * as precedence from './precedence.js';
import * as receivedTls from './receivedTls.js';
import * as registry from './registry.js';
import * as scopes from './scopes.js';
import * as shares from './shares.js';
import * as tls from './tls.js';

const isTable = (value: unknown): value is Table => typeof value === 'object' && value !== null && 'cases' in value;

/** Every table of this folder. */
export const TABLES: readonly Table[] = [
  hosts,
  precedence,
  policies,
  receivedTls,
  scopes,
  shares,
  mirrorAndProtocol,
  registry,
  gatewayApi,
  kubernetesGateway,
  localities,
  headlessAtGateway,
  missingPorts,
  tls,
].flatMap((file) => Object.values(file).filter(isTable));
