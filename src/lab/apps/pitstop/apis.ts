import { hash32 } from '../../control/names.js';
import { type AppEnvironment, type AppHandler, type AppResponse, json } from '../app.js';
import { type Customer, MAX_RECORDS, type PitstopData, parseJson, readCustomer, readJob, readVehicle } from './data.js';

const NOT_FOUND = json(404, { error: 'There is no such record.' });
const NOT_ALLOWED = json(405, { error: 'This method is not served here.' });

const LEVELS = ['bronze', 'silver', 'gold'] as const;

/** Version 2 of the customer service knows how loyal a customer is. */
function withLoyalty(customer: Customer): Customer & { loyaltyLevel: string } {
  return { ...customer, loyaltyLevel: LEVELS[hash32(customer.customerId) % LEVELS.length] ?? 'bronze' };
}

/** True for version labels such as `v2`, `2.0` or `3`. */
export function knowsLoyalty(version: string | undefined): boolean {
  return Number(/^v?(\d+)/.exec(version ?? '')?.[1] ?? 1) >= 2;
}

/** Stores a record that was read from a body; `undefined` is a body that describes none. */
function store<T>(records: Map<string, T>, id: string | undefined, record: T | undefined): AppResponse {
  if (id === undefined || record === undefined) return json(400, { error: 'The body does not describe a record.' });
  if (records.size >= MAX_RECORDS && !records.has(id)) return json(507, { error: `There are ${MAX_RECORDS} records.` });
  records.set(id, record);
  return json(201, record);
}

/** `GET/POST /api/customers`, `GET /api/customers/{id}`. */
export function customerApi(env: AppEnvironment, { customers }: PitstopData): AppHandler {
  const shape: (customer: Customer) => Customer = knowsLoyalty(env.labels.version) ? withLoyalty : (plain) => plain;
  return (request) => {
    const [, api, collection, id, ...rest] = request.path.split('/');
    if (api !== 'api' || collection !== 'customers' || rest.length > 0) return NOT_FOUND;
    if (id !== undefined && id !== '') {
      if (request.method !== 'GET') return NOT_ALLOWED;
      const customer = customers.get(id);
      return customer ? json(200, shape(customer)) : NOT_FOUND;
    }
    if (request.method === 'GET') return json(200, [...customers.values()].map(shape));
    if (request.method !== 'POST') return NOT_ALLOWED;
    const customer = readCustomer(parseJson(request.body));
    return store(customers, customer?.customerId, customer);
  };
}

/** `GET/POST /api/vehicles`, `GET /api/vehicles/{licenseNumber}`. */
export function vehicleApi(_env: AppEnvironment, { vehicles }: PitstopData): AppHandler {
  return (request) => {
    const [, api, collection, id, ...rest] = request.path.split('/');
    if (api !== 'api' || collection !== 'vehicles' || rest.length > 0) return NOT_FOUND;
    if (id !== undefined && id !== '') {
      if (request.method !== 'GET') return NOT_ALLOWED;
      const vehicle = vehicles.get(id.toUpperCase());
      return vehicle ? json(200, vehicle) : NOT_FOUND;
    }
    if (request.method === 'GET') return json(200, [...vehicles.values()]);
    if (request.method !== 'POST') return NOT_ALLOWED;
    const vehicle = readVehicle(parseJson(request.body));
    return store(vehicles, vehicle?.licenseNumber, vehicle);
  };
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** `GET /api/workshopplanning/{yyyy-MM-dd}`, `GET/POST .../jobs`, `GET .../jobs/{id}`. */
export function workshopApi(_env: AppEnvironment, { jobs }: PitstopData): AppHandler {
  return (request) => {
    const [, api, planning, date = '', kind, id, ...rest] = request.path.split('/');
    if (api !== 'api' || planning !== 'workshopplanning' || !DATE.test(date) || rest.length > 0) return NOT_FOUND;
    const ofDay = () => [...jobs.values()].filter((job) => job.date === date);
    if (kind === undefined || kind === '') {
      return request.method === 'GET' ? json(200, { date, jobs: ofDay() }) : NOT_ALLOWED;
    }
    if (kind !== 'jobs') return NOT_FOUND;
    if (id !== undefined && id !== '') {
      const job = jobs.get(id);
      return job?.date === date ? json(200, job) : NOT_FOUND;
    }
    if (request.method === 'GET') return json(200, ofDay());
    if (request.method !== 'POST') return NOT_ALLOWED;
    const job = readJob(parseJson(request.body), date);
    return store(jobs, job?.id, job);
  };
}
