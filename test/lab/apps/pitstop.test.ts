import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { seededRandom } from '../../../src/base/random.js';
import { millis, ratio } from '../../../src/base/units.js';
import { type AppHandler, json } from '../../../src/lab/apps/app.js';
import { AppServer } from '../../../src/lab/apps/appServer.js';
import { AppClient } from '../../../src/lab/apps/client.js';
import { knowsLoyalty } from '../../../src/lab/apps/pitstop/apis.js';
import { AppRegistry } from '../../../src/lab/apps/registry.js';

const BEHAVIOUR = { latency: { kind: 'constant', ms: millis(0) }, errors: ratio(0), errorStatus: 500 } as const;

let closers: (() => Promise<void> | void)[];
let ports: Map<string, number>;
let registry: AppRegistry;
let client: AppClient;

/** Starts one of Pitstop's services under its Service name; `wrap` may come between requests and the service. */
async function start(
  name: string,
  version = 'v1',
  wrap: (handler: AppHandler) => AppHandler = (same) => same,
): Promise<void> {
  const env = {
    pod: `${name}-1`,
    namespace: 'pitstop',
    workload: name,
    image: `pitstop/${name}:1.0`,
    labels: { app: name, version },
    client,
    clock: systemClock,
    random: seededRandom(5),
  };
  const handler = wrap(registry.handler(env, []));
  const server = new AppServer({ handler, behaviour: BEHAVIOUR, clock: systemClock, random: seededRandom(6) });
  ports.set(name, await server.listen());
  closers.push(() => server.close());
}

beforeEach(async () => {
  closers = [];
  ports = new Map();
  registry = new AppRegistry();
  client = new AppClient((host) => ports.get(host) ?? 'unknown-host');
  closers.push(() => client.close());
  await start('webapp');
  await start('vehiclemanagementapi');
  await start('workshopmanagementapi');
});

afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

const get = (path: string) => client.request('webapp', 80, 'GET', path);
const post = (path: string, form: Record<string, string>) =>
  client.request('webapp', 80, 'POST', path, {
    type: 'application/x-www-form-urlencoded',
    text: new URLSearchParams(form).toString(),
  });

const link = (body: string, prefix: string): string => new RegExp(`href="(${prefix}/[^"]+)"`).exec(body)?.[1] ?? '';

async function registerCustomer(name = 'Wanda'): Promise<string> {
  expect((await post('/CustomerManagement/Register', { 'Customer.Name': name, 'Customer.City': 'X' })).status).toBe(
    302,
  );
  return link((await get('/CustomerManagement')).body, '/CustomerManagement/Details');
}

test('customer, vehicle and job are registered through the forms and shown on list and details pages', async () => {
  await start('customermanagementapi');
  const customer = await registerCustomer();
  expect((await get(customer)).body).toContain('Wanda');
  const form = (await get('/VehicleManagement/New')).body;
  const customerId = decodeURIComponent(customer.split('/').at(-1) ?? '');
  expect(form).toContain(`<option value="${customerId}">Wanda</option>`);
  const vehicle = {
    'Vehicle.LicenseNumber': 'AB-12-CD',
    'Vehicle.Brand': 'Volvo',
    'Vehicle.Type': 'V60',
    SelectedCustomerId: customerId,
  };
  expect((await post('/VehicleManagement/Register', vehicle)).status).toBe(302);
  expect((await get(link((await get('/VehicleManagement')).body, '/VehicleManagement/Details'))).body).toMatch(
    /AB-12-CD[\s\S]*Wanda/,
  );
  const today = new Date().toISOString().slice(0, 10);
  const job = {
    Date: today,
    StartTime: '08:00',
    EndTime: '10:00',
    Description: 'Weighing',
    SelectedVehicleLicenseNumber: 'AB-12-CD',
  };
  expect((await post('/WorkshopManagement/RegisterMaintenanceJob', job)).status).toBe(302);
  const jobs = (await get(`/WorkshopManagement?planningDate=${today}`)).body;
  expect((await get(link(jobs, '/WorkshopManagement/Details'))).body).toMatch(/Weighing/);
});

test('only the details page of version 2 shows the loyalty level, as a medal that can be loaded', async () => {
  await start('customermanagementapi', 'v1');
  const customer = await registerCustomer();
  const list = (await get('/CustomerManagement')).body;
  expect((await get(customer)).body).not.toContain('LoyaltyLevel');
  await start('customermanagementapi', 'v2');
  await client.close();
  client = new AppClient((host) => ports.get(host) ?? 'unknown-host');
  closers.push(() => client.close());
  await start('webapp');
  const details = (await get(customer)).body;
  expect(details).toContain('LoyaltyLevel');
  expect((await get('/CustomerManagement')).body).toBe(list);
  const medal = /src="([^"]+)"/.exec(details)?.[1] ?? '';
  expect((await get(medal)).status).toBe(200);
});

test.each([
  ['v1', false],
  ['v2', true],
  ['2.0', true],
  ['1.0', false],
  ['v10', true],
  ['canary', false],
  [undefined, false],
])('version label %s: loyalty %s', (version, knows) => {
  expect(knowsLoyalty(version)).toBe(knows);
});

test.each([
  [5, 'Wanda', 6],
  [6, 'offline', 6],
])('an API that fails %i times in a row gives %s after %i calls, with status 200', async (failures, text, calls) => {
  let seen = 0;
  let failing = 0;
  await start('customermanagementapi', 'v1', (handler) => (request) => {
    seen += 1;
    return failing-- > 0 ? json(500, {}) : handler(request);
  });
  const customer = await registerCustomer();
  [seen, failing] = [0, failures];
  const page = await get(customer);
  expect(page.status).toBe(200);
  expect(page.body).toContain(text);
  expect(seen).toBe(calls);
});

test('an API that is not there gives the offline page, and other pages go on', async () => {
  const page = await get('/CustomerManagement');
  expect(page).toMatchObject({ status: 200 });
  expect(page.body).toContain('offline');
  expect((await get('/')).body).not.toContain('offline');
  expect((await get('/VehicleManagement')).body).not.toContain('offline');
});

test('what came from outside is shown, never executed', async () => {
  await start('customermanagementapi');
  const customer = await registerCustomer(`<script>alert("1")</script> & 'x'`);
  for (const path of ['/CustomerManagement', customer, '/VehicleManagement/New']) {
    const { body } = await get(path);
    expect(body).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;');
    expect(body).not.toContain('<script');
  }
});

test.each([
  ['GET', '/nowhere', 404],
  ['GET', '/CustomerManagement/Details/unknown', 404],
  ['GET', '/CustomerManagement/Details/%2e%2e%2fetc', 404],
  ['GET', '/CustomerManagement/Details/%zz', 400],
  ['GET', '/CustomerManagement/Register', 404],
  ['GET', '/VehicleManagement/Details/XX-00-XX', 404],
  ['GET', '/WorkshopManagement/Details/2026-01-01/none', 404],
  ['GET', '/images/medal-constructor.svg', 404],
])('%s %s is %i', async (method, path, status) => {
  await start('customermanagementapi');
  expect((await client.request('webapp', 80, method, path)).status).toBe(status);
});

test.each([
  ['/CustomerManagement/Register', {}],
  ['/VehicleManagement/Register', { 'Vehicle.LicenseNumber': 'no license' }],
  ['/WorkshopManagement/RegisterMaintenanceJob', { Date: 'tomorrow' }],
])('an incomplete form for %s is shown again with 400', async (path, form) => {
  await start('customermanagementapi');
  const answer = await post(path, form as Record<string, string>);
  expect(answer.status).toBe(400);
  expect(answer.body).toContain('role="alert"');
});

test('a body that is too long is refused', async () => {
  await start('customermanagementapi');
  expect((await post('/CustomerManagement/Register', { 'Customer.Name': 'x'.repeat(400_000) })).status).toBe(413);
});

test.each([
  ['customermanagementapi', 'POST', '/api/customers', 'no json', 400],
  ['customermanagementapi', 'POST', '/api/customers', '[]', 400],
  ['customermanagementapi', 'DELETE', '/api/customers', '', 405],
  ['customermanagementapi', 'GET', '/api/customers/a/b', '', 404],
  ['vehiclemanagementapi', 'POST', '/api/vehicles', '{"licenseNumber":"AB-12-CD"}', 201],
  ['vehiclemanagementapi', 'POST', '/api/vehicles', '{"licenseNumber":7}', 400],
  ['workshopmanagementapi', 'GET', '/api/workshopplanning/2026-01-01', '', 200],
  ['workshopmanagementapi', 'GET', '/api/workshopplanning/soon', '', 404],
])('%s answers %s %s %j with %i', async (name, method, path, text, status) => {
  await start('customermanagementapi');
  const body = text === '' ? undefined : { type: 'application/json', text };
  expect((await client.request(name, 80, method, path, body)).status).toBe(status);
});
